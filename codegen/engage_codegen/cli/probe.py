"""The command `probe`."""

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import pipeline
from ..config import Config
from ..config.tenant import host_of
from ..errors import ConfigError, Location
from ..filesystem import replace_files
from ..schema.text import escape_line, quote
from ..sources.interface import ApiKey
from .console import count, is_terminal, print_line, print_status, print_table, shorten
from .options import configuration_options, load_configs, run_for_targets, tenant_options
from .reporting import FindingReport, exit_code_of
from .tenants import announce_tenants

if TYPE_CHECKING:
    from ..sources.tenant_session import TenantSession
    from ..verbs.probe.platform_file import Platform

EXAMPLES = [
    "engage-codegen probe --email test.contact.1@example.com",
    "engage-codegen probe --replay",
]


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """The command line: the contact, and what else is asked."""

    contact: str
    email: str
    with_limits: bool = False
    with_rate_limit: bool = False
    with_automations: bool = False


@click.command("probe")
@configuration_options
@tenant_options
@click.option("--contact", default="", metavar="ID", help="The contact that gets interactions.")
@click.option("--email", default="", metavar="ADDRESS", help="The e-mail address of the contact.")
@click.option("--output", "platform_file", type=click.Path(path_type=Path, dir_okay=False),
              metavar="FILE", help="Instead of engage-platform.toml beside the configuration.",
)  # fmt: skip
@click.option("--limits", "with_limits", is_flag=True,
              help="Also ask for lengths, numbers, sizes and further keywords.")  # fmt: skip
@click.option("--rate-limit", "with_rate_limit", is_flag=True,
              help="Also ask for the rate limit, by exceeding it once.")  # fmt: skip
@click.option("--automations", "with_automations", is_flag=True,
              help="Also ask you how often an automation ran.")  # fmt: skip
@click.option("--clean-up", "is_clean_up", is_flag=True,
              help="Only delete what interrupted probes left.")  # fmt: skip
@click.option("--replay", "is_replay", is_flag=True,
              help="Only send the recorded requests to a sandbox with these options.")  # fmt: skip
@click.option("--this-is-not-production", "is_not_production", is_flag=True,
              help="Allow a tenant that is neither staging nor this machine.")  # fmt: skip
@click.option("--tenant-host", "host", default="", metavar="HOST",
              help="The host of that tenant. Without it, the command asks.")  # fmt: skip
def command(
    contact: str,
    email: str,
    platform_file: Path | None,
    with_limits: bool,
    with_rate_limit: bool,
    with_automations: bool,
    is_clean_up: bool,
    is_replay: bool,
    is_not_production: bool,
    host: str,
    **options: object,
) -> int:
    """Ask a tenant how it behaves where the platform is not documented.

    Creates schemas under names of its own, sends about 50 interactions to one contact, reads them,
    and deletes everything. Writes engage-platform.toml, which the sandbox reads. Interactions can
    start automations of the tenant. Exit codes: 0 everything is explained, 1 something is not, or
    the sandbox answers in another way, 5 a tenant error.
    """
    configs = load_configs(options)
    if is_replay:
        return _replay_file(_choose_file(configs[0], platform_file))
    if len(configs) > 1 and not is_clean_up:
        raise click.UsageError("the file describes one tenant: choose it with --target")
    if not is_clean_up and not (contact or email):
        raise click.UsageError("name a test contact with --contact or --email")
    if contact and email:
        raise click.UsageError("pass either --contact or --email")
    if with_automations and not is_terminal(sys.stdin):
        raise click.UsageError("--automations asks you a question, which needs a terminal")
    announce_tenants(configs)
    request = ProbeRequest(contact, email, with_limits, with_rate_limit, with_automations)

    def probe_target(config: Config, key: ApiKey) -> int:
        require_test_host(config, is_not_production, host)
        with open_session(config, key) as session:
            if is_clean_up:
                return _clean_up(session)
            platform = probe_tenant(config, session, request)
        return _report(platform, _choose_file(config, platform_file))

    return run_for_targets(configs, probe_target)


def _choose_file(config: Config, file: Path | None) -> Path:
    from ..verbs.probe.platform_file import FILE_NAME

    folder = config.file.parent if config.file else Path.cwd()
    return file.absolute() if file else folder / FILE_NAME


def require_test_host(config: Config, is_not_production: bool, host: str) -> None:
    """Raise `ConfigError` unless a tenant is for tests, or the user says so and types its host."""
    from ..verbs.probe.hosts import HOSTS_VARIABLE, is_test_host

    expected = host_of(pipeline.require_base_url(config))
    if is_test_host(expected, os.environ):
        return
    place = config.url_origin.place or "base-url"
    if not is_not_production:
        raise ConfigError(
            f"a probe sends interactions to {quote(expected)}, which may be production",
            where=place,
            fix="nothing was changed; probe a staging tenant, or, if this is a test tenant, add "
            f"--this-is-not-production, or name its host in {HOSTS_VARIABLE}",
        )
    if not host and is_terminal(sys.stdin):
        question = f"Type the host of the tenant to send interactions to {expected}"
        host = click.prompt(escape_line(question), err=True, default="", show_default=False)
    if host.strip().lower() != expected:
        raise ConfigError(
            f"the tenant is {quote(expected)}, and its host was not typed",
            where=place,
            fix=f"nothing was changed; if this is a test tenant, add --tenant-host {expected}",
        )


