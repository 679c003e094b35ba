"""Every check counts: a package in which a single one is changed gives itself away on a table of
payloads whose verdicts are those of jsonschema-rs."""

import ast
import importlib
import importlib.util
import itertools
import json
import re
import sys
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
    wire: {"enum": [*it["enum"], None]} if "enum" in it else {**it, "type": [*it["type"], "null"]}
    for wire, it in SCALARS.items()
}
NEEDED = SCALARS | {f"{it}Null": NULLS[it] for it in ("text", "moment", "whole", "state")}
SPARE = {
    f"{it}May": SCALARS[it]
    for it in "text real flag moment day clock item code whole state amount".split()
}
VOID = {f"{it}Void": NULLS[it] for it in ("text", "moment", "grade", "age")}
FLAGS = {it: {"type": ["boolean"]} for it in "abcdef"}
SCHEMAS: dict[str, Item] = {
    "wide": {"type": "object", "properties": NEEDED | SPARE | VOID, "required": list(NEEDED)},
    "shape": {"type": "object", "properties": FLAGS, "minProperties": 2, "maxProperties": 4}
    | {"dependentRequired": {"a": ["b", "c"], "d": ["e"]}},
    "some": {"type": "object", "properties": FLAGS, "minProperties": 1},
}
CLOSED = {name: body | {"additionalProperties": False} for name, body in SCHEMAS.items()}
ORACLES = {it: jsonschema_rs.validator_for(CLOSED[it], validate_formats=True) for it in CLOSED}
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
"""What no datetime and no time can hold: refused, although it is RFC 3339 (docs/package.md)."""


NOTHING: list[str] = []
TYPED: dict[str, type] = {"date-time": datetime, "date": date, "time": time, "uuid": UUID}
MOMENT, SECOND = datetime(2024, 2, 29, 12, 30, tzinfo=UTC), timezone(timedelta(seconds=1))
OBJECTS: list[object] = [
    *(MOMENT, MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=SECOND), MOMENT.date()),
    *(MOMENT.timetz(), MOMENT.time(), MOMENT.time().replace(tzinfo=SECOND), UUID(int=5)),
    *(
        type("Text", (str,), {})("abc"),
        type("Whole", (int,), {})(2),
        float("nan"),
        float("inf"),
        b"abc",
        object(),
    ),
]


@dataclass(frozen=True)
class Case:
    """A payload: JSON to be read, or with `made` values to be given to the class. `bad` are the
    properties at fault, once for each broken rule; `good` is the JSON if there are none."""

    schema: str
    wire: str
    given: Any
    made: bool
    good: str
    bad: tuple[str, ...]


def boundaries(value: Item) -> Iterator[Any]:
    """Values on both sides of everything that a schema says of a property."""
    yield from value.get("enum", [])
    yield from TEXTS.get(value.get("format", ""), "").split()
    for keyword, limit in value.items():
        if keyword in ("minLength", "maxLength"):
            yield from ("𝄞" * (limit + more) for more in (-1, 0, 1))
        elif isinstance(limit, (int, float)):
            yield from (limit + more for more in (-1, -0.5, -0.25, 0, 0.25, 0.5, 1))
            yield from (limit * more for more in (-2, 1.5, 2, 3))


def encoded(value: Item, given: Any) -> Any:
    """A value of the class as JSON; NOTHING is what no property can be."""
    kind: Any = TYPED.get(value.get("format", ""))
    if given is None or type(given) is bool:
        return given
    if kind is not None and isinstance(given, kind):
        return str(given) if kind is UUID else given.isoformat()
    is_number = "number" in value.get("type", ["number"])
    if kind is not None or (isinstance(given, float) and not (isfinite(given) and is_number)):
        return NOTHING
    return next((it(given) for it in (str, int, float) if isinstance(given, it)), NOTHING)


def typed(value: Item, given: Any) -> Any:
    """A valid JSON value as the class has it."""
    kind: Any = TYPED.get(value.get("format", ""))
    if kind is None or given is None:
        return whole(given)
    return UUID(given) if kind is UUID else kind.fromisoformat(given.upper())


def whole(value: Any) -> Any:
    """2.0 and 2 are one number, and 1e23 is the number that it says."""
    return int(Decimal(repr(value))) if isinstance(value, float) and value % 1 == 0 else value


