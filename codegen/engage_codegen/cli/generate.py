"""The command `generate`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from .. import pipeline
from ..config import Config
from ..errors import CodegenError
from ..output import snapshot
from .console import count, say, short
from .options import configured, each, load


@click.command("generate")
@configured
@click.option("--watch", "is_watching", is_flag=True, help="Again, whenever a schema changes.")
def command(is_watching: bool, **options: object) -> int:
    """Make the package from the snapshot. Works offline.

    With --watch it goes on until Ctrl-C: what changes in the schemas or the configuration is made
    at once, what is wrong is shown and leaves the last good package as it is.
    """
    if is_watching:
        return _watched(options)
    return each(load(options), lambda one, _: _generated(one))


def _generated(settings: Config) -> int:
    done = pipeline.generate(settings)
    if done.completed_interrupted:
        say("completed a run that had been interrupted")
    if not done.written and not done.deleted:
        say(f"up to date: {count(done.schemas, 'schema')}")
        return 0
    for word, paths in (("wrote", done.written), ("deleted", done.deleted)):
        for path in paths:
            say(f"{word:9}{path}", 2)
    deleted = f", deleted {len(done.deleted)}" if done.deleted else ""
    say(
        f"{count(done.schemas, 'schema')}: wrote {count(len(done.written), 'file')}{deleted} "
        f"in {short(settings.output)}"
    )
    return 0


def _watched(options: Mapping[str, object]) -> int:
    """One round for each change. The lines that begin and end a round are what an editor's task
    goes by."""
    try:
        from ..watch import rounds
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"--watch needs {error.name}: install engage-codegen[watch]"
        ) from None
    configs = load(options)
    files = {one.file for one in configs if one.file}

    def looked_at() -> list[Path]:
        sources = [it for one in configs for it in one.schemas or [one.output / snapshot.FOLDER]]
        return [*sources, *sorted(files)]

    try:
        for changed in rounds(looked_at):
            say(f"changed: {', '.join(map(short, changed)) or 'nothing yet'}", 0)
            try:
                configs = load(options)
                each(configs, lambda one, _: _generated(one))
            except CodegenError as error:
                _tell_places(configs)
                say(f"error: {error}", 0)
            say(f"watching {', '.join(map(short, looked_at()))}", 0)
    except KeyboardInterrupt:
        say("stopped")
    return 0


def _tell_places(configs: Sequence[Config]) -> None:
    """The lines that are wrong, as far as lint knows them."""
    from ..findings.report import report
    from ..lint import lint

    for one in configs:
        try:
            found = lint(one.schemas or [one.output / snapshot.FOLDER], one.dialect, one.renames)
        except CodegenError:
            continue
        print(report([it for it in found if it.severity == "error"], "text"), end="", flush=True)
