"""Payloads that generated code can send, as small as possible. Pure."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import islice
from typing import cast

from ..model.constraints import Scalar, read
from ..schema.envelope import Schema
from ..schema.jsontext import Json, JsonObject
from .values import is_empty, values

_ENOUGH = 2_000
"""Sets of properties that are tried: no more than a few are, but where some need each other."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a payload has to have: a property, with this one value if `value` holds it; not another;
    so many properties."""

    having: str | None = None
    value: tuple[Json, ...] = ()
    without: str | None = None
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Form:
    """A schema of the dialect, ready to be compared: its properties, which are required, and what
    it says about them together."""

    properties: Mapping[str, JsonObject]
    required: frozenset[str]
    least: int
    most: int | None
    dependent: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, schema: Schema) -> "Form":
        body = schema.json_schema
        dependent = cast("dict[str, list[str]]", body.get("dependentRequired", {}))
        most = cast("float | None", body.get("maxProperties"))
        return cls(
            cast("dict[str, JsonObject]", body.get("properties", {})),
            frozenset(cast("list[str]", body.get("required", []))),
            int(cast("float", body.get("minProperties", 0))),
            None if most is None else int(most),
            {name: frozenset(others) for name, others in dependent.items() if others},
        )

    @cached_property
    def scalars(self) -> Mapping[str, Scalar]:
        """What the properties say."""
        return {name: read(value) for name, value in self.properties.items()}

    @cached_property
    def samples(self) -> Mapping[str, Json]:
        """A value of each property for which one was found."""
        found = {
            name: list(islice(values(scalar, self.properties[name]), 1))
            for name, scalar in self.scalars.items()
        }
        return {name: each[0] for name, each in found.items() if each}

    @property
    def unsampled(self) -> list[str]:
        """The properties for which no value was found."""
        unsampled = self.properties.keys() - self.samples.keys()
        return sorted(name for name in unsampled if not is_empty(self.scalars[name]))

    def smallest(self, wanted: Wanted) -> JsonObject | None:
        """The smallest payload that our code can send; None if none was found."""
        known = dict(self.samples)
        if wanted.having is not None and wanted.value:
            known[wanted.having] = wanted.value[0]
        names, _ = self._names(wanted, known.keys())
        return None if names is None else {name: known[name] for name in names}

    def is_possible(self, wanted: Wanted) -> bool:
        """Whether there may be such a payload, whatever values its properties have."""
        filled = {name for name, scalar in self.scalars.items() if not is_empty(scalar)}
        names, is_sure = self._names(wanted, filled)
        return names is not None or not is_sure

    def _names(self, wanted: Wanted, known: Set[str]) -> tuple[list[str] | None, bool]:
        """The fewest names that a payload can have, and whether all was tried."""
        usable = {name for name in self.properties if name in known and name != wanted.without}
        least = max(self.least, wanted.least)
        most = min(it for it in (self.most, wanted.most, len(usable)) if it is not None)
        waiting: list[tuple[int, int, list[str]]] = []
        seen: set[frozenset[str]] = set()
        having = () if wanted.having is None else (wanted.having,)
        found = [self._closed({*self.required, *having})]
        while len(seen) < _ENOUGH:
            for names in found:
                if names <= usable and names not in seen and max(len(names), least) <= most:
                    seen.add(names)
                    heappush(waiting, (max(len(names), least), -len(names), sorted(names)))
            if not waiting:
                return None, True
            _, _, smallest = heappop(waiting)
            if len(smallest) >= least:
                return smallest, True
            found = self._grown(frozenset(smallest), usable)
        return None, False

    def _grown(self, names: frozenset[str], usable: Set[str]) -> list[frozenset[str]]:
        """With one more, and what it needs; of those that need nothing, one stands for all."""
        more = sorted(usable - names)
        alone = [name for name in more if name not in self.dependent]
        needing = [self._closed({*names, name}) for name in more if name in self.dependent]
        return [*(names | {name} for name in alone[:1]), *needing]

    def _closed(self, names: set[str]) -> frozenset[str]:
        """With all that they need beside them."""
        waiting = list(names)
        while waiting:
            more = self.dependent.get(waiting.pop(), frozenset()) - names
            names |= more
            waiting += more
        return frozenset(names)
