"""One send against the platform on raw sockets, and reads of its lists."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

from engage_interactions import EngageClient, EngageError, Receipt, RetryPolicy
from engage_interactions._runtime.transport.clock import SYSTEM_CLOCK, Clock
from engage_interactions.favourite import Favourite
from tests.support.runtime.http_library import httpx
from tests.support.runtime.raw.platform import Exchange, Item, RawPlatform, Reply, accept

RESEND = RetryPolicy(retry_delays=(0.0,), lookup_delays=(0.0, 0.0), resend=True)
"""Looks up twice at once, and resends."""

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"


@contextmanager
def client_for(platform: RawPlatform, clock: Clock = SYSTEM_CLOCK) -> Generator[EngageClient]:
    """Open a client whose requests have a short timeout."""
    with (
        httpx.Client(timeout=5.0, trust_env=False) as http,
        EngageClient(
            platform.url,
            api_key="k",
            user_agent="tests/1",
            rate=10**6,
            retry=RESEND,
            clock=clock,
            http=http,
        ) as client,
    ):
        yield client


def first(reply: Reply, following: Reply = accept) -> Reply:
    """Answer the first POST with one reply, and all others with another one."""

    def answer(exchange: Exchange) -> None:
        is_first = exchange.platform.count("POST") == 1
        (reply if is_first else following)(exchange)

    return answer


def store_and_reset(exchange: Exchange) -> None:
    """Store the interaction, and answer with a reset."""
    exchange.store()
    exchange.reset()


def stored(reply: Reply) -> Reply:
    """Store the interaction before the reply."""

    def answer(exchange: Exchange) -> None:
        exchange.store()
        reply(exchange)

    return answer


def outcome_of(act: Callable[[], Receipt]) -> Receipt | EngageError:
    """Return the receipt, or our exception. Any other exception is raised."""
    try:
        return act()
    except EngageError as error:
        return error


def favourite(number: int, created_date: str = "2020-01-01T00:00:00.000Z") -> Item:
    """Return an interaction that another integration stored."""
    return {
        "id": str(uuid4()),
        "contactId": CONTACT,
        "schemaId": Favourite.__schema_id__,
        "createdDate": created_date,
        "payload": {"productSku": str(number)},
    }


def parse_date(text: str) -> datetime:
    """Parse the createdDate of a request."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