def dumped(payload: Item) -> str:
    return json.dumps({wire: whole(it) for wire, it in payload.items()}, sort_keys=True)


def case(name: str, wire: str, payload: Any, made: Item | None = None) -> Case:
    """The verdict of jsonschema-rs on a payload."""
    properties, bad = SCHEMAS[name]["properties"], list[str]()
    errors: list[Any] = list(ORACLES[name].iter_errors(payload))
    # What is of another type has no limits to keep.
    for error in [it for it in errors if it.kind.name == "type" and it.instance_path] or errors:
        path = [str(it) for it in error.instance_path] or getattr(error.kind, "unexpected", [])
        missing = f"{error.kind.property}!" if error.kind.name == "required" else "payload"
        bad += path or [missing]
    if not is_a(payload, dict):
        bad += [f"{it}!" for it in SCHEMAS[name]["required"]]  # nothing is there
    sent: Item = payload if is_a(payload, dict) else {}
    if made is None and sent.get(wire) in TOO_FINE:
        bad = [wire]
    fine = {} if bad else sent
    good = dumped({it: encoded(properties[it], typed(properties[it], fine[it])) for it in fine})
    given: Any = payload if made is None else made
    return Case(name, wire, given, made is not None, good, tuple(sorted(bad)))


def cases() -> Iterator[Case]:
    """One property at a time, two at a time, and every set of properties of the small schemas."""
    properties: dict[str, Item] = SCHEMAS["wide"]["properties"]
    names, base = name_properties("wide", properties, {}), dict[str, Any]()
    for wire, value in NEEDED.items():
        fits = jsonschema_rs.validator_for(value).is_valid
        base[wire] = next(it for it in (*boundaries(value), "abc", 2, True) if it and fits(it))
    made: Item = {names[wire]: typed(value, base[wire]) for wire, value in NEEDED.items()}
    more: tuple[Item, ...] = ({}, {"other": 1}, {"moment": "x", "age": 0})
    for whole_payload in (NOTHING, "x", None, *(base | it for it in more)):
        yield case("wide", "payload", whole_payload)
    for wire, value in properties.items():
        tried = [*SAMPLES, *boundaries(value), *(TOO_FINE if "format" in value else [])]
        yield case("wide", wire, {key: it for key, it in base.items() if key != wire})
        yield from (case("wide", wire, base | {wire: it}) for it in tried)
        for it in [*tried, *OBJECTS]:
            own: Item = {} if it is None and wire in SPARE else {wire: encoded(value, it)}
            yield case("wide", wire, base | own, made | {names[wire]: it})
    for name, chosen in itertools.product(("shape", "some"), itertools.product([0, 1], repeat=6)):
        some = {wire: True for wire, is_there in zip(FLAGS, chosen, strict=True) if is_there}
        yield case(name, "payload", some)
        yield case(name, "payload", some, some)
        yield case("shape", "a", some | {"a": 5})
    yield from (case("shape", it, {it: 5}, {it: 5}) for it in FLAGS)


PAIRS = (
    "Lt LtE,Gt GtE,Eq NotEq,Is IsNot,In NotIn,And Or,Sub BitAnd,Mod FloorDiv,required optional,"
    "minimum exclusive_minimum,maximum exclusive_maximum,min_length max_length,nullable required,"
    "unsettable optional,min_properties max_properties"
)
WORDS = [pair.split() for pair in PAIRS.split(",")[::-1]]
SWAPPED: dict[str, str] = {one: other for it in WORDS for one, other in (it, it[::-1])}
LISTS = ("body", "orelse", "args", "keywords", "values", "elts", "ifs")
STATEMENTS = (ast.Expr, ast.AugAssign, ast.Raise, ast.If, ast.Return, ast.Assign)
ASIDE = re.compile(r"__repr__|wrong_type\w*|_message|send_\w+|__all__|[A-Z]\w*")
"""Functions and constants without influence on whether a payload is valid."""


def changes(node: Any) -> Iterator[tuple[str, Any, str]]:
    """A field of a node, what to put there instead, and what that is called."""
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
    """As `isinstance`, without the type checkers' conclusions."""
    return isinstance(value, kinds)


