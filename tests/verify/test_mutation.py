"""Every check of a payload counts.

A table of payloads, with verdicts of jsonschema-rs, reveals every single change of a check in a
generated package.
"""

import ast
import importlib
import importlib.util
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from math import isfinite
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest

from engage_codegen.model.build import build
from engage_codegen.render.package import render_package
from engage_codegen.schema.envelope import Schema
from engage_codegen.schema.names import name_properties
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

Item = dict[str, Any]
FORMATS = {"moment": "date-time", "day": "date", "clock": "time", "item": "uuid", "host": "ipv4"}
TYPES = {"text": "string", "whole": "integer", "real": "number", "flag": "boolean"}
SCALARS: dict[str, Item] = {
    **{wire: {"type": [kind]} for wire, kind in TYPES.items()},
    **{wire: {"type": ["string"], "format": form} for wire, form in FORMATS.items()},
    "state": {"enum": ["new", "worn", "1"]},
    "grade": {"enum": [1, 2, "A", True]},
    "share": {"enum": [0.25, 2, 10**23]},
    "sure": {"enum": [True, "x"]},
    "code": {"type": ["string"], "minLength": 2, "maxLength": 4, "pattern": "^[a-z𝄞]+$"},
    "age": {"type": ["integer"], "minimum": 1, "maximum": 5},
    "rank": {"type": ["integer"], "exclusiveMinimum": 1, "exclusiveMaximum": 5, "multipleOf": 2},
    "weight": {"type": ["number"], "exclusiveMinimum": 0, "maximum": 9.5, "multipleOf": 0.01},
    "height": {"type": ["number"], "minimum": -1.5, "exclusiveMaximum": 3},
    "big": {"type": ["number"], "multipleOf": 10},
    "value": {"type": ["string", "boolean"], "maxLength": 3},
    "amount": {"type": ["integer", "string"], "minimum": 3, "minLength": 1},
    "either": {"type": ["number", "boolean"], "maximum": 3},
}
NULLS: dict[str, Item] = {
    wire: {"enum": [*schema["enum"], None]}
    if "enum" in schema
    else {**schema, "type": [*schema["type"], "null"]}
    for wire, schema in SCALARS.items()
}
NEEDED = SCALARS | {f"{wire}Null": NULLS[wire] for wire in ("text", "moment", "whole", "state")}
SPARE = {
    f"{wire}May": SCALARS[wire]
    for wire in "text real flag moment day clock item code whole state amount".split()
}
VOID = {f"{wire}Void": NULLS[wire] for wire in ("text", "moment", "grade", "age")}
FLAGS = {wire: {"type": ["boolean"]} for wire in "abcdef"}
SCHEMAS: dict[str, Item] = {
    "wide": {"type": "object", "properties": NEEDED | SPARE | VOID, "required": list(NEEDED)},
    "shape": {"type": "object", "properties": FLAGS, "minProperties": 2, "maxProperties": 4}
    | {"dependentRequired": {"a": ["b", "c"], "d": ["e"]}},
    "some": {"type": "object", "properties": FLAGS, "minProperties": 1},
}
CLOSED = {name: body | {"additionalProperties": False} for name, body in SCHEMAS.items()}
ORACLES = {
    name: jsonschema_rs.validator_for(CLOSED[name], validate_formats=True) for name in CLOSED
}
NUMBERS = (0, 1, 2, -1, 1.0, 2.5, 1e23, 10**23, 2.0**53, 10**400)
SAMPLES: list[Any] = [None, True, False, *NUMBERS, "", "a", "abc", "1", [], {}]
TEXTS = {
    "date-time": """2024-02-29T12:30:15+00:00 2024-02-29t12:30:15.25z 0001-01-01T00:00:00Z
        2023-02-29T12:30:15Z 2024-13-01T00:00:00Z 2024-02-29T24:00:00Z 2024-02-29T23:59:59-23:59
        2024-02-29T12:60:00Z 2024-02-29T12:30:61Z 2024-02-29T12:30:15 2024-02-29T12:30:15+24:00
        2024-02-29T12:30:15.1234560Z 2024-02-29T12:30:15.123456+05:30 2024-02-29T12:30Z
        2024-02-29_12:30:15Z 24-02-29T12:30:15Z 2024-02-29T12:30:15+0530""",
    "date": "2024-02-29 0001-01-01 9999-12-31 2023-02-29 2024-00-01 2024-1-1 24-01-01 20240101",
    "time": """12:30:15+00:00 12:30:15z 23:59:59.123456-23:59 24:00:00Z 12:60:00Z 12:30:61Z
        12:30:15 12:30:15.1234560Z 12:30Z 12:30:15+24:00 12:30:15+05:60 00:00:00.5Z""",
    "uuid": """3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01 3F0C1A52-7D5E-4B0E-9A64-1C2F5B8E0D01 3f0c
        3f0c1a527d5e4b0e9a641c2f5b8e0d01 {3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01}""",
    "ipv4": "127.0.0.1 256.0.0.1 127.0.0",
}
TOO_FINE = """2024-06-30T23:59:60Z 2024-02-29T12:30:15.1234567Z 23:59:60Z 12:30:15.1234567Z
    12:30:15.00000010Z 2024-02-29T12:30:15.00000010Z 0000-01-01T00:00:00Z 0000-02-29""".split()
