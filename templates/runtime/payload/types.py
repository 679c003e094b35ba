"""The types of payloads."""

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Final, Self, SupportsIndex, TypeAlias

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"
"""A JSON value."""


class Unset(Enum):
    """The type of `UNSET`, the value of an omitted property where the schema allows null."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return self.value


UNSET: Final = Unset.UNSET
"""Omits a property from the payload, where None stands for null."""


class Payload:
    """The base class of every payload class.

    A pickle has the schema id and the payload by wire names, and is read with `from_payload`: it
    survives changes of the schema, or raises `InvalidPayloadError`.
    """

    __slots__ = ()

    __schema_id__: ClassVar[str]
    __properties__: ClassVar[frozenset[str]]
    __personal__: ClassVar[frozenset[str]] = frozenset()
    """The wire names of the properties that hold personal data, according to the contract."""

    __payload_class__: ClassVar[type["Payload"]]
    """The generated class that a class is, or derives from."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if Payload in cls.__bases__:
            cls.__payload_class__ = cls
        for name in _METHODS - cls.__dict__.keys():
            setattr(cls, name, getattr(Payload, name))

    def __post_init__(self) -> None:
        """Check all values. Raises `InvalidPayloadError`."""

    def to_payload(self) -> dict[str, Json]:
        """Return the payload as a JSON object with wire names."""
        raise NotImplementedError

    @classmethod
    def from_payload(cls, payload: Mapping[str, Json]) -> Self:
        """Create an instance from a JSON object with wire names.

        Raises `InvalidPayloadError`.
        """
        raise NotImplementedError

    @classmethod
    def __read_stored__(cls, payload: Mapping[str, Json]) -> Self:
        """Create an instance from a stored payload. Raises `InvalidPayloadError`."""
        return cls.from_payload(payload)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[object, ...]:
        from .pickling import reduce_payload

        return reduce_payload(self)

    def __setstate__(self, state: object) -> None:
        from .pickling import refuse_state

        refuse_state(self)

    def __copy__(self) -> Self:
        from .pickling import attributes_of, rebuild

        return rebuild(type(self), attributes_of(self))

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        from copy import deepcopy

        from .pickling import attributes_of, rebuild

        return rebuild(type(self), deepcopy(attributes_of(self), memo))


_METHODS = frozenset(["__setstate__"])
"""The methods that `dataclass` would add to a class with slots. Its own assigns by position."""
