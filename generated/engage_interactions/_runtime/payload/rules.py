"""What a value may be beyond its type: lengths, bounds, patterns, formats, closed lists.

The rules are those of JSON Schema draft 2020-12, Validation, section 6. A rule has the two methods
that a generated class needs: `check` notes what is wrong with a value, `read` makes the value out
of JSON, or raises `ValueError`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar, cast

from ..errors import Violation
from .checks import (
    Json,
    check_boolean,
    check_integer,
    check_number,
    check_string,
    exact,
    read_boolean,
    read_integer,
    read_number,
    read_string,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Rule(Protocol[T_co]):
    """What all of them can do."""

    def check(self, problems: list[Violation], name: str, value: object) -> None: ...

    def read(self, value: Json) -> T_co: ...


class Text:
    """A string. Lengths are in code points; `pattern` is searched for, and is Python's; `form`
    tells whether a string is of a format."""

    def __init__(
        self,
        *,
        min_length: int = 0,
        max_length: int | None = None,
        pattern: str = "",
        form: Callable[[str], bool] | None = None,
    ) -> None:
        self._min_length = min_length
        self._max_length = max_length
        self._search = re.compile(pattern, re.ASCII).search if pattern else None
        self._form = form

    def check(self, problems: list[Violation], name: str, value: object) -> None:
        check_string(problems, name, value)
        if not isinstance(value, str):
            return
        if len(value) < self._min_length:
            rule = f"has to have at least {self._min_length} characters, not {len(value)}"
            problems.append(Violation(name, rule, value))
        if self._max_length is not None and len(value) > self._max_length:
            rule = f"has to have at most {self._max_length} characters, not {len(value)}"
            problems.append(Violation(name, rule, value))
        if self._search is not None and not self._search(value):
            problems.append(Violation(name, "does not match the pattern of the schema", value))
        if self._form is not None and not self._form(value):
            form = getattr(self._form, "__name__", "").removeprefix("is_").replace("_", "-")
            problems.append(Violation(name, f"is not of the format {form}", value))

    def read(self, value: Json) -> str:
        return read_string(value)


class _Range:
    """The limits of a number."""

    def __init__(
        self,
        *,
        minimum: float | None = None,
        exclusive_minimum: float | None = None,
        maximum: float | None = None,
        exclusive_maximum: float | None = None,
        multiple_of: float | None = None,
    ) -> None:
        self._minimum = _exact(minimum)
        self._exclusive_minimum = _exact(exclusive_minimum)
        self._maximum = _exact(maximum)
        self._exclusive_maximum = _exact(exclusive_maximum)
        self._multiple_of = _exact(multiple_of)

    def broken(self, value: float) -> list[str]:
        """The rules that a number breaks."""
        number = exact(value)
        found: list[str] = []
        if self._minimum is not None and number < self._minimum:
            found.append(f"has to be at least {self._minimum}")
        if self._exclusive_minimum is not None and number <= self._exclusive_minimum:
            found.append(f"has to be more than {self._exclusive_minimum}")
        if self._maximum is not None and number > self._maximum:
            found.append(f"has to be at most {self._maximum}")
        if self._exclusive_maximum is not None and number >= self._exclusive_maximum:
            found.append(f"has to be less than {self._exclusive_maximum}")
        if self._multiple_of is not None and not is_multiple(number, self._multiple_of):
            found.append(f"has to be a multiple of {self._multiple_of}")
        return found


def _exact(limit: float | None) -> float | None:
    return None if limit is None else exact(limit)


class Integer(_Range):
    """An int that is no bool."""

    def check(self, problems: list[Violation], name: str, value: object) -> None:
        noted = len(problems)
        check_integer(problems, name, value)
        if len(problems) == noted:
            broken = self.broken(cast(int, value))
            problems += [Violation(name, rule, value) for rule in broken]

    def read(self, value: Json) -> int:
        return read_integer(value)


class Number(_Range):
    """A finite float, or an int that is no bool."""

    def check(self, problems: list[Violation], name: str, value: object) -> None:
        noted = len(problems)
        check_number(problems, name, value)
        if len(problems) == noted:
            broken = self.broken(cast(float, value))
            problems += [Violation(name, rule, value) for rule in broken]

    def read(self, value: Json) -> float:
        return read_number(value)


class Boolean:
    """True or False."""

    def check(self, problems: list[Violation], name: str, value: object) -> None:
        check_boolean(problems, name, value)

    def read(self, value: Json) -> bool:
        return read_boolean(value)


class Choice(Generic[T]):
    """One of a closed list of values. 2.0 is 2, but true is not 1."""

    def __init__(self, *values: T) -> None:
        self._values = values

    def check(self, problems: list[Violation], name: str, value: object) -> None:
        if not any(_is_same(value, choice) for choice in self._values):
            rule = f"has to be one of {', '.join(map(repr, self._values))}"
            problems.append(Violation(name, rule, value))

    def read(self, value: Json) -> T:
        for choice in self._values:
            if _is_same(value, choice):
                return choice
        raise ValueError(f"has to be one of {', '.join(map(repr, self._values))}")


class Either(Generic[T]):
    """A value of one of several JSON types, each with its own rule."""

    def __init__(self, **rules: Rule[T]) -> None:
        self._rules = rules

    def check(self, problems: list[Violation], name: str, value: object) -> None:
        kind = _KINDS.get(type(value)) or _kind(value)
        rule = self._rules.get(kind) or (self._rules.get("number") if kind == "integer" else None)
        if rule is None:
            allowed = " or ".join(self._rules)
            problems.append(Violation(name, f"has to be of the type {allowed}", value))
        else:
            rule.check(problems, name, value)

    def read(self, value: Json) -> T:
        failures: list[str] = []
        for rule in self._rules.values():
            try:
                return rule.read(value)
            except ValueError as error:
                failures.append(str(error))
        raise ValueError(" or ".join(failures))


def _kind(value: object) -> str:
    for kind, name in _KINDS.items():
        if isinstance(value, kind):
            return name
    return ""


_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def _is_same(one: object, other: object) -> bool:
    """By the equality of JSON, which knows strings, numbers and booleans."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return exact(one) == exact(other)
    return isinstance(one, str) and one == other


def is_multiple(value: float, of: float) -> bool:
    """By the decimal digits of both, so that 0.0075 is a multiple of 0.0001."""
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    from fractions import Fraction

    return Fraction(_digits(value)) % Fraction(_digits(of)) == 0


def _digits(value: float) -> str:
    """As JSON has them, whatever a subclass shows."""
    return int.__repr__(value) if isinstance(value, int) else float.__repr__(value)


def check_object(
    problems: list[Violation],
    payload: Mapping[str, Json],
    *,
    min_properties: int = 0,
    max_properties: int | None = None,
    dependent_required: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """What concerns more than one property."""
    count = len(payload)
    if count < min_properties:
        rule = f"has to have at least {min_properties} properties, not {count}"
        problems.append(Violation("payload", rule, is_about_the_whole=True))
    if max_properties is not None and count > max_properties:
        rule = f"has to have at most {max_properties} properties, not {count}"
        problems.append(Violation("payload", rule, is_about_the_whole=True))
    for name, others in (dependent_required or {}).items():
        missing = [other for other in others if name in payload and other not in payload]
        problems += [
            Violation(other, f"is required beside {name}", is_about_the_whole=True)
            for other in missing
        ]
