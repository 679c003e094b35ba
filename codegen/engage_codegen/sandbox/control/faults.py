"""Faults on demand: what a network or a platform does wrong, and to which requests.

A fault applies to the requests whose path matches a pattern: to the next `count` of them, or to a
random `share`. It happens before or after the API has done the work of the request.
"""

import fnmatch
import random
import threading
from enum import StrEnum
from pathlib import Path

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from engage_codegen.errors import InputError


class Kind(StrEnum):
    """The kinds of faults."""

    TIMEOUT = "timeout"
    DROP = "drop"
    STATUS = "status"
    SLOW = "slow"
    HTML = "html"
    TRUNCATED = "truncated"
    LATE = "late"


class When(StrEnum):
    """The time of a fault: before or after the API has done the work."""

    BEFORE = "before"
    AFTER = "after"


class Fault(BaseModel):
    """A fault, and the requests that it applies to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field(
        description="timeout: no response, and the connection stays open. drop: the connection is "
        "closed. status: an error response with `status`. slow: the response is delayed by "
        "`seconds`. html: an HTML page instead of JSON. truncated: half of the body, then the "
        "connection is closed. late: the connection is closed, and the work is done `seconds` "
        "later."
    )
    when: When = Field(default=When.BEFORE, description="Before or after the work is done.")
    method: str = Field(default="*", description="GET, POST, DELETE, or * for all.")
    path: str = Field(default="/api/*", description="A pattern; `*` matches any text.")
    count: int | None = Field(
        default=1, ge=1, description="The number of requests; null means all."
    )
    share: float = Field(
        default=1.0, gt=0, le=1, description="The share of the requests, chosen at random."
    )
    status: int = Field(default=500, ge=400, le=599, description="For the kind `status`.")
    seconds: float = Field(
        default=1.0, ge=0, le=3600, description="For the kinds `slow` and `late`."
    )

    @model_validator(mode="after")
    def _check_when(self) -> "Fault":
        if self.kind is Kind.TRUNCATED and self.when is When.BEFORE:
            return self.model_copy(update={"when": When.AFTER})
        if self.kind is Kind.LATE and self.when is When.AFTER:
            raise ValueError("the kind late cannot be combined with `when`: leave it out")
        return self

    def matches(self, method: str, path: str) -> bool:
        """Return True if the fault may apply to such a request."""
        return self.method in ("*", method) and fnmatch.fnmatchcase(path, self.path)


def read_faults(path: Path) -> list[Fault]:
    """Read a JSON file with a list of faults.

    Raises:
        InputError: The file cannot be read, or is not a list of faults.
    """
    try:
        return TypeAdapter(list[Fault]).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"The faults file cannot be read: {error.strerror}.",
            where=str(path),
            fix="Check the path that you pass to --faults.",
        ) from None
    except ValidationError as error:
        problem = error.errors()[0]
        pointer = "".join(f"/{part}" for part in problem["loc"])
        raise InputError(
            f"The faults file is invalid. {problem['msg']}.",
            where=f"{path}{pointer and f', {pointer}'}",
            fix='Write a list such as [{"kind": "timeout", "when": "after", "count": 3}].',
        ) from None


class Faults:
    """The active faults, oldest first. The same `seed` makes the same random choices."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - tests need the same choices again  # nosec B311
        self._active: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Activate a fault for its next `count` requests."""
        with self._lock:
            self._active.append((fault, fault.count))

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._active.clear()

    def list(self) -> list[tuple[Fault, int | None]]:
        """Return each fault with the number of its remaining requests; None means all."""
        with self._lock:
            return [*self._active]

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that applies to a request, if any, and count the request."""
        with self._lock:
            for position, (fault, remaining) in enumerate(self._active):
                if fault.matches(method, path) and self._random.random() < fault.share:
                    if remaining == 1:
                        del self._active[position]
                    elif remaining is not None:
                        self._active[position] = (fault, remaining - 1)
                    return fault
        return None
