"""The commands that make a package and list what is in it: pull, generate, list."""

import click

from .. import pipeline
from ..config import Config
from ..sources.interface import ApiKey
from ..terminal import count, progress, say, short, table
from .options import configured, each, load, of_tenant


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
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
def generate(**options: object) -> int:
    """Make the package from the snapshot. Works offline."""

    def one(settings: Config, _: ApiKey) -> int:
        done = pipeline.generate(settings)
        if done.completed_interrupted:
            say("completed a run that had been interrupted")
        if not done.written and not done.deleted:
            say(f"up to date: {count(done.schemas, 'schema')}")
            return 0
        deleted = f", deleted {len(done.deleted)}" if done.deleted else ""
        say(
            f"{count(done.schemas, 'schema')}: wrote {count(len(done.written), 'file')}{deleted} "
            f"in {short(settings.output)}"
        )
        return 0

    return each(load(options), one)


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