"""Valid RFC 3339 that no datetime and no time can represent (docs/package.md)."""


NOTHING: list[str] = []
TYPED: dict[str, type] = {"date-time": datetime, "date": date, "time": time, "uuid": UUID}
MOMENT, SECOND = datetime(2024, 2, 29, 12, 30, tzinfo=UTC), timezone(timedelta(seconds=1))
OBJECTS: list[object] = [
    *(MOMENT, MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=SECOND), MOMENT.date()),
    *(MOMENT.timetz(), MOMENT.time(), MOMENT.time().replace(tzinfo=SECOND), UUID(int=5)),
    *(
        type("Text", (str,), {})("abc"),
        *(type("Text", (str,), {})(text) for text in ("new", "x", "127.0.0.1")),
        type("Whole", (int,), {})(2),
        type("Real", (float,), {})(2.5),
        type("Day", (date,), {})(2024, 2, 29),
        type("Moment", (datetime,), {})(2024, 2, 29, 12, 30, tzinfo=UTC),
        type("Clock", (time,), {})(12, 30, tzinfo=UTC),
        type("Key", (UUID,), {})(int=5),
        *(
            Decimal(2),
            Decimal(10),
            Decimal("2.5"),
            Decimal("0.25"),
            10**5000,
            "a\ud83d",
            "\ud834\udd1e",
        ),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=1))),
        float("nan"),
        float("inf"),
        b"abc",
        object(),
    ),
]


@dataclass(frozen=True)
class Case:
    """A payload: JSON to be read, or attributes for the class if `is_attributes`.

    `bad` are the invalid properties, once for each broken rule. `good` is the JSON of a valid
    payload.
    """

    schema: str
    wire: str
    payload: Any
    is_attributes: bool
    good: str
    bad: tuple[str, ...]


def boundaries(value: Item) -> Iterator[Any]:
    """Yield values on both sides of every limit of a property."""
    yield from value.get("enum", [])
    yield from TEXTS.get(value.get("format", ""), "").split()
    for keyword, limit in value.items():
        if keyword in ("minLength", "maxLength"):
            yield from ("𝄞" * (limit + more) for more in (-1, 0, 1))
        elif isinstance(limit, (int, float)):
            yield from (limit + more for more in (-1, -0.5, -0.25, 0, 0.25, 0.5, 1))
            yield from (limit * more for more in (-2, 1.5, 2, 3))


def encoded(schema: Item, value: Any) -> Any:
    """Return an attribute as JSON, or NOTHING, which no property accepts."""
    kind: Any = TYPED.get(schema.get("format", ""))
    if value is None or type(value) is bool:
        return value
    if kind is None and is_a(value, UUID):
        return str(value)
    if is_a(value, Decimal):
        return int(value) if value % 1 == 0 else float(value)
    if is_a(value, str) and value.startswith(("a\ud83d", "\ud834")):
        return "𝄞" if value.endswith("\udd1e") else NOTHING
    if is_a(value, int) and value == 10**5000:
        return NOTHING
    if kind is not None and isinstance(value, kind):
        return str(value) if kind is UUID else value.isoformat()
    is_number = "number" in schema.get("type", ["number"])
    if kind is not None or (isinstance(value, float) and not (isfinite(value) and is_number)):
        return NOTHING
    return next(
        (python_type(value) for python_type in (str, int, float) if isinstance(value, python_type)),
        NOTHING,
    )


