"""Where schemas come from: one verb."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ..schema import Schema

Progress = Callable[[int, int], None]
"""Called with the number of schemas that have arrived and the number that are expected."""


def silently(_done: int, _total: int) -> None:
    """A `Progress` for nobody."""


class Source(Protocol):
    """A tenant, or files that stand for one."""

    def fetch(self, only: Sequence[str], progress: Progress) -> Mapping[str, Schema]:
        """Everything asked for, by id, or an error; never a part of it.

        `only` empty asks for all schemas. Raises `SourceError`, `InputError` or `SchemaError`.
        """
        ...
