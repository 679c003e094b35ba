"""The command `pull`."""

import click

from .. import pipeline
from ..config import Config
from ..sources.interface import ApiKey
from .console import count, progress, say
from .options import configured, each, known_ids, load, of_tenant


@click.command("pull")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=known_ids)
@configured
@of_tenant
@click.option("--force", is_flag=True, help="Overwrite a snapshot that was changed by hand.")
def command(ids: tuple[str, ...], force: bool, **options: object) -> int:
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
