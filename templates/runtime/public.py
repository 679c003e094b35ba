"""The names that the package exports."""

from .async_client import AsyncEngageClient
from .call.contact_cache import ContactCache
from .call.retry import RetryPolicy
from .client import EngageClient
from .errors import (
    AmbiguousContactError,
    ConfigurationError,
    ContactNotFoundError,
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
from .payload.types import UNSET, Json, Payload, Unset
from .registry import payload_classes
from .results import Receipt, ResponseInfo, SchemaCheck, SchemaSummary, Stored
from .transport.observer import Observer
from .transport.rate_limiter import RateLimiter
from .violation import Violation

__all__ = [
    "UNSET",
    "AmbiguousContactError",
    "AsyncEngageClient",
    "ConfigurationError",
    "ContactCache",
    "ContactNotFoundError",
    "EngageClient",
    "EngageError",
    "IgnoredError",
    "InteractionNotFoundError",
    "InvalidPayloadError",
    "Json",
    "NotSentError",
    "Observer",
    "OutcomeUnknownError",
    "Payload",
    "PayloadDroppedError",
    "RateLimitedError",
    "RateLimiter",
    "ReadError",
    "Receipt",
    "RejectedError",
    "ResponseInfo",
    "RetryPolicy",
    "SchemaCheck",
    "SchemaSummary",
    "Stored",
    "UnauthorizedError",
    "UnknownContactError",
    "UnknownSchemaError",
    "UnreadablePayloadError",
    "Unset",
    "Violation",
    "payload_classes",
]
