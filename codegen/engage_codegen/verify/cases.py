"""Schema -> payloads that are valid, and payloads that nearly are. Pure, and always the same."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias, cast

from ..model.constraints import is_number
from ..schema.jsontext import Json, JsonObject
from .values import Matching, candidates, distinct

Fits: TypeAlias = Callable[[str, Json], bool | None]
"""Name of a property and value -> whether the value can stand there; None if nobody knows."""


@dataclass(frozen=True, slots=True)
class Cases:
    """`valueless` are the properties for which no candidate fits."""

    payloads: tuple[Json, ...]
    valueless: tuple[str, ...]


def cases(schema: JsonObject, fits: Fits, matching: Matching) -> Cases:
    """Every payload to try for a schema."""
    properties = cast("dict[str, JsonObject]", schema.get("properties", {}))
    values = {name: candidates(properties[name], matching) for name in sorted(properties)}
    sure = {name: it for name in values for it in _first(values[name], fits, name, sure=True)}
    rest = sorted(values.keys() - sure.keys())
    unsure = {name: it for name in rest for it in _first(values[name], fits, name, sure=None)}
    shape = _Shape(schema, sure, unsure)
    payloads = [
        *shape.bases(),
        *_substituted(shape, values),
        *_altered(shape, sorted(properties)),
        *_no_objects(),
    ]
    return Cases(tuple(distinct(payloads)), tuple(sorted(properties.keys() - shape.good.keys())))


def _first(
    found: Sequence[Json], fits: Fits, name: str, *, sure: Literal[True] | None
) -> Sequence[Json]:
    return list(islice((it for it in found if fits(name, it) is sure), 1))


class _Shape:
    """What makes a valid payload out of valid values; out of sure ones, as far as there are any."""

    def __init__(
        self, schema: JsonObject, sure: Mapping[str, Json], unsure: Mapping[str, Json]
    ) -> None:
        self.sure = sure
        self.good = {**sure, **unsure}
        self.dependent = cast("dict[str, list[str]]", schema.get("dependentRequired", {}))
        self.required = cast("list[str]", schema.get("required", []))
        self.low = _number(schema, "minProperties", 0)
        self.high = _number(schema, "maxProperties", len(self.good))

    def smallest(self, *wanted: str) -> JsonObject:
        """What is required, the properties that are wanted, and what they demand."""
        names = self._closed([*self.required, *wanted])
        for name in self.good:
            if len(names) >= self.low:
                break
            names = self._closed([*names, name])
        return self._payload(names)

    def largest(self) -> JsonObject:
        """As many properties as there may be, of those of which one is sure."""
        names = self._closed(self.required)
        for name in self.sure:
            more = self._closed([*names, name])
            names = more if len(more) <= self.high else names
        return self._payload(names)

    def bases(self) -> Iterator[JsonObject]:
        yield self.smallest()
        yield self.largest()
        yield dict(self.good)

    def sizes(self) -> Iterator[JsonObject]:
        """Payloads with as few and as many properties as is allowed, and one less or more."""
        order = self._closed(self.required)
        order += [name for name in self.good if name not in order]
        for size in (self.low - 1, self.low, self.high, self.high + 1):
            yield self._payload(order[: max(0, size)])

    def _closed(self, names: Sequence[str]) -> list[str]:
        found = list(dict.fromkeys(names))
        for name in found:
            # The list grows while it is walked.
            found += dict.fromkeys(it for it in self.dependent.get(name, []) if it not in found)
        return found

    def _payload(self, names: Collection[str]) -> JsonObject:
        return {name: self.good[name] for name in names if name in self.good}


def _number(schema: JsonObject, keyword: str, default: int) -> int:
    number = schema.get(keyword)
    return int(number) if is_number(number) else default


def _substituted(shape: _Shape, values: Mapping[str, Sequence[Json]]) -> Iterator[JsonObject]:
    """Each value in a payload that is valid but for it: in a small one and in a large one."""
    large = shape.largest()
    for name, found in values.items():
        small = shape.smallest(name)
        for value in found:
            yield {**small, name: value}
            if name in large:
                yield {**large, name: value}


def _altered(shape: _Shape, names: Sequence[str]) -> Iterator[JsonObject]:
    """Properties that are missing, too many, or not declared."""
    yield {}
    yield from shape.sizes()
    for name in names:
        for base in (shape.largest(), shape.smallest(name)):
            yield {key: value for key, value in base.items() if key != name}
        if name in shape.good:
            yield {name: shape.good[name]}
    for name, others in sorted(shape.dependent.items()):
        for other in others:
            base = shape.smallest(name)
            yield {key: value for key, value in base.items() if key != other}
            yield {key: value for key, value in base.items() if key not in others}
    for base in (shape.smallest(), shape.largest()):
        for key in _undeclared(names):
            yield {**base, key: None}
            yield {**base, key: "a"}


def _undeclared(names: Sequence[str]) -> Iterator[str]:
    near = [other for name in names[:3] for other in (name.upper(), f"{name} ", f"{name}_")]
    for key in dict.fromkeys(["undeclared", "", "$schema", "__class__", "self", *near]):
        if key not in names:
            yield key


def _no_objects() -> Iterator[Json]:
    no_objects: list[Json] = [None, True, 0, 1.5, "", "{}", [], [{}], [["a", 1]]]
    yield from no_objects
