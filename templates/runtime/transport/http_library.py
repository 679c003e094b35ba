"""The HTTP library of this package, which the configuration key `http` chooses: httpx.

No other module imports it, so that another library changes this module alone.
"""

import ssl

import httpx

__all__ = ["LIBRARY", "TRUST_STORE_REMEDY", "create_tls_context", "httpx"]

LIBRARY = httpx.Client.__module__
"""The name of the library, of its distribution and of its logger."""

TRUST_STORE_REMEDY = "Install the package certifi again, or set SSL_CERT_FILE."
"""The remedy if the certificates cannot be read and no variable names others."""


def create_tls_context() -> ssl.SSLContext:
    """Trust the authorities in the package certifi, or in SSL_CERT_FILE or SSL_CERT_DIR.

    Raises `OSError` if they cannot be read.
    """
    return httpx.create_ssl_context()