def typed(schema: Item, value: Any) -> Any:
    """Return a valid JSON value as an attribute."""
    kind: Any = TYPED.get(schema.get("format", ""))
    if kind is None or value is None:
        return whole(value)
    return UUID(value) if kind is UUID else kind.fromisoformat(value.upper())


def whole(value: Any) -> Any:
    """Return 2 for 2.0, and the decimal number for a float like 1e23."""
    return int(Decimal(repr(value))) if isinstance(value, float) and value % 1 == 0 else value


def dumped(payload: Item) -> str:
    return json.dumps({wire: whole(item) for wire, item in payload.items()}, sort_keys=True)


def case(name: str, wire: str, payload: Any, attributes: Item | None = None) -> Case:
    """Create a case with the verdict of jsonschema-rs on a payload."""
    properties, bad = SCHEMAS[name]["properties"], list[str]()
    errors: list[Any] = list(ORACLES[name].iter_errors(payload))
    # The limits do not apply to a value of another type.
    for error in [
        error for error in errors if error.kind.name == "type" and error.instance_path
    ] or errors:
        path = [str(part) for part in error.instance_path] or getattr(error.kind, "unexpected", [])
        missing = f"{error.kind.property}!" if error.kind.name == "required" else "payload"
        bad += path or [missing]
    if not is_a(payload, dict):
        bad += [f"{wire}!" for wire in SCHEMAS[name]["required"]]
    sent: Item = payload if is_a(payload, dict) else {}
    if attributes is None and sent.get(wire) in TOO_FINE:
        bad = [wire]
    fine = {} if bad else sent
    good = dumped(
        {key: encoded(properties[key], typed(properties[key], fine[key])) for key in fine}
    )
    content: Any = payload if attributes is None else attributes
    return Case(name, wire, content, attributes is not None, good, tuple(sorted(bad)))


def cases() -> Iterator[Case]:
    """Yield payloads that vary one or two properties, and all property sets of small schemas."""
    properties: dict[str, Item] = SCHEMAS["wide"]["properties"]
    names, base = name_properties("wide", properties, {}), dict[str, Any]()
    for wire, value in NEEDED.items():
        fits = jsonschema_rs.validator_for(value).is_valid
        base[wire] = next(
            candidate
            for candidate in (*boundaries(value), "abc", 2, True)
            if candidate and fits(candidate)
        )
    attributes: Item = {names[wire]: typed(value, base[wire]) for wire, value in NEEDED.items()}
    more: tuple[Item, ...] = ({}, {"other": 1}, {"moment": "x", "age": 0})
    for whole_payload in (NOTHING, "x", None, *(base | addition for addition in more)):
        yield case("wide", "payload", whole_payload)
    for wire, value in properties.items():
        tried = [*SAMPLES, *boundaries(value), *(TOO_FINE if "format" in value else [])]
        yield case("wide", wire, {key: item for key, item in base.items() if key != wire})
        yield from (case("wide", wire, base | {wire: item}) for item in tried)
        for item in [*tried, *OBJECTS]:
            own: Item = {} if item is None and wire in SPARE else {wire: encoded(value, item)}
            yield case("wide", wire, base | own, attributes | {names[wire]: item})
    for name, chosen in itertools.product(("shape", "some"), itertools.product([0, 1], repeat=6)):
        some = {wire: True for wire, is_there in zip(FLAGS, chosen, strict=True) if is_there}
        yield case(name, "payload", some)
        yield case(name, "payload", some, some)
        yield case("shape", "a", some | {"a": 5})
    yield from (case("shape", wire, {wire: 5}, {wire: 5}) for wire in FLAGS)


PAIRS = (
    "Lt LtE,Gt GtE,Eq NotEq,Is IsNot,In NotIn,And Or,Sub BitAnd,Mod FloorDiv,required optional,"
    "minimum exclusive_minimum,maximum exclusive_maximum,min_length max_length,nullable required,"
    "unsettable optional,min_properties max_properties"
)
WORDS = [pair.split() for pair in PAIRS.split(",")[::-1]]
SWAPPED: dict[str, str] = {word: other for pair in WORDS for word, other in (pair, pair[::-1])}
LISTS = ("body", "orelse", "args", "keywords", "values", "elts", "ifs")
STATEMENTS = (ast.Expr, ast.AugAssign, ast.Raise, ast.If, ast.Return, ast.Assign)
ASIDE = re.compile(r"__repr__|wrong_type\w*|_message|send_\w+|__all__|[A-Z]\w*")
"""Functions and constants without influence on whether a payload is valid."""


