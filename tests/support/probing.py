"""Probes of sandboxes without waiting: time passes when a probe looks at it."""

import random
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sources.interface import ApiKey
from engage_codegen.sources.rate import Unlimited
from engage_codegen.sources.tenant_session import TenantSession
from engage_codegen.verbs.probe.execution import ProbeResult, run_probe
from engage_codegen.verbs.probe.names import PREFIX

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
_LOOK = timedelta(milliseconds=12)

DOMAIN: dict[str, tuple[object, ...]] = {
    "broken-interaction": ("reject", "ignore", "ignore-without-id"),
    "ill-typed-property": ("drop", "break"),
    "read-back": ("accepted", "everything"),
    "create-status": (200, 201),
    "delete-status": (200, 204),
    "other-keywords": ("reject", "accept"),
    "list-lag-seconds": (0.0, 0.0, 0.0, 0.5, 1.5, 4.0),
    "date-precision": ("milliseconds", "seconds", "rounded-seconds", "sql-datetime", "ticks"),
    "date-offset": ("Z", "+00:00", "+02:00", "none"),
    "payload-format": (
        *("as-stored", "dates", "trimmed", "decimals", "numbers-as-text", "nulls", "addition"),
    ),
    "non-string-attributes": ("warn", "reject"),
    "list-order": ("newest-first", "shuffled"),
    "next-rel": ("next", "Next", "more", "nextPage", "continue"),
    "other-links": ("none", "lower-case", "capitalized"),
    "link-format": ("list", "list", "rel-lists", "object", "html-escaped", "token", "none"),
    "capitalized-token": (False, True),
    "repeated-items": ("none", "same-page", "next-page"),
    "odd-created-date": ("warn", "reject"),
    "automation-trigger": ("each-arrival", "first-per-contact"),
    "feature-enabled": (True,) * 19 + (False,),
    "short-contact-id": ("reject", "accept"),
    "deleted-contact-interactions": ("keep", "delete"),
    "custom-key-enabled": (True, False),
    "max-changed-contacts": (250_000, 1000),
    "rate-limit": (200, 0, 500),
    "validation-status": (400, 422),
    "unknown-contact-status": (400, 404, 422),
    "duplicate-schema-status": (400, 409, 422),
    "error-body": ("engage", "validation-errors", "problem-details", "message"),
    "contact-errors": ("documented", "not-found"),
}
"""Option -> the values that a random tenant can have."""


class SandboxTimer:
    """The clock of a sandbox, which stands still between two looks at it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._clock = sandbox.state.clock
        self._clock.freeze(None)

    def now(self) -> datetime:
        self._clock.move(_LOOK)
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.move(timedelta(seconds=seconds))


def draw_values(number: int) -> dict[str, object]:
    """Return a value for each option, the same ones for the same number."""
    chance = random.Random(f"tenant {number}")
    return {option: chance.choice(values) for option, values in DOMAIN.items()}


@contextmanager
def open_session(base_url: str, key: str = "sandbox-key") -> Generator[TenantSession]:
    """Open a session without a rate limiter."""
    with TenantSession(
        base_url,
        key=ApiKey(key),
        user_agent="tests/1",
        api_version="v3",
        timeout=20,
        limiter=Unlimited(),
    ) as session:
        yield session


@contextmanager
def tenant_with(values: dict[str, object]) -> Generator[Sandbox]:
    """Run a tenant with these options. Its schemas are those of the examples."""
    options = Options.model_validate(values | {"rate-limit": 0})
    with running(options=options) as sandbox:
        yield sandbox


def probe(sandbox: Sandbox) -> ProbeResult:
    """Probe a sandbox."""
    with open_session(sandbox.base_url) as session:
        return run_probe(session, SandboxTimer(sandbox), CONTACT)


def count_leftovers(sandbox: Sandbox) -> int:
    """Return how many schemas and interactions of probes a tenant has."""
    with sandbox.store.transaction() as tenant:
        schemas = [item for item in tenant.list_schemas() if item.id.startswith(PREFIX)]
        (interactions,) = tenant.query("SELECT count(*) FROM interactions").fetchone()
    return len(schemas) + int(interactions)
