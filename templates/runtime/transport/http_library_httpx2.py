"""The HTTP library of this package, which the configuration key `http` chooses: httpx2.

No other module imports it, so that another library changes this module alone. The others call it
`httpx`, as its predecessor: `httpx.Client` is the class `httpx2.Client`.
"""

import os
import re
import ssl

import httpx2 as httpx

__all__ = ["LIBRARY", "TRUST_STORE_REMEDY", "create_tls_context", "httpx"]

LIBRARY = httpx.Client.__module__
"""The name of the library, of its distribution and of its logger."""

TRUST_STORE_REMEDY = (
    "Install the certificates of the operating system (most call the package ca-certificates), or "
    "set SSL_CERT_FILE."
)
"""The remedy if the certificates cannot be read and no variable names others."""


def create_tls_context() -> ssl.SSLContext:
    """Trust the authorities of the operating system, or those in SSL_CERT_FILE or SSL_CERT_DIR.

    Raises `OSError` if they cannot be read, or if the system has none.
    """
    context = httpx.create_ssl_context()
    if _is_empty(context):
        raise OSError("the operating system has no certificates of authorities")
    return context


def _is_empty(context: ssl.SSLContext) -> bool:
    """Return True if no server can be trusted. Windows and macOS are asked for each connection."""
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return False
    if type(context) is not ssl.SSLContext or context.cert_store_stats()["x509"]:
        return False
    folder = ssl.get_default_verify_paths().openssl_capath  # OpenSSL reads it when it needs it.
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return not any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", name) for name in names)