def changes(node: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield a field of a node, its replacement, and the name of the change."""
    text = ast.unparse(node) if is_a(node, ast.expr, ast.keyword) else ""
    is_other_call = is_a(node, ast.Call) and "Choice" not in ast.unparse(node.func)
    for name in node._fields:
        value: Any = getattr(node, name)
        if name in LISTS and is_a(value, list) and not (name == "args" and is_other_call):
            for index, part in enumerate([] if is_a(node, ast.Dict) else value):
                is_doc = is_a(part, ast.Expr) and is_a(part.value, ast.Constant)
                if is_a(part, ast.expr, ast.keyword, *STATEMENTS) and not is_doc:
                    rest = [*value[:index], *value[index + 1 :]] * (1 + is_a(node, ast.BoolOp))
                    filler = [ast.Pass()] if is_a(part, ast.stmt) else []
                    yield name, rest or filler, f"without {ast.unparse(part)}".split("\n")[0]
        elif name == "test" and is_a(node, ast.If, ast.IfExp):
            yield name, ast.UnaryOp(ast.Not(), value), f"not {ast.unparse(value)}"
        elif is_a(node, ast.Constant) and type(value) in (int, float):
            yield from ((name, value + more, f"{text} {more:+}") for more in (1, -1))
        elif name == "op" and (word := SWAPPED.get(type(value).__name__)):
            yield name, getattr(ast, word)(), f"{text} with {word}"
        elif name == "ops" and (word := SWAPPED.get(type(value[0]).__name__)):
            yield name, [getattr(ast, word)(), *value[1:]], f"{text} with {word}"
        elif name in ("arg", "attr") and value in SWAPPED:
            yield name, SWAPPED[value], f"{text} with {SWAPPED[value]}"


def is_a(value: object, *kinds: type) -> bool:
    """Call `isinstance` without the conclusions of type checkers."""
    return isinstance(value, kinds)


def mutants(tree: ast.Module, node: Any, where: str = "") -> Iterator[tuple[str, CodeType]]:
    """Yield every single change below a node: its name, and the code of the whole module."""
    if is_a(node, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef):
        where = node.name
    elif is_a(node, ast.Assign, ast.AnnAssign) and not where:
        where = ast.unparse(node).split(" ")[0].strip(":")
    is_aside = ASIDE.fullmatch(where) and not is_a(node, ast.ClassDef)
    if is_aside or is_a(node, ast.JoinedStr, ast.arguments):
        return
    for name, value, text in list(changes(node)) if where else ():
        before = getattr(node, name)
        setattr(node, name, value)
        with suppress(SyntaxError):
            ast.fix_missing_locations(node)
            yield f"{where}: {text}", compile(tree, where, "exec")
        setattr(node, name, before)
    for name in node._fields:
        is_type = name == "slice" and "rules." in ast.unparse(node.value)
        if name not in ("annotation", "returns", "decorator_list", "bases") and not is_type:
            inside: Any = getattr(node, name)
            for child in inside if is_a(inside, list) else [inside]:
                yield from mutants(tree, child, where) if is_a(child, ast.AST) else ()


OTHER_VIOLATION = "refused with another violation"
SHORT_CUT = "only a short cut"
UNUSED = "nothing uses an invalid value"
FAST = {
    r"__post_init__: without type\(.*": SHORT_CUT,
    r"__post_init__: (self.\w+.bit_length\(\) > 64 with GtE|64 [+-]1)": SHORT_CUT,
}
KEPT = {
    r"__post_init__: without object.__setattr__\(self, '(flag\w*|[a-f])', value\)": "always valid",
}
EQUIVALENT: dict[str, dict[str, str]] = {
    "_runtime.payload.checks": {
        r"check_number: without if type\(value\).*": SHORT_CUT,
        r"check_date_time: without if type.*": SHORT_CUT,
        r"check_\w+: without return value": UNUSED,
        r"check_number: .*(Decimal'|_DECIMAL).*": OTHER_VIOLATION,
        r"check_date_time: .*(NaTType|nanosecond|PRECISION|_YEAR).*": "test_values.py passes them",
        r"check_offset: without (message = .*|violations.append.*|return)": "test_sent_payloads.py",
        r"type_name: .*": "concerns the message alone",
        r"_has_too_many_digits: (.*64.*|without return False)": SHORT_CUT,
    },
    "_runtime.payload.codecs": {
        r"read_(integer|number): .*isinstance\(value.*": "the instance refuses the value",
        r"read_date_time: without (if (second|minute)|raise.*(leap|year)).*": OTHER_VIOLATION,
        r"json_number: (53 [+-]1|2 \*\* 53 <= .* with Lt)": "a float of that size has all digits",
        r"read_date_time: without (if|return).*(_USUAL|fromisoformat\(value\)).*": SHORT_CUT,
    },
    "_runtime.payload.reader": {
        r"__init__: without key=str": "the keys of JSON are strings",
        r"(required|optional): without return (cast.*|None)": "it returns None anyway",
        r"__init__: payload.keys\(\) <= declared with Lt": SHORT_CUT,
        r"_is_mapping: .*": "test_payloads.py reads mappings that are not a dict",
        r"__enter__: without return self": "payload classes do not use the value",
        r"__exit__: without (if error is not None:|return)": "nothing else is raised there",
        r"__exit__: without unread": "without violations, the error propagates unchanged",
    },
    "_runtime.payload.rules": {
        r"is_multiple: without (if|return value % div|isinstance\(value).*": SHORT_CUT,
        r"check: without _JSON_TYPES.get\(type\(value\)\)": SHORT_CUT,
        r"check: without json_type == 'integer'": "the rule of numbers refuses it as well",
        r"read: without messages.append.*": OTHER_VIOLATION,
        r"check: without return value": UNUSED,
        r"_choose: without (if isinstance.*|value = .*)": "test_values.py passes surrogates",
        r"_is_same: without isinstance\(left, str\)": "test_misuse.py passes a Decimal",
    },
    "_runtime.payload.values": {
        r"read_(time|date): without (if (second|text.st)|raise.*(leap|year)).*": OTHER_VIOLATION,
    },
    "wide": FAST | KEPT,
    "shape": KEPT | {r"__post_init__: without type\(.*": SHORT_CUT},
}
"""Module -> changes that no payload can reveal, and the reason."""
PACKAGES = ("", "_runtime", "_runtime.payload")


def load_classes(name: str, folder: Path, codes: dict[str, CodeType]) -> dict[str, Any]:
    """Load a copy of the package with other code for some modules; return its payload classes."""
    for module in [module for module in sys.modules if re.match(r"original\b", module)]:
        sys.modules[module.replace("original", name, 1)] = sys.modules[module]
    # A package that is not loaded anew keeps its contents; the outer ones need none.
    for package in [package for package in PACKAGES if package in codes or "." not in package]:
        full_name = f"{name}.{package}".rstrip(".")
        path = folder / package.replace(".", "/")
        spec = importlib.util.spec_from_file_location(
            full_name, path / "__init__.py", submodule_search_locations=[str(path)]
        )
        assert spec is not None
        sys.modules[full_name] = importlib.util.module_from_spec(spec)
    for module, code in codes.items():
        full_name = f"{name}.{module}"
        if module not in PACKAGES:
            sys.modules[full_name] = ModuleType(full_name)
            sys.modules[full_name].__package__ = full_name.rpartition(".")[0]
        exec(code, vars(sys.modules[full_name]))
    return {
        schema: getattr(sys.modules[f"{name}.{schema}"], schema.capitalize()) for schema in SCHEMAS
    }


PLAIN = set("str int float bool datetime date time UUID NoneType Unset".split())
"""The types of the attributes of an instance."""


def verdict(classes: dict[str, Any], item: Case) -> tuple[str, tuple[str, ...]]:
    payload_class, invalid = classes[item.schema], sys.modules["original"].InvalidPayloadError
    try:
        instance = (
            payload_class(**item.payload)
            if item.is_attributes
            else payload_class.from_payload(item.payload)
        )
        kinds = {type(getattr(instance, name)).__name__ for name in instance.__slots__}
        return dumped(instance.to_payload()), tuple(kinds - PLAIN)
    except invalid as error:
        missing = ("required", "dependentRequired")
        bad = [f"{found.property}{'!' * (found.code in missing)}" for found in error.violations]
        return "{}", tuple(sorted(bad))
    except Exception as error:
        return f"{error!r}", ()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Generate a package, import it as `original`, and return its folder."""
    folder = tmp_path_factory.mktemp("mutation") / "original"
    schemas = {name: Schema(name, name, body, "mutation") for name, body in SCHEMAS.items()}
    package = build(schemas, {}, "json-schema")
    for path, text in render_package(package, (), "httpx").items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder.parent), *sys.path])
        for name in SCHEMAS:
            importlib.import_module(f"original.{name}")
        yield folder
    for name in [
        module for module in set(sys.modules) - before if re.match("original|mutant", module)
    ]:
        del sys.modules[name]


