"""The smallest payloads that generated code can send. Pure."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import islice
from typing import cast

from ..model.build import properties_of
from ..model.constraints import Constraints, parse_constraints
from ..schema.envelope import Schema
from ..schema.jsontext import Json, JsonObject
from .values import generate_values, has_no_values

_MAX_ATTEMPTS = 2_000
"""Sets of properties that are tried. More than a few are needed only if properties depend on each
other."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition for a payload: a property that it has, with one value if `value` holds it; a
    property that it does not have; and the number of its properties."""

    having: str | None = None
    value: tuple[Json, ...] = ()
    without: str | None = None
    min_properties: int = 0
    max_properties: int | None = None


@dataclass(frozen=True)
class PayloadRules:
    """The rules of a schema for its payloads: the properties, and the limits of them together."""

    properties: Mapping[str, JsonObject]
    required: frozenset[str]
    min_properties: int
    max_properties: int | None
    dependent: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, schema: Schema) -> "PayloadRules":
        """Return the rules of a schema without problems."""
        body = schema.json_schema
        dependent = cast("dict[str, list[str]]", body.get("dependentRequired", {}))
        most = cast("float | None", body.get("maxProperties"))
        return cls(
            properties_of(schema),
            frozenset(cast("list[str]", body.get("required", []))),
            int(cast("float", body.get("minProperties", 0))),
            None if most is None else int(most),
            {name: frozenset(others) for name, others in dependent.items() if others},
        )

    @cached_property
    def constraints(self) -> Mapping[str, Constraints]:
        """The constraints of each property."""
        return {name: parse_constraints(value) for name, value in self.properties.items()}

    @cached_property
    def samples(self) -> Mapping[str, Json]:
        """One valid value of each property, as far as one was found."""
        values = {
            name: _find_sample(item, self.properties[name])
            for name, item in self.constraints.items()
        }
        return {name: first[0] for name, first in values.items() if first}

    @property
    def unsampled(self) -> list[str]:
        """The properties that may have values, of which none was found."""
        names = self.properties.keys() - self.samples.keys()
        return sorted(name for name in names if not has_no_values(self.constraints[name]))

    def smallest(self, condition: Condition) -> JsonObject | None:
        """Return a smallest payload that generated code can send, or None if none was found."""
        values = dict(self.samples)
        if condition.having is not None and condition.value:
            values[condition.having] = condition.value[0]
        names, _ = self._smallest_names(condition, values.keys())
        return None if names is None else {name: values[name] for name in names}

    def is_possible(self, condition: Condition) -> bool:
        """Return False if no such payload exists, whatever the values of its properties are."""
        names = {name for name, item in self.constraints.items() if not has_no_values(item)}
        result, is_exhaustive = self._smallest_names(condition, names)
        return result is not None or not is_exhaustive

    def _smallest_names(
        self, condition: Condition, available: Set[str]
    ) -> tuple[list[str] | None, bool]:
        """Return the fewest properties of a payload, and whether the search was exhaustive."""
        usable = {name for name in available if name != condition.without}
        low = max(self.min_properties, condition.min_properties)
        limits = (self.max_properties, condition.max_properties, len(usable))
        high = min(limit for limit in limits if limit is not None)
        queue: list[tuple[int, int, list[str]]] = []
        queued: set[frozenset[str]] = set()
        having = () if condition.having is None else (condition.having,)
        candidates = [self._close({*self.required, *having})]
        while len(queued) < _MAX_ATTEMPTS:
            for names in candidates:
                if names <= usable and names not in queued and max(len(names), low) <= high:
                    queued.add(names)
                    heappush(queue, (max(len(names), low), -len(names), sorted(names)))
            if not queue:
                return None, True
            _, _, smallest = heappop(queue)
            if len(smallest) >= low:
                return smallest, True
            candidates = self._extend(frozenset(smallest), usable)
        return None, False

    def _extend(self, names: frozenset[str], usable: Set[str]) -> list[frozenset[str]]:
        """Return the sets with one more property, and those that it depends on.

        Properties without dependencies are interchangeable, so only the first is tried.
        """
        others = sorted(usable - names)
        independent = [name for name in others if name not in self.dependent]
        dependent = [self._close({*names, name}) for name in others if name in self.dependent]
        return [*(names | {name} for name in independent[:1]), *dependent]

    def _close(self, names: set[str]) -> frozenset[str]:
        """Return the names with all that they depend on."""
        queue = list(names)
        while queue:
            added = self.dependent.get(queue.pop(), frozenset()) - names
            names |= added
            queue += added
        return frozenset(names)


def _find_sample(constraints: Constraints, schema: JsonObject) -> list[Json]:
    values = list(islice(generate_values(constraints, schema), 1))
    if values or "string" not in constraints.types:
        return values
    from .texts import sample_text

    text = sample_text(constraints)
    return [] if text is None else [text]