def mutants(tree: ast.Module, node: Any, where: str = "") -> Iterator[tuple[str, CodeType]]:
    """Each single change below a node: where and what it is, and the code of the whole module."""
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
FAST = {r"__post_init__: without type\(self.\w+\) is not \w+": SHORT_CUT}
EQUIVALENT: dict[str, dict[str, str]] = {
    "_runtime.payload.checks": {
        r"check_(number|date_time): without (if type.*|return)": SHORT_CUT,
        r"check_number: without (float|not isfinite.*)": "concerns subclasses of float",
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
        r"_json_type: without return ''": "None is not the name of a rule either",
        r"check: without json_type == 'integer'": "the rule of numbers refuses it as well",
        r"check: without check_boolean.*": "Either passes it only booleans",
        r"read: without messages.append.*": OTHER_VIOLATION,
        r"_is_same: without isinstance\(left, str\)": "test_misuse.py passes a Decimal",
    },
    "_runtime.payload.values": {
        r"read_(time|date): without (if (second|text.st)|raise.*(leap|year)).*": OTHER_VIOLATION,
    },
    "wide": FAST,
    "shape": FAST,
}
"""Module -> changes that no payload can reveal, and the reason."""
PACKAGES = ("", "_runtime", "_runtime.payload")


def loaded(name: str, folder: Path, codes: dict[str, CodeType]) -> dict[str, Any]:
    """The classes of a package under a private name, some of whose modules are `codes`."""
    for known in [it for it in sys.modules if re.match(r"original\b", it)]:
        sys.modules[known.replace("original", name, 1)] = sys.modules[known]
    for package in PACKAGES:
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
    return {it: getattr(sys.modules[f"{name}.{it}"], it.capitalize()) for it in SCHEMAS}


def verdict(kinds: dict[str, Any], it: Case) -> tuple[str, tuple[str, ...]]:
    kind, invalid = kinds[it.schema], sys.modules["original"].InvalidPayloadError
    try:
        made = kind(**it.given) if it.made else kind.from_payload(it.given)
        return dumped(made.to_payload()), ()
    except invalid as error:
        missing = ("required", "dependentRequired")
        bad = [f"{found.property}{'!' * (found.code in missing)}" for found in error.violations]
        return "{}", tuple(sorted(bad))
    except Exception as error:
        return f"{error!r}", ()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the package as it was generated, imported as `original`."""
    folder = tmp_path_factory.mktemp("mutation") / "original"
    schemas = {name: Schema(name, name, body, "mutation") for name, body in SCHEMAS.items()}
    package = build(schemas, {}, "json-schema")
    for path, text in render_package(package, ()).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder.parent), *sys.path])
        for name in SCHEMAS:
            importlib.import_module(f"original.{name}")
        yield folder
    for name in [it for it in set(sys.modules) - before if re.match("original|mutant", it)]:
        del sys.modules[name]


TABLE = list(cases())


def test_a_package_agrees_with_jsonschema_on_every_payload(original: Path) -> None:
    kinds = loaded("mutant", original, {})
    assert [it for it in TABLE if verdict(kinds, it) != (it.good, it.bad)] == []


@pytest.mark.parametrize("module", EQUIVALENT)
def test_no_changed_check_goes_unnoticed(module: str, original: Path) -> None:
    # A module comes after those that it imports.
    order = [*(it for it in EQUIVALENT if "." in it), "_runtime.payload", *SCHEMAS]
    files = {it: it.replace(".", "/") + ("/__init__" * (it in PACKAGES)) for it in order}
    paths = {it: original / f"{file}.py" for it, file in files.items()}
    codes = {it: compile(path.read_text("utf-8"), it, "exec") for it, path in paths.items()}
    table, unnoticed = list(TABLE), list[str]()
    tree = ast.parse(paths[module].read_text("utf-8"))
    for what, code in mutants(tree, tree):
        try:
            kinds = loaded("mutant", original, {**codes, module: code})
        except Exception:  # it cannot even be imported
            continue
        # Most are caught by what concerns the same property, or by what caught another.
        plain = what.replace("_", "").lower()
        ordered = sorted(table, key=lambda it: module == "wide" and it.wire.lower() not in plain)
        caught = next((it for it in ordered if verdict(kinds, it) != (it.good, it.bad)), None)
        if caught is None:
            unnoticed.append(what)
        else:
            table.remove(caught)
            table.insert(0, caught)
    known = EQUIVALENT[module]
    assert [it for it in unnoticed if not any(re.fullmatch(why, it) for why in known)] == []
    assert [why for why in known if not any(re.fullmatch(why, it) for it in unnoticed)] == []
