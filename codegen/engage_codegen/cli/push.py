"""The command `push`."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from .. import pipeline
from ..config import Config
from ..config.tenant import host_of
from ..errors import CodegenError, ConfigError
from ..output.freshness import read_schema_files
from ..output.snapshot import read_snapshot
from ..sources.interface import ApiKey, ignore_progress
from .console import count, print_line, print_status
from .options import (
    complete_ids,
    config_options,
    load_configs,
    run_for_targets,
    tenant_options,
)
from .reporting import FindingReport
from .tenants import announce_tenants, confirm_destruction, require_host

if TYPE_CHECKING:
    from ..findings.report import OutputFormat
    from ..schema.jsontext import Json
    from ..verbs.push.access import TenantAccess
    from ..verbs.push.failure import Failure
    from ..verbs.push.plan import PushPlan
    from ..verbs.push.steps import Step

EXAMPLES = ["engage-codegen push", "engage-codegen push repair --apply"]

_ARGUMENTS = "engage_codegen.arguments"


class _RepeatableCommand(click.Command):
    """A command that knows the words that it was called with."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)


@dataclass(frozen=True, slots=True)
class _Request:
    """The command line: the ids to push, those that may be replaced, the hosts that the user named,
    whether a schema may be replaced without a proof, whether the plan is carried out, and the
    words to repeat the command with. `plans` collects what JSON reports, unless it is None."""

    ids: tuple[str, ...]
    allowed: frozenset[str]
    hosts: tuple[str, ...]
    is_unproved: bool
    is_applied: bool
    words: tuple[str, ...]
    plans: "list[Json] | None"


@click.command("push", cls=_RepeatableCommand)
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=complete_ids)
@config_options
@tenant_options
@click.option("--apply", "is_applied", is_flag=True, help="Carry the plan out.")
@click.option(
    "--allow-destroy",
    "allowed",
    multiple=True,
    metavar="ID",
    help="Replace this schema, which deletes every interaction stored under it.",
)
@click.option(
    "--unproved",
    "is_unproved",
    is_flag=True,
    help="Replace schemas also in a full tenant, where they cannot be tried under a temporary id.",
)
@click.option(
    "--tenant-host",
    "hosts",
    multiple=True,
    metavar="HOST",
    help="The host of the tenant, such as acme.voyado.com. Required to replace schemas; any other "
    "tenant is refused.",
)
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs.",
)
def command(
    ids: tuple[str, ...],
    is_applied: bool,
    allowed: tuple[str, ...],
    is_unproved: bool,
    hosts: tuple[str, ...],
    output_format: "OutputFormat",
    **options: object,
) -> int:
    """Create the project's schemas in the tenant.

    Shows a plan, attribute by attribute, and carries it out with --apply. The schemas are those of
    the configured files, or the snapshot; with IDs, only these. A schema of the tenant that the
    project does not know is never touched. Before it deletes a schema, it creates the new one under
    a temporary id, and if the new one cannot be created afterwards, it creates the old one again.
    Safe to repeat and to interrupt. Exit codes: 0 the tenant has them all, 3 something is left to
    do, 1 the platform would refuse a schema, or refused it, 5 a tenant error.
    """
    report = FindingReport(output_format) if output_format == "json" else None
    words = click.get_current_context().meta[_ARGUMENTS]
    plans: list[Json] | None = None if report is None else []
    request = _Request(ids, frozenset(allowed), hosts, is_unproved, is_applied, words, plans)
    try:
        code = _push(request, options, report)
    except CodegenError as error:
        if report is None:
            raise
        report.add_error(error)
        code = error.exit_code
    if report is not None:
        report.plans = plans
        report.print()
    return code


def _push(request: _Request, options: dict[str, object], report: FindingReport | None) -> int:
    configs = load_configs(options)
    announce_tenants(configs, report)
    for config in configs:
        require_host(config, request.hosts)

    def push_target(config: Config, key: ApiKey) -> int:
        return _push_target(config, key, request, is_single=len(configs) == 1)

    return run_for_targets(configs, push_target, report)


