"""The command `push`."""

from dataclasses import dataclass

import click

from .. import pipeline
from ..config import Config
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
from .tenants import announce_tenants, confirm_destruction, require_host

EXAMPLES = ["engage-codegen push", "engage-codegen push repair --apply"]


@dataclass(frozen=True, slots=True)
class _Request:
    """The command line: the ids to push, those that may be replaced, the hosts that the user named,
    and whether the plan is carried out."""

    ids: tuple[str, ...]
    allowed: frozenset[str]
    hosts: tuple[str, ...]
    is_applied: bool


@click.command("push")
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
    "--tenant-host",
    "hosts",
    multiple=True,
    metavar="HOST",
    help="The host of the tenant, such as acme.voyado.com. Required to replace schemas; any other "
    "tenant is refused.",
)
def command(
    ids: tuple[str, ...],
    is_applied: bool,
    allowed: tuple[str, ...],
    hosts: tuple[str, ...],
    **options: object,
) -> int:
    """Create the project's schemas in the tenant.

    Shows a plan, and carries it out with --apply. The schemas are those of the configured files,
    or the snapshot; with IDs, only these. A schema of the tenant that the project does not know is
    never touched. Safe to repeat and to interrupt. Exit codes: 0 the tenant has them all, 3
    something is left to do, 1 the platform would refuse a schema, 5 a tenant error.
    """
    configs = load_configs(options)
    announce_tenants(configs)
    for config in configs:
        require_host(config, hosts)
    request = _Request(ids, frozenset(allowed), hosts, is_applied)
    return run_for_targets(configs, lambda config, key: _push_target(config, key, request))


def _push_target(config: Config, key: ApiKey, request: _Request) -> int:
    from ..push import apply_push, describe_plan, plan_push
    from ..sources.tenant_admin import TenantAdmin

    tenant = pipeline.tenant_of(config, key)
    paths = config.schemas
    project = read_schema_files(paths) if paths else read_snapshot(config.output)
    current = tenant.fetch((), ignore_progress)
    plan = plan_push(project, current, request.ids, config.dialect, config.renames)
    for line in describe_plan(plan, request.allowed):
        print_line(line)
    if plan.is_empty:
        print_status(f"nothing to do: {count(len(plan.unchanged), 'schema')} unchanged")
        return 0
    if not request.is_applied:
        print_status("nothing was changed; to carry the plan out: engage-codegen push --apply")
        return 3
    destroyed = [schema.id for schema, _ in plan.replace if schema.id in request.allowed]
    if destroyed:
        confirm_destruction(config, request.hosts, destroyed)
    admin = TenantAdmin(
        config.base_url,
        key=key,
        user_agent=config.user_agent,
        api_version=config.api_version,
        timeout=config.timeout,
    )
    apply_push(
        plan,
        tenant,
        admin,
        request.allowed,
        lambda word, schema_id: print_status(f"{word:10}{schema_id}"),
    )
    remaining = [schema.id for schema, _ in plan.replace if schema.id not in request.allowed]
    if remaining:
        print_status(f"not replaced: {', '.join(remaining)}")
        return 3
    return 0
