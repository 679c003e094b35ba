"""What the command line of an outbox does with a database."""

from ..transport.rate_limiter import RateLimiter
from .outbox import PostgresOutbox, create_tables
from .rate_limiter import PostgresRateLimiter

__all__ = ["create_tables", "open_limiter", "open_outbox"]


def open_outbox(url: str, schema: str, prefix: str) -> PostgresOutbox:
    """Open the outbox. Raises `ConfigurationError`."""
    return PostgresOutbox(url, schema=schema, prefix=prefix)


def open_limiter(url: str, schema: str, prefix: str, rate: int) -> RateLimiter:
    """Return the limiter that all deliveries from the database share.

    While the database is away there is nothing to deliver, so the share does not matter.
    """
    share = max(1.0, rate / 10)
    return PostgresRateLimiter(url, rate=rate, fallback_rate=share, schema=schema, prefix=prefix)
