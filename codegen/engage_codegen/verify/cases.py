"""Schema -> payloads that are valid or nearly valid. Pure and deterministic."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias, cast

from ..model.jsonvalues import is_number
from ..schema.jsontext import Json, JsonObject
from .values import Matching, list_candidates, remove_duplicates

IsValid: TypeAlias = Callable[[str, Json], bool | None]
"""Property and value -> whether the value is valid there, or None if that is unknown."""


@dataclass(frozen=True, slots=True)
class Cases:
    """The payloads to try. `valueless` are the properties without a valid candidate.

    `bases` are the payloads that are most likely valid, and `arguments` payloads without properties
    that need not be there, for the constructor.
    """

    payloads: tuple[Json, ...]
    valueless: tuple[str, ...]
    bases: tuple[JsonObject, ...]
    arguments: tuple[JsonObject, ...]


def make_cases(schema: JsonObject, is_valid: IsValid, matching: Matching) -> Cases:
    """Return every payload to try for a schema."""
    properties = cast("dict[str, JsonObject]", schema.get("properties", {}))
    values = {name: list_candidates(properties[name], matching) for name in sorted(properties)}
    valid = _first_values(values, is_valid, True)
    others = {name: values[name] for name in sorted(values.keys() - valid.keys())}
    builder = _PayloadBuilder(schema, valid, _first_values(others, is_valid, None))
    payloads = [
        *builder.bases(),
        *_substitute(builder, values),
        *_alter(builder, sorted(properties), _undeclared_names(sorted(properties))),
        *_NOT_OBJECTS,
    ]
    valueless = tuple(sorted(properties.keys() - builder.values.keys()))
    bases = (builder.smallest(), builder.largest())
    small = (builder.smallest(name) | {name: value} for name in values for value in values[name])
    arguments = remove_duplicates(
        [*builder.bases(), *small, *_alter(builder, sorted(properties), undeclared=())]
    )
    return Cases(
        tuple(remove_duplicates(payloads)),
        valueless,
        bases,
        tuple(cast("list[JsonObject]", arguments)),
    )


def _first_values(
    values: Mapping[str, Sequence[Json]], is_valid: IsValid, verdict: Literal[True] | None
) -> dict[str, Json]:
    """Return the first value of each property that has this verdict."""
    return {
        name: value
        for name, candidates in values.items()
        for value in islice((item for item in candidates if is_valid(name, item) is verdict), 1)
    }


class _PayloadBuilder:
    """Builds valid payloads from one value of each property.

    `valid` are values that are known to be valid, `unknown` the best guesses for the rest.
    """

    def __init__(
        self, schema: JsonObject, valid: Mapping[str, Json], unknown: Mapping[str, Json]
    ) -> None:
        self.valid = valid
        self.values = {**valid, **unknown}
        self.dependent = cast("dict[str, list[str]]", schema.get("dependentRequired", {}))
        self.required = cast("list[str]", schema.get("required", []))
        self.low = _number(schema, "minProperties", 0)
        self.high = _number(schema, "maxProperties", len(self.values))

    def smallest(self, *names: str) -> JsonObject:
        """Return a payload with the required properties, `names`, and their dependencies."""
        result = self._close([*self.required, *names])
        for name in self.values:
            if len(result) >= self.low:
                break
            result = self._close([*result, name])
        return self._payload(result)

    def largest(self) -> JsonObject:
        """Return a payload with as many properties of known validity as are allowed."""
        names = self._close(self.required)
        for name in self.valid:
            more = self._close([*names, name])
            names = more if len(more) <= self.high else names
        return self._payload(names)

    def bases(self) -> Iterator[JsonObject]:
        yield self.smallest()
        yield self.largest()
        yield dict(self.values)

    def sizes(self) -> Iterator[JsonObject]:
        """Yield payloads with the fewest and the most properties, and with one fewer or more."""
        order = self._close(self.required)
        order += [name for name in self.values if name not in order]
        for size in (self.low - 1, self.low, self.high, self.high + 1):
            yield self._payload(order[: max(0, size)])

    def _close(self, names: Sequence[str]) -> list[str]:
        """Return the names and all their dependencies."""
        result = list(dict.fromkeys(names))
        for name in result:  # grows during the loop
            others = self.dependent.get(name, [])
            result += dict.fromkeys(other for other in others if other not in result)
        return result

    def _payload(self, names: Collection[str]) -> JsonObject:
        return {name: self.values[name] for name in names if name in self.values}


def _number(schema: JsonObject, keyword: str, default: int) -> int:
    number = schema.get(keyword)
    return int(number) if is_number(number) else default


def _substitute(
    builder: _PayloadBuilder, values: Mapping[str, Sequence[Json]]
) -> Iterator[JsonObject]:
    """Yield each value in a small and in a large payload that is otherwise valid."""
    large = builder.largest()
    for name, candidates in values.items():
        small = builder.smallest(name)
        for value in candidates:
            yield {**small, name: value}
            if name in large:
                yield {**large, name: value}


def _alter(
    builder: _PayloadBuilder, names: Sequence[str], undeclared: Iterable[str]
) -> Iterator[JsonObject]:
    """Yield payloads with missing, with too many, or with undeclared properties."""
    yield {}
    yield from builder.sizes()
    for name in names:
        for base in (builder.largest(), builder.smallest(name)):
            yield {key: value for key, value in base.items() if key != name}
        if name in builder.values:
            yield {name: builder.values[name]}
    for name, others in sorted(builder.dependent.items()):
        for other in others:
            base = builder.smallest(name)
            yield {key: value for key, value in base.items() if key != other}
            yield {key: value for key, value in base.items() if key not in others}
    for key in undeclared:
        for base in (builder.smallest(), builder.largest()):
            yield {**base, key: None}
            yield {**base, key: "a"}


def _undeclared_names(names: Sequence[str]) -> Iterator[str]:
    near = [other for name in names[:3] for other in (name.upper(), f"{name} ", f"{name}_")]
    for key in dict.fromkeys(["undeclared", "", "$schema", "__class__", "self", *near]):
        if key not in names:
            yield key


_NOT_OBJECTS: tuple[Json, ...] = (None, True, 0, 1.5, "", "{}", [], [{}], [["a", 1]])
