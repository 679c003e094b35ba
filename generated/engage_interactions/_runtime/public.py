"""What the package itself offers."""

from .async_client import AsyncEngageClient
from .client import EngageClient
from .errors import (
    EngageError,
    Ignored,
    InvalidPayload,
    Misconfigured,
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    PayloadDropped,
    RateLimited,
    ReadFailed,
    Rejected,
    UnknownContact,
    UnknownInteraction,
    UnknownSchema,
    UnreadablePayload,
    Violation,
)
from .observe import Observer
from .payloads import UNSET, Unset
from .results import Receipt, Stored
from .retry import RetryPolicy

__all__ = [
    "UNSET",
    "AsyncEngageClient",
    "EngageClient",
    "EngageError",
    "Ignored",
    "InvalidPayload",
    "Misconfigured",
    "NotAuthorised",
    "NotSent",
    "Observer",
    "OutcomeUnknown",
    "PayloadDropped",
    "RateLimited",
    "ReadFailed",
    "Receipt",
    "Rejected",
    "RetryPolicy",
    "Stored",
    "UnknownContact",
    "UnknownInteraction",
    "UnknownSchema",
    "UnreadablePayload",
    "Unset",
    "Violation",
]
