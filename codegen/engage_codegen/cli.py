"""The command line: arguments -> Config -> pipeline -> report -> exit code.

The only place that prints or catches. Data goes to stdout, talk to stderr.
"""

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import click

from . import __version__, config, pipeline, terminal
from .errors import API_KEY_VARIABLE, CodegenError, InputError
from .schema import UNSAFE_IN_TEXT, escaped
from .terminal import count, is_terminal, progress, say, short, table

if TYPE_CHECKING:
    pass

P = ParamSpec("P")
R = TypeVar("R")


def run(arguments: Sequence[str]) -> int:
    """The exit code of a command line: 0 fine, 1 findings, 2 usage, configuration, local input or
    a bug of ours, 5 the tenant, 130 interrupted."""
    terminal.never_fail_on_encoding()
    try:
        result = main.main(list(arguments), "engage-codegen", standalone_mode=False)
    except BaseException as error:
        if "--debug" in arguments:
            traceback.print_exc()
        return _ended(error)
    return result if isinstance(result, int) else 0


def _ended(error: BaseException) -> int:
    """Say what ended the run; its exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return 2
    if isinstance(error, CodegenError):
        say(f"error: {error}")
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone; Python must not try to flush what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, click.Abort) or _was_interrupted(error):
        say("interrupted")
        return 130
    if isinstance(error, SystemExit):
        raise error
    say(
        f"internal error: {type(error).__name__}: {error}\n"
        "  fix: this is a bug in engage-codegen; run again with --debug and report it"
    )
    return 2


def _was_interrupted(error: BaseException | None) -> bool:
    """Some libraries turn a Ctrl-C into an error of their own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _configured(command: Callable[P, R]) -> Callable[P, R]:
    """The options of every command that reads the configuration."""
    options = [
        click.option("--config", "config_file", type=click.Path(path_type=Path, dir_okay=False),
                     metavar="FILE", help="Read this file instead of the nearest pyproject.toml."),
        click.option("--output", metavar="FOLDER", help="The package folder itself."),
        click.option("--schemas", multiple=True, metavar="PATH",
                     help="Schema files or folders as the source instead of a tenant."),
        click.option("--rename", multiple=True, metavar="ID=NAME",
                     help="Call a schema, or a property (ID#/PROPERTY), NAME in Python."),
        click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88})
@click.version_option(__version__, prog_name="engage-codegen")
def main() -> None:
    """Typed Python for the interactions of Voyado Engage."""


@main.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_configured
@click.option("--base-url", metavar="URL", help="The tenant, like https://acme.voyado.com.")
@click.option("--api-version", type=click.Choice(["v2", "v3"]), help="v3 by default.")
@click.option("--user-agent", metavar="NAME/VERSION", help="Your integration, for the vendor.")
@click.option("--force", is_flag=True, help="Overwrite a snapshot that was changed by hand.")
def pull(
    ids: tuple[str, ...],
    force: bool,
    **options: object,
) -> None:
    """Fetch the schemas of the tenant into the snapshot.

    With IDs, only these are refreshed. It is all or nothing. The key of the tenant comes from the
    environment variable ENGAGE_API_KEY.
    """
    settings = _load(options)
    source = pipeline.source_of(settings, os.environ.get(API_KEY_VARIABLE, ""))
    with progress() as noted:
        done = pipeline.pull(settings, source, ids, force=force, progress=noted)
    for word in ("added", "changed", "removed"):
        for schema_id in getattr(done, word):
            say(f"{word:9}{schema_id}")
    total = len(done.added) + len(done.changed) + len(done.unchanged)
    say(f"{count(total, 'schema')} pulled, {len(done.unchanged)} unchanged")


@main.command()
@_configured
def generate(**options: object) -> None:
    """Make the package from the snapshot. Works offline."""
    settings = _load(options)
    done = pipeline.generate(settings)
    if done.completed_interrupted:
        say("completed a run that had been interrupted")
    if not done.written and not done.deleted:
        say(f"up to date: {count(done.schemas, 'schema')}")
        return
    deleted = f", deleted {len(done.deleted)}" if done.deleted else ""
    say(
        f"{count(done.schemas, 'schema')}: wrote {count(len(done.written), 'file')}{deleted} "
        f"in {short(settings.output)}"
    )


@main.command()
@_configured
def check(**options: object) -> int:
    """Exit with 1 if the package is not what generate would make. Writes nothing."""
    settings = _load(options)
    plan = pipeline.check(settings)
    if plan is None:
        say("up to date")
        return 0
    from .write import show

    for line in show(plan):
        print(UNSAFE_IN_TEXT.sub(escaped, line))
    say(
        f"stale: {count(len(plan.changes), 'file')} in {short(settings.output)}\n"
        "  fix: engage-codegen generate"
    )
    return 1


@main.command("list")
@_configured
def list_(**options: object) -> None:
    """List the schemas of the snapshot."""
    rows = pipeline.listing(_load(options))
    head = ["id", "title", "module", "class", "properties", "required"]
    cells = [
        [
            row.schema.id,
            UNSAFE_IN_TEXT.sub(escaped, row.schema.display_name),
            row.names.module,
            row.names.class_name,
            UNSAFE_IN_TEXT.sub(escaped, ", ".join(row.properties)),
            UNSAFE_IN_TEXT.sub(escaped, ", ".join(row.required)),
        ]
        for row in rows
    ]
    if is_terminal(sys.stdout):
        table(head, cells)
    else:
        for line in [head, *cells]:
            print("\t".join(line))


@main.command()
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
def sandbox(
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
        from .sandbox.faults import read_faults
        from .sandbox.options import options_of
        from .sandbox.server import serve
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"the sandbox needs {error.name}: install engage-codegen[sandbox]"
        ) from None

    def ready(base_url: str) -> None:
        say("a local Engage is running; Ctrl-C ends it. To talk to it:\n")
        settings = {"ENGAGE_BASE_URL": base_url, API_KEY_VARIABLE: api_key}
        for name, value in (settings | {"ENGAGE_USER_AGENT": "sandbox/1.0"}).items():
            print(f"export {name}={shlex.quote(value)}", flush=True)

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


def _load(options: Mapping[str, object]) -> config.Config:
    """The configuration, with the options that were given as its flags."""
    flags = {
        key: options[name]
        for key in config.KEYS
        if options.get(name := key.replace("-", "_")) not in (None, ())
    }
    renames = cast("tuple[str, ...]", options.get("rename", ()))
    file = options.get("config_file")
    return config.load(
        file=file if isinstance(file, Path) else None,
        environ=os.environ,
        flags=flags,
        renames=dict(map(_rename, renames)),
        folder=_current_folder(),
    )


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise InputError(
            "the current folder does not exist any more", where=".", fix="change to another"
        ) from None


def _rename(text: str) -> tuple[str, str]:
    key, equals, name = text.rpartition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not ID=NAME", param_hint="--rename")
    return key, name