@contextmanager
def open_session(config: Config, key: ApiKey) -> "Generator[TenantSession]":
    """Open a session with a configured tenant."""
    from ..sources.tenant_session import TenantSession

    with TenantSession(
        pipeline.require_base_url(config),
        key=key,
        user_agent=config.user_agent,
        api_version=config.api_version,
        timeout=min(config.timeout, 30.0),
    ) as session:
        yield session


def probe_tenant(config: Config, session: "TenantSession", request: ProbeRequest) -> "Platform":
    """Probe a tenant and return what is to be written."""
    from ..verbs.probe.asking.timer import Timer
    from ..verbs.probe.execution import find_contact, run_probe
    from ..verbs.probe.platform_file import describe_result
    from ..verbs.probe.questions import read_automation_runs

    timer = Timer()
    contact = request.contact or find_contact(session, request.email)
    result = run_probe(
        session,
        timer,
        contact,
        with_limits=request.with_limits,
        with_rate_limit=request.with_rate_limit,
    )
    if result.deleted:
        print_status(f"deleted what an earlier probe left: {', '.join(result.deleted)}")
    if request.with_automations:
        question = "How often did an automation with the trigger New Interaction run for it"
        runs: int = click.prompt(question, type=click.IntRange(min=0), err=True)
        answers = {**result.readings, "automation-trigger": read_automation_runs(runs)}
        result = replace(result, readings=answers)
    return describe_result(result, host_of(config.base_url), config.api_version)


def _report(platform: "Platform", path: Path) -> int:
    from ..verbs.probe import report
    from ..verbs.probe.platform_file import read_platform, write_platform

    previous: Mapping[str, str | int | float | bool] = {}
    if path.exists():
        previous = read_platform(path).options
    print_table(report.HEADER, report.list_rows(platform))
    for line in report.describe_gaps(platform):
        print_line(line)
    for change in report.list_changes(previous, platform):
        print_status(f"changed since the last probe: {change.describe()}")
    replace_files({path: write_platform(platform)}, path.parent)
    requests = count(platform.requests, "request")
    print_status(f"{requests}, nothing left in the tenant; wrote {shorten(path)}")
    return 1 if platform.deviations else 0


def check_platform(
    report: FindingReport, config: Config, key: ApiKey, request: ProbeRequest
) -> int:
    """Probe a tenant again, report what changed since the file was written, and write nothing."""
    from ..findings.finding import Finding, display_path
    from ..verbs.probe.platform_file import read_platform
    from ..verbs.probe.report import list_changes

    path = _choose_file(config, None)
    previous = read_platform(path)
    if previous.tenant != host_of(pipeline.require_base_url(config)):
        raise ConfigError(
            f"{path.name} describes the tenant {quote(previous.tenant)}, and not this one",
            where=config.url_origin.place or "base-url",
            fix="choose the right target with --target, or write the file with probe",
        )
    require_test_host(config, False, "")
    with open_session(config, key) as session:
        platform = probe_tenant(config, session, request)
    location = Location(display_path(path), "", 1, 1)
    findings = [
        Finding(
            "EG305",
            "",
            (),
            (change.option, str(change.new)),
            f"the platform changed: {change.describe()}",
            "engage-codegen probe",
            location,
            config.name,
        )
        for change in list_changes(previous.options, platform)
    ]
    remaining = report.apply_waivers(findings, ("EG305",))
    report.findings += remaining
    return exit_code_of(remaining, strict=False)


def _clean_up(session: "TenantSession") -> int:
    from ..verbs.probe.asking.timer import Timer
    from ..verbs.probe.clean_up import clean_up, list_ids

    timer = Timer()
    result = clean_up(session, timer, list_ids(session, timer))
    for schema_id in result.deleted:
        print_line(f"deleted {schema_id}")
    for schema_id in result.busy:
        print_status(f"{schema_id} belongs to a probe that may be running")
    if not result.deleted and not result.busy:
        print_status("nothing is left of earlier probes")
    return 0


def _replay_file(path: Path) -> int:
    from ..verbs.probe.platform_file import read_platform
    from .replay import replay_platform

    platform = read_platform(path)
    differences = replay_platform(platform)
    for difference in differences:
        print_line(f"{difference.step}")
        print_line(f"  recorded: {difference.recorded}")
        print_line(f"  sandbox:  {difference.replayed}")
    total = len(platform.exchanges)
    print_status(f"{total - len(differences)} of {total} answers have the same status and shape")
    return 1 if differences else 0
