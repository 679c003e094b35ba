"""What the tests of the sandbox share: clients that wait long enough, and waiting for events.

No test measures time. A test waits for an event, and the limit of 60 seconds only ends a test that
would never see it.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import httpx

from engage_codegen.sandbox.server import Sandbox

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
INTERACTIONS = "/api/v3/interactions"
SCHEMAS = "/api/v3/interactionschemas"
INCOMPLETE = "/_sandbox/arrivals?incomplete=true"
LIMIT_SECONDS = 60.0


@contextmanager
def connect(sandbox: Sandbox) -> Generator[httpx.Client]:
    """Open a client that has the API key of a sandbox."""
    headers = {"apikey": sandbox.api_key, "User-Agent": "tests/1"}
    with httpx.Client(base_url=sandbox.base_url, headers=headers, timeout=LIMIT_SECONDS) as client:
        yield client


def wait_until(condition: Callable[[], object], event: str) -> None:
    """Wait until a condition is true; fail with the name of the event after 60 seconds."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{event} did not happen within {LIMIT_SECONDS:.0f} s"
        threading.Event().wait(0.01)


def list_rules(response: httpx.Response) -> list[tuple[str, str | None]]:
    """Return the rule and pointer of each violation in an error response."""
    violations = response.json()["messageDetails"]["violations"]
    return [(violation["rule"], violation["pointer"]) for violation in violations]
