"""The command `push`."""

import click

from .. import pipeline
from ..config import Config
from ..output import snapshot
from ..schema.text import escape
from ..sources.interface import ApiKey, silently
from .console import count, say
from .options import configured, each, known_ids, load, of_tenant


@click.command("push")
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=known_ids)
@configured
@of_tenant
@click.option("--apply", "is_applied", is_flag=True, help="Do what the plan says.")
@click.option(
    "--allow-destroy",
    "allowed",
    multiple=True,
    metavar="ID",
    help="Replace this schema, and so delete every interaction stored under it.",
)
def command(
    ids: tuple[str, ...], is_applied: bool, allowed: tuple[str, ...], **options: object
) -> int:
    """Create the project's schemas in the tenant.

    Shows a plan, and does it with --apply. The schemas are those of the configured files, else the
    snapshot; with IDs, only these. A schema of the tenant that the project does not know is never
    touched. Safe to repeat and to interrupt. Exit codes: 0 the tenant has them all, 3 something is
    left to do, 1 a schema that the platform would refuse, 5 the tenant.
    """
    return each(load(options), lambda one, key: _pushed(one, key, ids, allowed, is_applied))


def _pushed(
    settings: Config, key: ApiKey, ids: tuple[str, ...], allowed: tuple[str, ...], is_applied: bool
) -> int:
    from .. import push as pushing

    tenant = pipeline.tenant_of(settings, key)
    if settings.schemas:
        ours = pipeline.source_of(settings, key).fetch((), silently)
    else:
        ours = snapshot.read(settings.output)
    theirs = tenant.fetch((), silently)
    todo = pushing.plan(ours, theirs, ids, settings.dialect, settings.renames)
    for line in pushing.lines(todo, allowed):
        click.echo(escape(line))
    if todo.is_empty:
        say(f"nothing to do: {count(len(todo.unchanged), 'schema')} as in the project")
        return 0
    if not is_applied:
        say("nothing was done; to do it: engage-codegen push --apply")
        return 3
    pushing.apply(todo, tenant, allowed, lambda word, schema_id: say(f"{word:10}{schema_id}"))
    left = [schema.id for schema, _ in todo.replace if schema.id not in allowed]
    if left:
        say(f"left as they are: {', '.join(left)}")
        return 3
    return 0