def _push_target(config: Config, key: ApiKey, request: _Request, *, is_single: bool) -> int:
    from ..sources.tenant_admin import TenantAdmin
    from ..verbs.push.access import TenantAccess
    from ..verbs.push.plan import plan_push
    from ..verbs.push.report import describe_plan

    source = pipeline.tenant_of(config, key)
    paths = config.schemas
    project = read_schema_files(paths) if paths else read_snapshot(config.output)
    current = source.fetch((), ignore_progress)
    plan = plan_push(project, current, request.ids, request.allowed, config.dialect, config.renames)
    if request.plans is None:
        for line in describe_plan(plan):
            print_line(line)
    if not request.is_applied or not plan.has_work:
        _record(request, config, plan, [], None)
        _print_advice(plan, config, request, is_single=is_single)
        return 3 if plan.create or plan.differing or plan.discarded else 0
    _require_permissions(plan, config, request)
    admin = TenantAdmin(
        config.base_url,
        key=key,
        user_agent=config.user_agent,
        api_version=config.api_version,
        timeout=config.timeout,
    )
    return _apply(plan, config, TenantAccess(source, admin), request)


def _require_permissions(plan: "PushPlan", config: Config, request: _Request) -> None:
    """Raise `ConfigError` unless the user allowed everything that the plan does."""
    if not plan.has_place_for_proofs and not request.is_unproved:
        names = ", ".join(item.id for item in plan.replaced)
        raise ConfigError(
            f"the tenant has no free place to try {names} under a temporary id before the old "
            "schema is deleted",
            where=config.url_origin.place or "base-url",
            fix="nothing was changed; make a place free in the tenant, or add --unproved: if the "
            "tenant refuses the new schema, the old one is created again, but its interactions "
            "are lost",
        )
    if plan.destroyed:
        confirm_destruction(config, request.hosts, plan.destroyed)


def _apply(plan: "PushPlan", config: Config, tenant: "TenantAccess", request: _Request) -> int:
    """Carry the plan out, print each step, and return the exit code."""
    from ..verbs.push.execution import apply_push
    from ..verbs.push.failure import PushError
    from ..verbs.push.report import describe_step

    steps: list[Step] = []

    def report_step(step: "Step") -> None:
        steps.append(step)
        for line in describe_step(step):
            print_status(line)

    failure: Failure | None = None
    try:
        apply_push(plan, tenant, report_step)
    except PushError as error:
        failure = error.failure
        _print_previous(failure, request)
        raise
    finally:
        _record(request, config, plan, steps, failure)
    if plan.remaining:
        print_status(f"not replaced: {', '.join(plan.remaining)}")
    return 3 if plan.remaining or any(step.word == "differs" for step in steps) else 0


def _print_previous(failure: "Failure", request: _Request) -> None:
    """Print the definition of a schema that the tenant may have lost."""
    from ..findings.report.json import dump

    is_lost = failure.state in ("missing", "unknown") and failure.previous is not None
    if is_lost and failure.previous and request.plans is None:
        click.echo(dump(failure.previous.envelope), nl=False)


def _record(
    request: _Request,
    config: Config,
    plan: "PushPlan",
    steps: "list[Step]",
    failure: "Failure | None",
) -> None:
    """Add a plan and what was done of it to the JSON report, if there is one."""
    from ..verbs.push.report import plan_object

    if request.plans is not None:
        request.plans.append(plan_object(plan, config.name, steps, failure))


def _print_advice(plan: "PushPlan", config: Config, request: _Request, *, is_single: bool) -> None:
    """Print the commands that do what is left to do, ready to be pasted."""
    target = () if is_single or "--target" in request.words else ("--target", config.name)
    apply = () if request.is_applied else ("--apply",)
    host = () if request.hosts else ("--tenant-host", host_of(config.base_url))
    unproved = () if plan.free_places or request.is_unproved else ("--unproved",)

    def write_command(*words: str) -> str:
        return shlex.join(["engage-codegen", "push", *apply, *target, *words, *request.words])

    if plan.has_work:
        extra = (*(host if plan.destroyed else ()), *(unproved if plan.replaced else ()))
        print_status(f"nothing was changed; to carry the plan out: {write_command(*extra)}")
    elif not plan.differing:
        print_status(f"nothing to do: {count(len(plan.unchanged), 'schema')} unchanged")
    if plan.remaining:
        allowed = [word for key in plan.remaining for word in ("--allow-destroy", key)]
        print_status(
            "to replace what differs, and delete its interactions for good: "
            + write_command(*allowed, *host, *unproved)
        )
    if leftovers := [key for key in plan.leftovers if key not in plan.discarded]:
        allowed = [word for key in leftovers for word in ("--allow-destroy", key)]
        print_status(f"to delete the temporary schemas: {write_command(*allowed, *host)}")
