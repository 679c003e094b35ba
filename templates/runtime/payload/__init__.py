"""Payloads: their types and checks, and conversion to JSON and back. No I/O.

Exports the names that a generated module imports. The modules `formats`, `rules` and `values` are
imported only by the modules that need them.
"""

from ..errors import InvalidPayloadError
from ..violation import Violation
from .checks import check_boolean, check_date_time, check_integer, check_number, check_string
from .codecs import (
    encode_date_time,
    read_boolean,
    read_date_time,
    read_integer,
    read_number,
    read_string,
)
from .reader import Reader
from .types import UNSET, Json, Payload, Unset

__all__ = [
    "UNSET",
    "InvalidPayloadError",
    "Json",
    "Payload",
    "Reader",
    "Unset",
    "Violation",
    "check_boolean",
    "check_date_time",
    "check_integer",
    "check_number",
    "check_string",
    "encode_date_time",
    "read_boolean",
    "read_date_time",
    "read_integer",
    "read_number",
    "read_string",
]
