"""The command that runs the sandbox."""

import shlex
from functools import partial
from pathlib import Path

import click

from ..config.files import find_configuration
from ..errors import API_KEY_VARIABLE, ConfigError
from .console import print_lines, shorten
from .options import current_folder

EXAMPLES = [
    "engage-codegen sandbox",
    "engage-codegen sandbox --port 0 --database engage.db",
    "engage-codegen sandbox --host 0.0.0.0 --allow-host engage --tls certificates",
]


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, help="The port to listen on; 0 picks a free one."
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Also answer requests to this host name.",
)
@click.option("--tls", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Serve HTTPS, with a certificate authority in this folder.")  # fmt: skip
@click.option("--database", type=click.Path(path_type=Path), metavar="FILE",
              help="Keep the state in this SQLite file instead of in memory.")  # fmt: skip
@click.option("--api-key", default="sandbox-key", show_default=True, help="The API key to accept.")
@click.option("--empty", is_flag=True, help="Start without the example schemas and contacts.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set how the sandbox behaves where the platform is undocumented; see docs/sandbox.md.",
)
@click.option("--platform", "platform_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Behave as this file of `probe` says. Default: engage-platform.toml beside the "
              "configuration, if there is one.")  # fmt: skip
@click.option("--faults", "faults_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Start with the faults in this JSON file.")  # fmt: skip
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def command(
    host: str,
    port: int,
    allowed_hosts: tuple[str, ...],
    tls: Path | None,
    database: Path | None,
    api_key: str,
    empty: bool,
    options: tuple[str, ...],
    platform_file: Path | None,
    faults_file: Path | None,
) -> None:
    """Run the sandbox, a local Engage, until Ctrl-C."""
    try:
        from ..sandbox.control.faults import read_faults
        from ..sandbox.option_pairs import parse_options
        from ..sandbox.options.platform_file import (
            NO_PLATFORM_FILE,
            find_platform_file,
            read_platform_file,
        )
        from ..sandbox.server import serve
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"The sandbox needs {error.name}. Run: pip install 'engage-codegen[sandbox]'"
        ) from None

    path = platform_file or find_platform_file(_project_folder())
    platform = read_platform_file(path) if path else NO_PLATFORM_FILE
    if path:
        observed = f"{len(platform.values)} options as observed in {platform.tenant}"
        print_lines([f"{shorten(path.absolute())}: {observed} on {platform.date}"])

    serve(
        host=host,
        port=port,
        database=database,
        api_key=api_key,
        seed=not empty,
        options=parse_options(options, platform.values),
        platform=platform,
        faults=read_faults(faults_file) if faults_file else (),
        allowed_hosts=allowed_hosts,
        tls=tls,
        on_ready=partial(_show_address, host, api_key, tls),
    )


def _show_address(host: str, api_key: str, tls: Path | None, base_url: str) -> None:
    """Print where the sandbox is, and who can reach it."""
    from ..sandbox.server.access import describe_reach
    from ..sandbox.server.certificates import AUTHORITY_FILE

    run = "The sandbox is running. Press Ctrl-C to stop it. To connect to it, run:"
    print_lines([run, ""])
    settings = {"ENGAGE_BASE_URL": base_url, API_KEY_VARIABLE: api_key}
    settings["ENGAGE_USER_AGENT"] = "sandbox/1.0"
    if tls is not None:
        settings["SSL_CERT_FILE"] = str((tls / AUTHORITY_FILE).absolute())
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    print_lines(["", f"Pages that show what marketing would see: {base_url}/_sandbox/ui"])
    if reach := describe_reach(host):
        print_lines(["", *_warn_about(reach)], level=0)


def _warn_about(reach: str) -> list[str]:
    return [
        f"Warning: This sandbox can be used by {reach}. They can read, change and delete all its",
        "data, including its API keys: the pages and /_sandbox need no key. Do not put real data "
        "into it.",
    ]


def _project_folder() -> Path:
    folder = current_folder()
    try:
        file = find_configuration(folder)
    except ConfigError:  # the sandbox needs nothing of it
        return folder
    return file.parent if file else folder
