"""The command `preflight`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from .. import pipeline
from ..config import Config
from ..config.tenant import UrlOrigin
from ..errors import CodegenError
from ..schema.envelope import Schema
from ..schema.redaction import hide_credentials
from ..schema.text import quote
from ..sources.interface import ignore_progress
from .console import print_status, print_table
from .options import config_options, current_folder, load_configs, tenant_options, worst_exit_code
from .reporting import FindingReport, reports_findings
from .tenants import announce_tenants, api_keys

if TYPE_CHECKING:
    from ..inspection.packages import ShippedPackage
    from ..inspection.preflight import PreflightRow

EXAMPLES = [
    "engage-codegen preflight src/engage_interactions",
    "engage-codegen preflight dist/acme-1.0-py3-none-any.whl "
    "--tenant staging=https://acme-staging.voyado.com",
]

_IN_URL = re.compile("[:/@]")
_EXIT_CODES = {"SAFE": 0, "UNKNOWN": 1, "BREAKS": 4}


@click.command("preflight")
@click.argument("package", metavar="PACKAGE_OR_WHEEL")
@config_options
@click.option(
    "--tenant",
    "tenants",
    multiple=True,
    metavar="[NAME=]URL",
    help="Ask this tenant; its key is in ENGAGE_API_KEY_NAME.",
)
@tenant_options
@reports_findings
def command(
    report: FindingReport, package: str, tenants: tuple[str, ...], **options: object
) -> int:
    """Check whether exactly this package can be deployed.

    PACKAGE_OR_WHEEL is a wheel, a folder, or the name of something that is installed beside this
    tool. The tenants are those that are named, or those of the configuration; a single one may have
    its key in ENGAGE_API_KEY. For each schema and tenant the verdict is SAFE, BREAKS or UNKNOWN.
    Exit codes: 0 all are safe, 4 something breaks, 1 something is undecided, 5 a tenant did not
    answer.
    """
    from ..inspection.packages import find_packages
    from ..inspection.preflight import check_package

    configs = load_configs(options)
    report.use_waivers(configs)
    selected = _select_tenants(tenants, configs)
    named = (replace(config, name=name) for name, config in selected.items())
    announce_tenants(named, report)
    packages = find_packages(package)
    _announce_own_files(packages)
    rows: list[PreflightRow] = []
    codes: list[int] = []
    keys = api_keys(selected)
    for name, config in selected.items():
        schemas: Mapping[str, Schema] | None = None
        try:
            schemas = pipeline.tenant_of(config, keys[name]).fetch((), ignore_progress)
        except CodegenError as error:
            report.add_error(error, replace(config, name=name))
            codes.append(error.exit_code)
        for shipped in packages:
            checked = check_package(shipped, name, schemas)
            if schemas is not None:  # an outage has its own code, and cannot be waived
                checked = [
                    replace(row, findings=report.apply_waivers(row.findings)) for row in checked
                ]
                codes += [_EXIT_CODES[row.verdict] for row in checked]
            rows += checked
    # A tenant that gave no schemas has one finding of its own, which says why.
    report.findings += [
        finding
        for row in rows
        for finding in row.findings
        if finding.severity == "error" and not row.is_unanswered
    ]
    report.verdicts = {(row.package, row.schema_id, row.tenant): row.verdict for row in rows}
    if report.output_format == "text":
        _print_matrix(report.verdicts, list(selected))
    if any(verdict != "SAFE" for verdict in report.verdicts.values()):
        _print_platform(configs[0])
    return worst_exit_code(codes)


def _announce_own_files(packages: "Sequence[ShippedPackage]") -> None:
    """Print the files that templates of the project made."""
    for package in packages:
        for path, template in sorted(package.own_files.items()):
            print_status(
                f"{package.name}: the template {quote(template)} of the project made {path}"
            )


def _print_platform(config: Config) -> None:
    """Say what becomes of payloads that do not fit, if a probe observed it."""
    from ..verbs.probe.platform_file import find_platform_file, read_platform
    from ..verbs.probe.report import describe_losses

    path = find_platform_file(config.file.parent if config.file else current_folder())
    if path:
        for line in describe_losses(read_platform(path)):
            print_status(line)


def _select_tenants(tenants: Sequence[str], configs: Sequence[Config]) -> dict[str, Config]:
    """Return the settings of each tenant by its name."""
    selected: dict[str, Config] = {}
    for text in tenants:
        name, url = _split_tenant(text)
        if not name or name in selected:
            raise click.UsageError(_describe_unusable(text, name, url, configs))
        selected[name] = replace(
            configs[0],
            base_url=url.rstrip("/"),
            shares_tenant=False,
            url_origin=UrlOrigin("command line", "--tenant"),
        )
    if not tenants:
        selected = {
            config.name or _host_of(config.base_url): config
            for config in configs
            if config.base_url
        }
    if not selected:
        raise click.UsageError("name a tenant with --tenant, or set base-url")
    return selected


def _describe_unusable(text: str, name: str, url: str, configs: Sequence[Config]) -> str:
    """Return why a tenant of the command line cannot be used, and what to do."""
    if name:
        return f"the tenant {quote(hide_credentials(url))} is named twice. Remove one of them"
    if text in [config.name for config in configs]:
        return f"the tenant {quote(text)} has no URL. For the target of this name: --target {text}"
    if re.fullmatch(r"[A-Za-z0-9_-]+", text):
        return f"the tenant {quote(text)} has no URL. Pass --tenant {text}=https://acme.voyado.com"
    shown = quote(hide_credentials(url))
    return f"the tenant {shown} has no name. Pass --tenant NAME=https://acme.voyado.com"


def _split_tenant(text: str) -> tuple[str, str]:
    """Return name and URL of ``NAME=URL``, or of a URL alone, whose password may have ``=``."""
    name, equals, url = text.partition("=")
    return (name, url) if equals and not _IN_URL.search(name) else (_host_of(text), text)


def _host_of(url: str) -> str:
    address = hide_credentials(url).partition("//")[2]
    return address.partition("/")[0].removeprefix("…@")


def _print_matrix(verdicts: Mapping[tuple[str, str, str], str], tenants: list[str]) -> None:
    rows = dict.fromkeys((package, schema_id) for package, schema_id, _ in verdicts)
    cells = [[*row, *(verdicts[row[0], row[1], tenant] for tenant in tenants)] for row in rows]
    print_table(["package", "schema", *tenants], cells)
