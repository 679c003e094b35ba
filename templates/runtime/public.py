"""The names that the package exports."""

from .async_client import AsyncEngageClient
from .call.retry import RetryPolicy
from .client import EngageClient
from .errors import (
    ConfigurationError,
    EngageError,
    IgnoredError,
    InteractionNotFoundError,
    InvalidPayloadError,
    NotSentError,
    OutcomeUnknownError,
    PayloadDroppedError,
    RateLimitedError,
    ReadError,
    RejectedError,
    UnauthorizedError,
    UnknownContactError,
    UnknownSchemaError,
    UnreadablePayloadError,
)
from .payload.types import UNSET, Unset
from .results import Receipt, Stored
from .transport.observer import Observer
from .violation import Violation

__all__ = [
    "UNSET",
    "AsyncEngageClient",
    "ConfigurationError",
    "EngageClient",
    "EngageError",
    "IgnoredError",
    "InteractionNotFoundError",
    "InvalidPayloadError",
    "NotSentError",
    "Observer",
    "OutcomeUnknownError",
    "PayloadDroppedError",
    "RateLimitedError",
    "ReadError",
    "Receipt",
    "RejectedError",
    "RetryPolicy",
    "Stored",
    "UnauthorizedError",
    "UnknownContactError",
    "UnknownSchemaError",
    "UnreadablePayloadError",
    "Unset",
    "Violation",
]
