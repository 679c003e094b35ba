"""Regular expressions of schemas, matched in linear time.

Python's `re` can take hours for one text. This engine cannot, and therefore has neither look-around
nor references to groups.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Protocol, cast

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from engage_codegen.sandbox.store.records import Json


class _Matcher(Protocol):
    def is_valid(self, instance: Json) -> bool: ...


class PatternError(ValueError):
    """The engine cannot run the pattern."""


@lru_cache(maxsize=1000)
def compile_pattern(pattern: str) -> _Matcher:
    """Return a schema that a text obeys if the pattern matches anywhere in it.

    Raises `PatternError`.
    """
    import jsonschema_rs

    try:
        matcher: _Matcher = jsonschema_rs.Draft202012Validator(
            {"type": "string", "pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions()
        )
    except ValueError:
        raise PatternError(pattern) from None
    return matcher


def find_patterns(value: Json) -> Iterator[Json]:
    """Yield the value of each keyword `pattern` in a schema, at any depth."""
    for child in _children(value):
        yield from find_patterns(child)
    if isinstance(value, dict) and "pattern" in value:
        yield value["pattern"]


def has_keyword(value: Json, name: str) -> bool:
    """Return True if a schema has a keyword, at any depth."""
    is_here = isinstance(value, dict) and name in value
    return is_here or any(has_keyword(child, name) for child in _children(value))


def _children(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_pattern(
    _validator: object, pattern: str, instance: Json, _schema: Mapping[str, object]
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not compile_pattern(pattern).is_valid(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_extend = cast("Callable[..., type[Draft202012Validator]]", validators.extend)
LinearTimeValidator = _extend(Draft202012Validator, {"pattern": _check_pattern})
"""The validator of JSON Schema with this engine for the keyword `pattern`."""
