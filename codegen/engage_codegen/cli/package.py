"""The commands that make a package and list what is in it: pull, generate, list."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from .. import pipeline, snapshot
from ..config import Config
from ..errors import CodegenError
from ..sources.interface import ApiKey
from ..terminal import count, progress, say, short, table
from .options import configured, each, known_ids, load, no_cache, of_tenant


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=known_ids)
@configured
@of_tenant
@click.option("--force", is_flag=True, help="Overwrite a snapshot that was changed by hand.")
def pull(ids: tuple[str, ...], force: bool, **options: object) -> int:
    """Fetch the schemas of the tenant into the snapshot.

    With IDs, only these are refreshed. It is all or nothing. The key of the tenant comes from the
    environment variable ENGAGE_API_KEY, that of a target from ENGAGE_API_KEY_NAME.
    """

    def one(settings: Config, key: ApiKey) -> int:
        source = pipeline.source_of(settings, key)
        with progress() as noted:
            done = pipeline.pull(settings, source, ids, force=force, progress=noted)
        for word in ("added", "changed", "removed"):
            for schema_id in getattr(done, word):
                say(f"{word:9}{schema_id}")
        total = len(done.added) + len(done.changed) + len(done.unchanged)
        say(f"{count(total, 'schema')} pulled, {len(done.unchanged)} unchanged")
        return 0

    return each(load(options), one)


@click.command()
@configured
@no_cache
@click.option("--watch", "is_watching", is_flag=True, help="Again, whenever a schema changes.")
def generate(is_watching: bool, no_cache: bool, **options: object) -> int:
    """Make the package from the snapshot. Works offline.

    With --watch it goes on until Ctrl-C: what changes in the schemas or the configuration is made
    at once, what is wrong is shown and leaves the last good package as it is.
    """
    if is_watching:
        return _watched(options)
    return each(load(options), lambda one, _: _generated(one, no_cache))


def _generated(settings: Config, no_cache: bool) -> int:
    done = pipeline.generate(settings, is_anew=no_cache)
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
                each(configs, lambda one, _: _generated(one, False))
            except CodegenError as error:
                _tell_places(configs)
                say(f"error: {error}", 0)
            say(f"watching {', '.join(map(short, looked_at()))}", 0)
    except KeyboardInterrupt:
        say("stopped")
    return 0


def _tell_places(configs: Sequence[Config]) -> None:
    """The lines that are wrong, as far as lint knows them."""
    from ..lint import lint
    from ..report import report

    for one in configs:
        try:
            found = lint(one.schemas or [one.output / snapshot.FOLDER], one.dialect, one.renames)
        except CodegenError:
            continue
        print(report([it for it in found if it.severity == "error"], "text"), end="", flush=True)


@click.command("list")
@configured
def list_(**options: object) -> int:
    """List the schemas of the snapshot."""

    def one(settings: Config, _: ApiKey) -> int:
        cells = [
            [
                row.schema.id,
                row.schema.display_name,
                row.names.module,
                row.names.class_name,
                ", ".join(row.properties),
                ", ".join(row.required),
            ]
            for row in pipeline.listing(settings)
        ]
        table(["id", "title", "module", "class", "properties", "required"], cells)
        return 0

    return each(load(options), one)
