"""Which tenants may be probed without a question. Pure."""

from collections.abc import Mapping

HOSTS_VARIABLE = "ENGAGE_TEST_HOSTS"
"""The environment variable with the hosts of further test tenants, separated by commas."""

STAGING_DOMAIN = ".staging.voyado.com"
_LOOPBACK = frozenset(["localhost", "127.0.0.1", "::1"])


def is_test_host(host: str, environ: Mapping[str, str]) -> bool:
    """Return True for staging, this machine, and what the environment names."""
    named = {name.strip().lower() for name in environ.get(HOSTS_VARIABLE, "").split(",")}
    return host in _LOOPBACK or host.endswith(STAGING_DOMAIN) or (host != "" and host in named)
