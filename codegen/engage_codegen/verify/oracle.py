"""The independent validators, which other people wrote."""

import importlib
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol, TypeAlias, cast

from ..errors import ConfigError
from ..model.jsonvalues import is_number
from ..schema.jsontext import Json, JsonObject

_ANNOTATIONS = frozenset(
    "$id $anchor $dynamicAnchor $recursiveAnchor $vocabulary $comment $defs definitions title "
    "description default examples deprecated readOnly writeOnly".split()
)
"""Keywords that validate nothing without references. A validator would refuse the whole schema if
one of them is malformed, such as a `$id` with a fragment."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a validator says about a payload.

    `is_valid` is None if the validator cannot be trusted. `keywords` are those that a refused
    payload breaks, and `property` is that of the first error, "" for the whole payload. `blamed`
    are the properties of all errors, empty if an error concerns the whole payload.
    """

    is_valid: bool | None
    text: str = "accepts"
    property: str = ""
    keywords: frozenset[str] = frozenset()
    blamed: frozenset[str] = frozenset()


Judge: TypeAlias = Callable[[Json], Verdict]


@dataclass(frozen=True, slots=True)
class Oracle:
    """A validator. `judge` returns the judge of a schema, and raises `ValueError` if it cannot read
    the schema."""

    name: str
    judge: Callable[[JsonObject], Judge]


class _Error(Protocol):
    """The common part of the errors of both validators."""

    @property
    def message(self) -> str: ...


class _Validator(Protocol):
    def is_valid(self, instance: Json) -> bool: ...
    def iter_errors(self, instance: Json) -> Iterable[_Error]: ...


def choose_oracle() -> Oracle:
    """Return the best installed validator. Raises `ConfigError` if none is installed."""
    for name, judge in (("jsonschema-rs", _jsonschema_rs), ("jsonschema", _jsonschema)):
        try:
            importlib.import_module(name.replace("-", "_"))
        except ImportError:
            continue
        return Oracle(name, judge)
    raise ConfigError(
        "no independent validator is installed",
        where=f"the environment of {sys.executable}",
        fix="pip install 'engage-codegen[verify]'",
    )


def close_schema(schema: JsonObject) -> JsonObject:
    """Return the schema as generated classes implement it: undeclared properties are invalid.

    Annotations are left out. They are no part of what generated code promises.
    """
    properties = cast("dict[str, JsonObject]", schema.get("properties", {}))
    rules: JsonObject = {
        name: {key: value for key, value in rule.items() if key not in {*_ANNOTATIONS, "$schema"}}
        for name, rule in properties.items()
    }
    local = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
    return {**local, "properties": rules, "additionalProperties": False}


def _jsonschema_rs(schema: JsonObject) -> Judge:
    """Return a judge that skips patterns which `jsonschema-rs` cannot read or reads differently."""
    import jsonschema_rs

    make = partial(jsonschema_rs.validator_for, validate_formats=True, retriever=_refuse)
    if hasattr(jsonschema_rs, "EmailOptions"):
        # By default "Kim <kim@example.org>" is valid, but it is not a Mailbox of RFC 5321.
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
        if not isinstance(pattern, str):
            return value
        exact = _write_exactly(pattern)
        others = {keyword: rule for keyword, rule in value.items() if keyword != "pattern"}
        return {**others, "pattern": exact} if is_readable(exact) else others

    def is_doubtful(value: JsonObject, instance: Json) -> bool:
        if isinstance(instance, float) and "multipleOf" in value:
            return abs(instance) >= _MAX_EXACT
        pattern = value.get("pattern")
        if not isinstance(instance, str) or not isinstance(pattern, str):
            return False
        exact = _write_exactly(pattern)
        return _is_read_differently(exact, instance) or not is_readable(exact)

    return _make_judge(schema, lambda value: cast(_Validator, make(value)), decidable, is_doubtful)


