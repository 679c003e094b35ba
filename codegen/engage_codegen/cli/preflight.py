"""The command `preflight`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from .. import pipeline
from ..config import Config
from ..errors import CodegenError
from ..findings.finding import OutputFormat
from ..schema.envelope import Schema
from ..sources.interface import silently
from .console import say, table
from .options import configured, keys, load, of_tenant, worst
from .reporting import Found, formatted


@click.command("preflight")
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
def command(package: str, form: OutputFormat, tenants: tuple[str, ...], **options: object) -> int:
    """Tell whether exactly this package can be deployed.

    PACKAGE_OR_WHEEL is a wheel, a folder, or the name of something that is installed beside this
    tool. The tenants are those that are named, else those of the configuration; a single one may
    have its key in ENGAGE_API_KEY. For each schema and tenant the verdict is SAFE, BREAKS or
    UNKNOWN. Exit codes: 0 all are safe, 4 something breaks, 1 something is open, 5 a tenant gave no
    answer.
    """
    from ..inspection import packages as artefacts
    from ..inspection import preflight as judging

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
