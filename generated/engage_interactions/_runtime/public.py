"""What the package itself offers."""

from .async_client import AsyncEngageClient
from .call.retry import RetryPolicy
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
from .payload.checks import UNSET, Unset
from .results import Receipt, Stored
from .transport.observer import Observer

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
