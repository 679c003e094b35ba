"""The headers that a caller adds to requests, and those that are kept of responses."""

import re
from collections.abc import Iterable, Mapping
from typing import cast

from ..call.foreign_text import printable_line
from ..errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_RESERVED = frozenset(
    "accept accept-encoding apikey connection content-encoding content-length content-type cookie "
    "host transfer-encoding user-agent".split()
)
_FOR_SUPPORT = frozenset(
    b"apim-request-id cf-ray date request-context request-id retry-after server traceparent via "
    b"x-amzn-requestid x-amzn-trace-id x-azure-ref x-correlation-id x-ms-request-id x-request-id "
    b"x-trace-id".split()
)
_LONGEST_VALUE = 200


def check_headers(headers: object) -> None:
    """Raise `ConfigurationError` for headers that cannot be added to a request."""
    if not isinstance(headers, Mapping):
        raise ConfigurationError(
            f"The headers must be a mapping, not a {type(headers).__name__}. Nothing was sent."
        )
    for name, value in cast(Mapping[object, object], headers).items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is not the name of a header. Nothing was sent.")
        if name.lower() in _RESERVED:
            raise ConfigurationError(
                f"The client sets the header {name} itself. Nothing was sent. Leave it out of "
                "`headers`."
            )
        if not is_valid_value(value):
            raise ConfigurationError(f"The header {name} {VALID_VALUE} Nothing was sent.")


def is_valid_value(value: object) -> bool:
    """Return True for a text that can be sent as the value of a header."""
    # The HTTP library would check it as well, but its error would quote the header, and so the key.
    if not isinstance(value, str):
        return False
    return bool(value) and value.isascii() and value.isprintable() and value == value.strip()


VALID_VALUE = "must be printable ASCII without spaces at the beginning or the end."


def headers_for_support(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers of a response that help to find the request in the vendor's logs."""
    return {
        name.lower().decode(): printable_line(value.decode("latin-1"))[:_LONGEST_VALUE]
        for name, value in headers
        if name.lower() in _FOR_SUPPORT
    }
