"""The interface of a source of schemas, and the key of a tenant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import API_KEY_VARIABLE
from ..schema.envelope import Schema

Progress = Callable[[int, int], None]
"""Called with the number of schemas that have arrived and the number that are expected."""


def ignore_progress(_done: int, _total: int) -> None:
    """A `Progress` that shows nothing."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The API key of a tenant, and the environment variable that it comes from.

    `problem` says why the key must not be used, if it must not, and `fix` what to do then.
    """

    value: str = field(default="", repr=False)
    variable: str = API_KEY_VARIABLE
    problem: str = ""
    fix: str = "pass a single tenant"


class Source(Protocol):
    """A tenant, or local files."""

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """Return the requested schemas by id, all of them or none.

        Empty `only` requests every schema. Raises `SourceError`, `InputError` or `SchemaError`.
        """
        ...