_MAX_EXACT = 2.0**53
"""Below it, the digits of a float are its value. Above it, versions of `jsonschema-rs` differ: some
divide the digits, and some the value in memory."""

_PART = re.compile(
    r"""(?P<escape> \\.) | (?P<dot> \.) | (?P<empty> \[\]) | (?P<any> \[\^\])
    | (?P<set> \[ (?: \\. | [^\]\\] )+ \])""",
    re.VERBOSE | re.DOTALL,
)
_EXACT = {"dot": r"[^\n\r\u2028\u2029]", "empty": r"[^\s\S]", "any": r"[\s\S]"}
_LITERAL_HYPHEN = re.compile(r"(\\[dDsSwW])-(?=[^\]])|((?:\\.|[^\\\[])?)-(?=\\[dDsSwW])", re.DOTALL)


def _write_exactly(pattern: str) -> str:
    """Return a pattern with the meaning of ECMA-262 also for `jsonschema-rs`.

    It would read a dot as any character but a line feed, and refuses empty sets, and hyphens beside
    a class (`[\\w-.]`), which are literals.
    """

    def write(part: re.Match[str]) -> str:
        name = part.lastgroup or ""
        if name == "set":
            return _LITERAL_HYPHEN.sub(r"\1\2\\-", part.group())
        return _EXACT.get(name, part.group())

    return _PART.sub(write, pattern)


def _is_read_differently(pattern: str, text: str) -> bool:
    """Return True where `jsonschema-rs` is known to differ from ECMA-262.

    Word boundaries, and classes beside assertions, use Unicode instead of ASCII.
    """
    return bool(re.search(r"\\[bB]|\(\?[=!<]", pattern)) and not text.isascii()


def _refuse(uri: str) -> Json:
    raise ValueError(f"{uri} is never fetched")


def _jsonschema(schema: JsonObject) -> Judge:
    """Return a judge that skips keywords in which `jsonschema` differs from the standard."""
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
        skipped = ["pattern", "format", *([] if isinstance(step, int) else ["multipleOf"])]
        return {keyword: rule for keyword, rule in value.items() if keyword not in skipped}

    def is_doubtful(value: JsonObject, instance: Json) -> bool:
        if isinstance(instance, str):
            return bool({"pattern", "format"} & value.keys())
        step = value.get("multipleOf", 1)
        return is_number(instance) and not (isinstance(instance, int) and isinstance(step, int))

    return _make_judge(schema, make, decidable, is_doubtful)


def _make_judge(
    schema: JsonObject,
    make: Callable[[JsonObject], _Validator],
    decidable: Callable[[JsonObject], JsonObject],
    is_doubtful: Callable[[JsonObject, Json], bool],
) -> Judge:
    """Return a judge of a schema, or of the schema of a property.

    The validator gets the `decidable` part of the schema. If a value `is_doubtful` and no other
    keyword refuses the payload, the verdict is unknown.
    """
    properties = cast("dict[str, JsonObject]", schema.get("properties", {}))
    definitions: Json = {name: decidable(value) for name, value in properties.items()}
    validator = make({**decidable(schema), "properties": definitions})

    def has_doubtful_value(payload: Json) -> bool:
        if not isinstance(payload, dict):
            return is_doubtful(schema, payload)
        names = properties.keys() & payload.keys()
        return any(is_doubtful(properties[name], payload[name]) for name in names)

    def judge(payload: Json) -> Verdict:
        try:
            verdict = _verdict(validator, payload)
        except ValueError as error:
            return Verdict(None, f"raises {type(error).__name__}: {error}")
        if verdict.keywords <= {"pattern", "multipleOf"} and has_doubtful_value(payload):
            return Verdict(None, "cannot decide")
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
        frozenset(path[0] for path in paths) if all(paths) else frozenset(),
    )


def _path(error: _Error, *names: str) -> list[str]:
    """Return the first of these attributes: the validators use different names."""
    path = next(getattr(error, name) for name in names if hasattr(error, name))
    return [str(part) for part in cast("Iterable[object]", path)]
