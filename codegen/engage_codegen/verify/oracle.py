"""The independent validators: what somebody else's code says about a payload."""

import importlib
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol, TypeAlias, cast

from ..errors import ConfigError
from ..model.constraints import is_number
from ..schema.jsontext import Json, JsonObject

_FOREIGN = ("$defs", "definitions", "$id")
"""What can lead out of a schema, and validates nothing in one without references."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`is_valid` is None where the validator cannot be trusted. `keywords` are the reasons of a
    refusal; `property` is what the first is about, "" for the whole payload."""

    is_valid: bool | None
    text: str = "accepts"
    property: str = ""
    keywords: frozenset[str] = frozenset()


Judge: TypeAlias = Callable[[Json], Verdict]


@dataclass(frozen=True, slots=True)
class Oracle:
    """`judge` makes the judge of a schema; it raises `ValueError` for one that it cannot read."""

    name: str
    judge: Callable[[JsonObject], Judge]


class _Error(Protocol):
    """What the errors of both validators have."""

    @property
    def message(self) -> str: ...


class _Validator(Protocol):
    def is_valid(self, instance: Json) -> bool: ...
    def iter_errors(self, instance: Json) -> Iterable[_Error]: ...


def choose() -> Oracle:
    """The best that is installed. Raises `ConfigError` if there is none."""
    for name, judge in (("jsonschema-rs", _rust), ("jsonschema", _partial)):
        try:
            importlib.import_module(name.replace("-", "_"))
        except ImportError:
            continue
        return Oracle(name, judge)
    raise ConfigError(
        "there is no independent validator to compare with",
        where=f"the environment of {sys.executable}",
        fix="pip install 'engage-codegen[verify]'",
    )


def closed(schema: JsonObject) -> JsonObject:
    """The schema as generated classes mean it: without properties that are not declared."""
    kept = {key: value for key, value in schema.items() if key not in _FOREIGN}
    return {**kept, "additionalProperties": False}


def _rust(schema: JsonObject) -> Judge:
    """`jsonschema-rs`, but for patterns that it cannot read, or reads in another way."""
    import jsonschema_rs

    make = partial(jsonschema_rs.validator_for, validate_formats=True, retriever=_refuse)
    if hasattr(jsonschema_rs, "EmailOptions"):
        # "Kim <kim@example.org>" is no Mailbox of RFC 5321; it counts as one by default.
        strict = jsonschema_rs.EmailOptions(allow_display_text=False)
        make = partial(make, email_options=strict)

    @cache
    def is_readable(pattern: str) -> bool:
        try:
            make({"pattern": pattern})
        except ValueError:
            return False
        return True

    def decidable(value: JsonObject) -> JsonObject:
        pattern = value.get("pattern")
        dropped = ["pattern"] if isinstance(pattern, str) and not is_readable(pattern) else []
        return {keyword: rule for keyword, rule in value.items() if keyword not in dropped}

    def is_doubtful(value: JsonObject, given: Json) -> bool:
        pattern = value.get("pattern")
        if not isinstance(given, str) or not isinstance(pattern, str):
            return False
        return _is_read_otherwise(pattern, given) or not is_readable(pattern)

    return _judge(schema, lambda it: cast(_Validator, make(it)), decidable, is_doubtful)


def _is_read_otherwise(pattern: str, text: str) -> bool:
    """The edge of a word, and beside an assertion digits and letters as well, are those of Unicode
    instead of ASCII; a dot stops at no end of a line but a line feed."""
    if re.search(r"\\[bB]|\(\?[=!<]", pattern) and not text.isascii():
        return True
    return "." in pattern and not {"\r", "\u2028", "\u2029"}.isdisjoint(text)


def _refuse(uri: str) -> Json:
    raise ValueError(f"{uri} is not fetched")


def _partial(schema: JsonObject) -> Judge:
    """`jsonschema` without the keywords in which it is known to differ from the standard."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    def make(decidable: JsonObject) -> _Validator:
        try:
            Draft202012Validator.check_schema(decidable)
        except SchemaError as error:
            raise ValueError(error.message) from None
        return cast(_Validator, Draft202012Validator(decidable))

    def decidable(value: JsonObject) -> JsonObject:
        step = value.get("multipleOf", 1)
        dropped = ["pattern", "format", *([] if isinstance(step, int) else ["multipleOf"])]
        return {keyword: rule for keyword, rule in value.items() if keyword not in dropped}

    def is_doubtful(value: JsonObject, given: Json) -> bool:
        if isinstance(given, str):
            return bool({"pattern", "format"} & value.keys())
        step = value.get("multipleOf", 1)
        return is_number(given) and not (isinstance(given, int) and isinstance(step, int))

    return _judge(schema, make, decidable, is_doubtful)


def _judge(
    schema: JsonObject,
    make: Callable[[JsonObject], _Validator],
    decidable: Callable[[JsonObject], JsonObject],
    is_doubtful: Callable[[JsonObject, Json], bool],
) -> Judge:
    """A judge that has no say where a value of a property is doubtful and nothing else decides.
    The validator gets the schema without what it cannot decide. `schema` may be a property's."""
    properties = cast("dict[str, JsonObject]", schema.get("properties", {}))
    kept: Json = {name: decidable(value) for name, value in properties.items()}
    validator = make({**decidable(schema), "properties": kept})

    def has_no_say(payload: Json) -> bool:
        if not isinstance(payload, dict):
            return is_doubtful(schema, payload)
        given = properties.keys() & payload.keys()
        return any(is_doubtful(properties[name], payload[name]) for name in given)

    def judge(payload: Json) -> Verdict:
        try:
            verdict = _verdict(validator, payload)
        except ValueError as error:
            return Verdict(None, f"raises {type(error).__name__}: {error}")
        if verdict.keywords <= {"pattern"} and has_no_say(payload):
            return Verdict(None, "has no say")
        return verdict

    return judge


def _verdict(validator: _Validator, payload: Json) -> Verdict:
    if validator.is_valid(payload):
        return Verdict(True)
    errors = list(validator.iter_errors(payload))
    paths = [_path(error, "instance_path", "absolute_path") for error in errors]
    rules = [_path(error, "schema_path", "absolute_schema_path") for error in errors]
    return Verdict(
        False,
        f"refuses: {errors[0].message}",
        paths[0][0] if paths[0] else "",
        frozenset(rule[2 if rule[0] == "properties" else 0] for rule in rules if rule),
    )


def _path(error: _Error, *names: str) -> list[str]:
    """The validators call the same thing by different names."""
    found = next(getattr(error, name) for name in names if hasattr(error, name))
    return [str(part) for part in cast("Iterable[object]", found)]