TABLE = list(cases())


def test_a_package_agrees_with_jsonschema_rs_on_every_case(original: Path) -> None:
    classes = load_classes("mutant", original, {})
    assert [item for item in TABLE if verdict(classes, item) != (item.good, item.bad)] == []


OUR_CODES = {"additionalProperties": "undeclared"}


def test_the_code_of_a_single_violation_is_the_keyword_of_json_schema(original: Path) -> None:
    classes = load_classes("mutant", original, {})
    invalid = sys.modules["original"].InvalidPayloadError
    codes = Counter[str]()
    for item in TABLE:
        if item.is_attributes or not is_a(item.payload, dict):
            continue
        keywords = [error.kind.name for error in ORACLES[item.schema].iter_errors(item.payload)]
        if len(keywords) != 1:
            continue
        with pytest.raises(invalid) as caught:
            classes[item.schema].from_payload(item.payload)
        # jsonschema-rs reports dependentRequired as required.
        violations = caught.value.violations
        reported = {violation.code.replace("dependentR", "r") for violation in violations}
        assert reported == {OUR_CODES.get(keywords[0], keywords[0])}, item
        codes.update(reported)
    assert len(codes) == 14, codes


@pytest.mark.parametrize("module", EQUIVALENT)
def test_the_cases_reveal_every_single_change_of_a_check(module: str, original: Path) -> None:
    """`make test-full` tries every change, `make test` one of five."""
    # A module comes after those that it imports. The ones before it stay as they are.
    order = [*(name for name in EQUIVALENT if "." in name), "_runtime.payload", *SCHEMAS]
    files = {name: name.replace(".", "/") + ("/__init__" * (name in PACKAGES)) for name in order}
    paths = {name: original / f"{file}.py" for name, file in files.items()}
    later = order[order.index(module) :]
    if module in SCHEMAS:
        later = [module]
    codes = {name: compile(paths[name].read_text("utf-8"), name, "exec") for name in later}
    table = [item for item in TABLE if item.schema in codes]
    wires = {item.wire for item in table}
    # What a pattern of this table excuses is tried until one of them goes unnoticed.
    expected, unnoticed = dict.fromkeys(EQUIVALENT[module], False), list[str]()
    tree = ast.parse(paths[module].read_text("utf-8"))
    for number, (change, code) in enumerate(mutants(tree, tree)):
        excuses = [why for why in expected if re.fullmatch(why, change)]
        if not excuses and not IS_FULL and number % 12:
            continue
        if excuses and all(expected[why] for why in excuses):
            continue
        try:
            classes = load_classes("mutant", original, {**codes, module: code})
        except Exception:  # The changed module cannot be imported.
            continue
        # Most changes are caught by a case of the same property, or by one that caught another.
        plain = change.replace("_", "").lower()
        near = {wire for wire in wires if module != "wide" or wire.lower() in plain}
        ordered = sorted(table, key=lambda item: item.wire not in near)
        caught = next(
            (item for item in ordered if verdict(classes, item) != (item.good, item.bad)), None
        )
        if caught is not None:
            table.remove(caught)
            table.insert(0, caught)
        elif excuses:
            expected.update(dict.fromkeys(excuses, True))
        else:
            unnoticed.append(change)
    assert unnoticed == []
    assert [why for why, is_unnoticed in expected.items() if not is_unnoticed] == []
