"""The tenant of a push, and attempts to do what must not be left undone."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...sources.tenant import TenantSource
from ...sources.tenant_admin import TenantAdmin

PAUSES = (1.0, 4.0)
"""Seconds before the second and the third attempt."""


@dataclass(frozen=True, slots=True)
class TenantAccess:
    """Reading and writing one tenant."""

    source: TenantSource
    admin: TenantAdmin


def attempts() -> Iterator[None]:
    """Yield at once, and again after each of the pauses."""
    yield
    for pause in PAUSES:
        time.sleep(pause)
        yield
