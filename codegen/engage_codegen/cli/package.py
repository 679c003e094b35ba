"""The commands that make a package and list what is in it: pull, generate, list."""

import os
import sys

import click

from .. import pipeline
from ..errors import API_KEY_VARIABLE
from ..schema import UNSAFE_IN_TEXT, escaped
from ..terminal import count, is_terminal, progress, say, short, table
from .options import base_url, configured, load, user_agent


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@configured
@base_url
@click.option("--api-version", type=click.Choice(["v2", "v3"]), help="v3 by default.")
@user_agent
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
    settings = load(options)
    source = pipeline.source_of(settings, os.environ.get(API_KEY_VARIABLE, ""))
    with progress() as noted:
        done = pipeline.pull(settings, source, ids, force=force, progress=noted)
    for word in ("added", "changed", "removed"):
        for schema_id in getattr(done, word):
            say(f"{word:9}{schema_id}")
    total = len(done.added) + len(done.changed) + len(done.unchanged)
    say(f"{count(total, 'schema')} pulled, {len(done.unchanged)} unchanged")


@click.command()
@configured
def generate(**options: object) -> None:
    """Make the package from the snapshot. Works offline."""
    settings = load(options)
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


@click.command("list")
@configured
def list_(**options: object) -> None:
    """List the schemas of the snapshot."""
    rows = pipeline.listing(load(options))
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
