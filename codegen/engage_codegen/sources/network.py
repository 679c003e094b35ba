"""The network settings of the environment: certificates and proxies.

httpx reads them as well. They are checked first, because the errors of httpx name no variable and
may show the password of a proxy.
"""

import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.request import getproxies

import httpx

from ..errors import ConfigError
from ..schema.redaction import hide_credentials
from ..schema.text import quote

_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def create_tls_context(*, is_local: bool) -> ssl.SSLContext:
    """Return the TLS settings, with the certificates of SSL_CERT_FILE or SSL_CERT_DIR if set.

    Requests to the loopback use plain HTTP and need none. Raises `ConfigError`.
    """
    if is_local:
        return _empty_context()
    if file := os.environ.get("SSL_CERT_FILE"):
        _check_certificate_file(file)
    elif folders := os.environ.get("SSL_CERT_DIR"):
        _check_certificate_folders(folders)
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        reason = _reason(error)
    if log := os.environ.get("SSLKEYLOGFILE"):
        raise _unusable("SSLKEYLOGFILE", log, f"cannot be written: {reason}")
    raise ConfigError(
        f"the certificates of the Python package certifi cannot be read: {quote(reason)}",
        where="certifi",
        fix="install certifi again, or set SSL_CERT_FILE to a file of certificates",
    )


def check_proxies() -> None:
    """Raise `ConfigError` for a proxy of the environment that httpx cannot use."""
    proxies = getproxies()
    for scheme in ("http", "https", "all"):
        url = proxies.get(scheme)
        problem = _problem_of_proxy(url if "://" in url else f"http://{url}") if url else ""
        if url and problem:
            raise _unusable(_variable_of(scheme), hide_credentials(url), problem)
    is_usable = True
    try:
        httpx.Client(verify=_empty_context()).close()
    except (ValueError, httpx.InvalidURL):
        is_usable = False
    if not is_usable:  # The exceptions are all that is left.
        hosts = proxies.get("no", "")
        raise _unusable(
            _variable_of("no"),
            hide_credentials(hosts) if "@" in hosts else hosts,
            "is not a list of hosts, separated by commas, with IPv6 addresses such as ::1 without "
            "brackets",
        )


def proxy_variable() -> str:
    """Return the environment variable with the proxy for HTTPS, or nothing without one."""
    proxies = getproxies()
    return next((_variable_of(scheme) for scheme in ("https", "all") if proxies.get(scheme)), "")


def proxy_secrets() -> Iterator[str]:
    """Yield the passwords in the proxies of the environment, and what may be a token."""
    for scheme, url in getproxies().items():
        user_info, at, _ = url.rpartition("://")[2].rpartition("@")
        if at and scheme != "no":
            yield user_info.partition(":")[2] or user_info


def has_valid_host(url: str) -> bool:
    """Return True if a URL has a host that can be looked up, and a port that exists."""
    try:
        parsed = httpx.URL(url)
        parsed.host.encode("idna")  # as the lookup does
    except (ValueError, httpx.InvalidURL):
        return False
    is_host = re.fullmatch(r"[^\s%]+", parsed.host) is not None
    return is_host and (parsed.port or 0) <= 65535


def _check_certificate_file(file: str) -> None:
    context = _empty_context()
    problem = ""
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        problem = "is not a file of certificates in PEM format"
    except OSError as error:
        problem = f"cannot be read: {_reason(error)}"
    if not problem and not context.cert_store_stats()["x509"]:
        problem = "contains no certificates"
    if problem:
        raise _unusable("SSL_CERT_FILE", file, problem)


def _check_certificate_folders(folders: str) -> None:
    """Raise `ConfigError` unless a folder has a certificate that OpenSSL would use."""
    problem = "contains no certificates with names that `openssl rehash` gives"
    for folder in folders.split(os.pathsep):
        try:
            if any(_HASHED_NAME.fullmatch(path.name) for path in Path(folder).iterdir()):
                return
        except OSError as error:
            problem = f"cannot be read: {_reason(error)}"
    raise _unusable("SSL_CERT_DIR", folders, problem)


def _problem_of_proxy(url: str) -> str:
    try:
        httpx.HTTPTransport(proxy=httpx.Proxy(url), verify=_empty_context()).close()
    except ImportError:
        return "is a SOCKS proxy, for which the Python package socksio is missing"
    except (ValueError, httpx.InvalidURL):
        return "is not the URL of a proxy"
    return "" if has_valid_host(url) else "has an invalid host or port"


def _empty_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _variable_of(scheme: str) -> str:
    """Return the name of the variable that has the proxy; the lower-case one comes first."""
    name = f"{scheme}_proxy"
    names = sorted((key for key in os.environ if key.lower() == name), reverse=True)
    return names[0] if names else "the proxy settings of the system"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _unusable(variable: str, value: str, problem: str) -> ConfigError:
    return ConfigError(
        f"{variable} is {quote(value, 200)}, which {problem}",
        where=f"environment variable {variable}",
        fix="correct the variable, or unset it",
    )
