"""The types of payloads."""

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Final, Protocol, Self, TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
"""A JSON value."""


class Unset(Enum):
    """The type of `UNSET`, the value of an omitted property where the schema allows null."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return self.value


UNSET: Final = Unset.UNSET
"""Omits a property from the payload, where None stands for null."""


class Payload(Protocol):
    """The interface of every payload class."""

    __schema_id__: ClassVar[str]
    __properties__: ClassVar[frozenset[str]]

    def to_payload(self) -> dict[str, Json]:
        """Return the payload as a JSON object with wire names."""
        ...

    @classmethod
    def from_payload(cls, payload: Mapping[str, Json]) -> Self:
        """Create an instance from a JSON object with wire names.

        Raises `InvalidPayloadError`.
        """
        ...
