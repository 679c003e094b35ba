"""The commands of a deployment: push, preflight."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from .. import pipeline, snapshot
from ..config import Config
from ..errors import CodegenError
from ..findings import OutputFormat
from ..schema import UNSAFE_IN_TEXT, Schema, escaped
from ..sources.interface import ApiKey, silently
from ..terminal import count, say, table
from .found import Found, formatted
from .options import configured, each, keys, known_ids, load, of_tenant, worst


@click.command()
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
def push(
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
        click.echo(UNSAFE_IN_TEXT.sub(escaped, line))
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


@click.command()
@click.argument("package", metavar="PACKAGE_OR_WHEEL")
@configured
@formatted
@click.option(
    "--tenant",
    "tenants",
    multiple=True,
    metavar="[NAME=]URL",
    help="Ask this tenant; its key is in ENGAGE_API_KEY_NAME.",
)
@of_tenant
def preflight(package: str, form: OutputFormat, tenants: tuple[str, ...], **options: object) -> int:
    """Tell whether exactly this package can be deployed.

    PACKAGE_OR_WHEEL is a wheel, a folder, or the name of something that is installed beside this
    tool. The tenants are those that are named, else those of the configuration; a single one may
    have its key in ENGAGE_API_KEY. For each schema and tenant the verdict is SAFE, BREAKS or
    UNKNOWN. Exit codes: 0 all are safe, 4 something breaks, 1 something is open, 5 a tenant gave no
    answer.
    """
    from .. import artefacts
    from .. import preflight as judging

    configs = load(options)
    asked = _asked(tenants, configs)
    shipped = artefacts.find(package)
    all_found = Found(configs, form)
    rows: list[judging.Row] = []
    codes: list[int] = []
    known = keys({name: one.base_url for name, one in asked.items()})
    for name, one in asked.items():
        theirs: Mapping[str, Schema] | None = None
        try:
            theirs = pipeline.tenant_of(one, known[name]).fetch((), silently)
        except CodegenError as error:
            say(f"{name}: error: {error}", 0)
            codes.append(error.exit_code)
        for artefact in shipped:
            judged = judging.judge(artefact, name, theirs)
            if theirs is not None:  # an outage has its own code, and is no finding to be waived
                judged = [replace(row, found=all_found.left(row.found)) for row in judged]
                codes += [_CODES[row.verdict] for row in judged]
            rows += judged
    all_found.shown += [it for row in rows for it in row.found if it.severity == "error"]
    verdicts = {(row.package, row.schema_id, row.tenant): row.verdict for row in rows}
    if form == "text":
        _matrix(verdicts, list(asked))
    all_found.show(verdicts)
    return worst(codes)


def _asked(tenants: Sequence[str], configs: Sequence[Config]) -> dict[str, Config]:
    """The tenants by name, each with the settings that it is asked with."""
    asked: dict[str, Config] = {}
    for text in tenants:
        name, equals, url = text.rpartition("=")
        name = name if equals else _host(url)
        if not name or name in asked:
            problem = "has no name" if not name else "is there twice"
            raise click.UsageError(f"the tenant {text!r} {problem}")
        asked[name] = replace(configs[0], base_url=url.rstrip("/"), shares_tenant=False)
    if not tenants:
        asked = {it.name or _host(it.base_url): it for it in configs if it.base_url}
    if not asked:
        raise click.UsageError("name a tenant with --tenant, or set base-url")
    return asked


_CODES = {"SAFE": 0, "UNKNOWN": 1, "BREAKS": 4}


def _host(url: str) -> str:
    return url.partition("//")[2].partition("/")[0].rpartition("@")[2]


def _matrix(verdicts: Mapping[tuple[str, str, str], str], tenants: list[str]) -> None:
    rows = dict.fromkeys((package, schema_id) for package, schema_id, _ in verdicts)
    cells = [[*row, *(verdicts[row[0], row[1], tenant] for tenant in tenants)] for row in rows]
    table(["package", "schema", *tenants], cells)
