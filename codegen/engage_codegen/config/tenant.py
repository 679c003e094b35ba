"""The tenant of a configuration: who named its URL, and whether a key may be sent there.

A checked-out branch can say anything in its files. The key belongs to whoever set the environment
or typed the command, so only they choose where it goes.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from ..errors import API_KEY_VARIABLE
from ..schema.text import quote

BASE_URL_VARIABLE = "ENGAGE_BASE_URL"
"""The environment variable with the URL of a tenant. That of a named target is looked up first in
the variable with the name appended, such as ``ENGAGE_BASE_URL_STAGING``."""

VENDOR_DOMAIN = "voyado.com"

_LOOPBACK = frozenset(["localhost", "127.0.0.1", "::1"])
CI_VARIABLES = ("CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID")
_OFF = frozenset(["", "0", "false", "no"])

OriginKind: TypeAlias = Literal["none", "file", "environment", "command line"]


class UrlOrigin(NamedTuple):
    """Who named the URL of a tenant.

    `place` is the file and key, the variable, or the flag. `file_url` is the URL of the
    configuration file, also if something else replaced it.
    """

    kind: OriginKind = "none"
    place: str = ""
    file_url: str = ""

    def contradicts_file(self, url: str) -> bool:
        """Return True if the environment replaced the URL of the file by another one."""
        return self.kind == "environment" and self.file_url not in ("", url)


NO_ORIGIN = UrlOrigin()


class KeyRefusal(NamedTuple):
    """Why a key must not be sent to a URL, and what to do about it."""

    message: str
    fix: str


def variable_of(base: str, target: str) -> str:
    """Return the variable of a target: `base`, and the name of the target in capitals."""
    suffix = re.sub(r"[^A-Z0-9]", "_", target.upper())
    return f"{base}_{suffix}" if target else base


def host_of(url: str) -> str:
    """Return the host of a URL in lower case, or "" if it has none."""
    from urllib.parse import urlsplit  # a plain `generate` needs neither it nor its time

    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def is_loopback(url: str) -> bool:
    """Return True for a URL of this machine, such as that of the sandbox."""
    return host_of(url) in _LOOPBACK


def is_vendor(url: str) -> bool:
    """Return True for a URL in the vendor's domain."""
    return host_of(url).endswith(f".{VENDOR_DOMAIN}") and url.lower().startswith("https://")


def is_ci(environ: Mapping[str, str]) -> bool:
    """Return True in the job of a CI system."""
    return any(environ.get(name, "").strip().lower() not in _OFF for name in CI_VARIABLES)


def find_key_refusal(
    url: str, origin: UrlOrigin, target: str, key_variable: str, environ: Mapping[str, str]
) -> KeyRefusal | None:
    """Return why the key in `key_variable` must not be sent to `url`, or None if it may.

    `target` is the name of the target in the file, which the branch chooses as well: in CI a key
    with a name goes only to the URL with the same name.
    """
    if is_loopback(url) or origin.kind in ("none", "command line"):
        return None
    from ..schema.redaction import hide_credentials

    url_variable = key_variable.replace(API_KEY_VARIABLE, BASE_URL_VARIABLE, 1)
    shown = quote(hide_credentials(url))
    if origin.kind == "environment":
        if not is_ci(environ) or not target or origin.place == url_variable:
            return None
        return KeyRefusal(
            f"in CI, the key in {key_variable} is not sent to the tenant {shown} of "
            f"{origin.place}, because the checked-in file names the target {quote(target)} and "
            "would choose the key",
            f"set {url_variable} to the URL of the tenant, beside {key_variable}",
        )
    if is_ci(environ):
        return KeyRefusal(
            f"in CI, the key is not sent to the tenant {shown}, because only a checked-in file "
            "names it",
            f"set {url_variable} to the URL of the tenant, beside {key_variable}",
        )
    if is_vendor(url):
        return None
    return KeyRefusal(
        f"the key is not sent to the tenant {shown}, because only a checked-in file names it and "
        f"its host is not in the domain {VENDOR_DOMAIN}",
        f"if the host is right, set {url_variable} to the URL, beside {key_variable}",
    )
