"""The tenants that a command talks to: which ones they are, who named them, and their keys."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from ..config import Config
from ..config.tenant import find_key_refusal, host_of, variable_of
from ..errors import API_KEY_VARIABLE, ConfigError
from ..schema.redaction import hide_credentials
from ..schema.text import escape_line, quote
from ..sources.interface import ApiKey
from .console import is_terminal, print_status, shorten

if TYPE_CHECKING:
    from .reporting import FindingReport


def announce_tenants(configs: Iterable[Config], report: "FindingReport | None" = None) -> None:
    """Print the tenant of each target and who named it, and add it to the report.

    Warns if the environment replaced the tenant of the configuration file. Called before anything
    else is printed or requested.
    """
    from ..findings.report import TenantRow

    for settings in configs:
        if not settings.base_url:
            continue
        origin = settings.url_origin
        is_replaced = origin.contradicts_file(settings.base_url)
        row = TenantRow(
            settings.name,
            hide_credentials(settings.base_url),
            origin.place or "the caller",
            hide_credentials(origin.file_url) if is_replaced else "",
        )
        print_status(row.describe())
        if is_replaced:
            file = shorten(settings.file) if settings.file else "the configuration file"
            print_status(
                f"warning: {origin.place} replaces the tenant {row.replaced_url} of {file}. To use "
                f"that one, unset {origin.place}.",
                0,
            )
        if report is not None:
            report.tenants.append(row)


def api_keys(tenants: Mapping[str, Config]) -> dict[str, ApiKey]:
    """Return the key of each tenant by its name.

    A named tenant has a variable of its own. Only a single tenant falls back to the variable
    without a name, so that no tenant ever sees the key of another one. A key that must not be sent
    to its tenant is left out, and says why.
    """
    is_single = len({settings.base_url for settings in tenants.values()}) == 1
    urls: dict[str, set[str]] = {}
    for name, settings in tenants.items():
        own = variable_of(API_KEY_VARIABLE, name)
        urls.setdefault(own, set()).add(settings.base_url)
    keys: dict[str, ApiKey] = {}
    for name, settings in tenants.items():
        own = variable_of(API_KEY_VARIABLE, name)
        variable = API_KEY_VARIABLE if is_single and not os.environ.get(own) else own
        if len(urls[own]) > 1:
            keys[name] = ApiKey("", own, "two tenants would use the key of one variable")
        else:
            keys[name] = _read_key(settings, variable)
    return keys


def _read_key(settings: Config, variable: str) -> ApiKey:
    url, origin = settings.base_url, settings.url_origin
    refusal = find_key_refusal(url, origin, settings.name, variable, os.environ)
    if refusal:
        return ApiKey("", variable, refusal.message, refusal.fix)
    return ApiKey(os.environ.get(variable, ""), variable)


def require_host(settings: Config, hosts: Iterable[str]) -> None:
    """Raise `ConfigError` if the tenant is none of the hosts that the user named.

    A host may have the port. Without `hosts` every tenant is right.
    """
    expected = {host.strip().lower() for host in hosts}
    if expected and not expected & set(_spellings(settings.base_url)):
        raise ConfigError(
            f"the tenant is {quote(host_of(settings.base_url))}, and not the one of --tenant-host",
            where=settings.url_origin.place or "base-url",
            fix="check which tenant you want to change, and correct --tenant-host or the base URL",
        )


def confirm_destruction(settings: Config, hosts: Sequence[str], ids: Sequence[str]) -> None:
    """Return if the user named the host of the tenant that is about to lose interactions.

    Asks on a terminal. Raises `ConfigError` if the host was not named, or is another one.
    """
    host = host_of(settings.base_url)
    if not hosts and is_terminal(sys.stdin):
        question = f"Type the host of the tenant to delete {', '.join(ids)} in {host}"
        hosts = (click.prompt(escape_line(question), err=True, default="", show_default=False),)
        if not hosts[0].strip():
            hosts = ()
    if hosts:
        require_host(settings, hosts)
        return
    raise ConfigError(
        f"replacing {', '.join(ids)} deletes interactions in the tenant {quote(host)} for good, "
        "and the command does not name that tenant",
        where=settings.url_origin.place or "base-url",
        fix=f"nothing was changed; if the tenant is right, add --tenant-host {host}",
    )


def _spellings(url: str) -> Sequence[str]:
    host = host_of(url)
    authority = url.lower().partition("//")[2].rstrip("/")
    return (host, authority, f"[{host}]") if host else ()
