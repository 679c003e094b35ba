"""The command that runs a local Engage."""

import shlex
from pathlib import Path

import click

from ..errors import API_KEY_VARIABLE
from .console import print_status

EXAMPLES = [
    "engage-codegen sandbox",
    "engage-codegen sandbox --port 0 --database engage.db",
]


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="0 takes a free one.")
@click.option("--database", type=click.Path(path_type=Path), metavar="FILE",
              help="Keep the state in this SQLite file; in memory without it.")  # fmt: skip
@click.option("--api-key", default="sandbox-key", show_default=True, help="The key it accepts.")
@click.option("--empty", is_flag=True, help="Start without the example schemas.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Answer an open question about the platform; see docs/sandbox.md.",
)
@click.option("--faults", "faults_file", type=click.Path(path_type=Path), metavar="FILE",
              help="Start with the faults in this JSON file.")  # fmt: skip
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def command(
    host: str,
    port: int,
    database: Path | None,
    api_key: str,
    empty: bool,
    options: tuple[str, ...],
    faults_file: Path | None,
) -> None:
    """Run a local Engage in the foreground, until Ctrl-C."""
    try:
        from ..sandbox.control.faults import read_faults
        from ..sandbox.options import options_of
        from ..sandbox.server import serve
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"the sandbox needs {error.name}: install engage-codegen[sandbox]"
        ) from None

    def ready(base_url: str) -> None:
        print_status("a local Engage is running; Ctrl-C ends it. To talk to it:\n")
        settings = {"ENGAGE_BASE_URL": base_url, API_KEY_VARIABLE: api_key}
        for name, value in (settings | {"ENGAGE_USER_AGENT": "sandbox/1.0"}).items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        print_status(f"\nwhat marketing would see: {base_url}/_sandbox/ui")

    serve(
        host=host,
        port=port,
        database=database,
        api_key=api_key,
        seed=not empty,
        options=options_of(options),
        faults=read_faults(faults_file) if faults_file else (),
        on_ready=ready,
    )
