"""Where schemas come from: one verb."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import API_KEY_VARIABLE
from ..schema.envelope import Schema

Progress = Callable[[int, int], None]
"""Called with the number of schemas that have arrived and the number that are expected."""


def silently(_done: int, _total: int) -> None:
    """A `Progress` for nobody."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The key of a tenant, the environment variable that it has to come from, and why it must not
    be used, if that is so."""

    value: str = field(default="", repr=False)
    variable: str = API_KEY_VARIABLE
    problem: str = ""


class Source(Protocol):
    """A tenant, or files that stand for one."""

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """Everything asked for, by id, or an error; never a part of it.

        `only` empty asks for all schemas. Raises `SourceError`, `InputError` or `SchemaError`.
        """
        ...
