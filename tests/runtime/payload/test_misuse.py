"""Every mistake in a call is reported before anything is sent.

Type checkers report it on its line. Where Python's types cannot express it, creating the payload
raises an error.
"""

import importlib
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.cli import app as cli
from engage_codegen.schema.names import name_properties, name_schemas
from tests.support.paths import SCRIPTS, SEEDS

pytestmark = pytest.mark.slow

Item = dict[str, Any]

FORMATS = {"moment": "date-time", "day": "date", "clock": "time", "item": "uuid"}
SCALARS: dict[str, Item] = {
    **{json_type: {"type": json_type} for json_type in ("string", "integer", "number", "boolean")},
    **{wire: {"type": "string", "format": form} for wire, form in FORMATS.items()},
    **{"state": {"enum": ["new", "worn"]}, "isNew": {"type": "boolean"}},
    **{"grade": {"enum": [1, 2]}, "mixed": {"enum": [3, "three", True]}},
    "value": {"type": ["string", "boolean"]},
    "amount": {"type": ["integer", "string"]},
    "code": {"type": "string", "maxLength": 4, "minLength": 2, "pattern": "^[a-z]+$"},
    "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 150},
    "share": {"enum": [1.5, 7, 2.25]},
    "step": {"type": "number", "multipleOf": 0.5},
}


def listed(value: Item) -> list[str]:
    return re.findall("[a-z]+", str(value["type"]))


NULLABLE = {
    wire: {"enum": [*schema["enum"], None]}
    if "enum" in schema
    else {**schema, "type": [*listed(schema), "null"]}
    for wire, schema in SCALARS.items()
}
SEEDED = [json.loads(path.read_text("utf-8")) for path in sorted(SEEDS.iterdir())]
SCHEMAS: dict[str, Item] = {envelope["id"]: envelope["jsonSchema"] for envelope in SEEDED} | {
    "needed": {"type": "object", "properties": SCALARS, "required": list(SCALARS)},
    "spare": {"type": "object", "properties": SCALARS},
    "needed-null": {"type": "object", "properties": NULLABLE, "required": list(NULLABLE)},
    "spare-null": {"type": "object", "properties": NULLABLE},
    "old": {"type": "object", "properties": {"title": {"type": "string"}}, "deprecated": True},
}
NAMES = name_schemas(SCHEMAS, {})

PREAMBLE = """
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from uuid import UUID
from misused import UNSET, AsyncEngageClient, EngageClient, RetryPolicy, payload_classes
from misused import old as outdated
from misused.bulk import Item, send_many, send_many_async, stream_many, stream_many_async
class Color(StrEnum): RED = "red"
class Size(IntEnum): SMALL = 1
class Plain(Enum): ONE = "one"
TEXT, CONTACT = str("text"), "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
"""
EXPRESSIONS = """
str = "text"; StrEnum = Color.RED; variable = TEXT; textual-date = "2024-02-29T12:30:00Z"
int = 7; IntEnum = Size.SMALL; float = 1.5; bool = True; NaN = float("nan"); infinity = float("inf")
datetime = datetime(2024, 2, 29, 12, 30, tzinfo=UTC); naive datetime = datetime(2024, 2, 29, 12)
odd datetime = datetime(2024, 2, 29, tzinfo=timezone(timedelta(seconds=1)))
date = date(2024, 2, 29); time = time(12, 30, tzinfo=UTC); naive time = time(12, 30)
UUID = UUID(int=5); timedelta = timedelta(1); Decimal = Decimal(7); complex = 7j; bytes = b"text"
list = ["text"]; dict = {"text": 7}; Enum = Plain.ONE; object = object(); class = str; UNSET = UNSET
"""
VALUES: dict[str, str] = dict(re.findall(r"(\S[^=]*) = (.*?)(?:;|\n)", EXPRESSIONS))
INTEGERS, MOMENTS = {"int", "IntEnum"}, {"naive datetime", "odd datetime"}
FITS = {kind: {kind} for kind in ("bool", "datetime", "date", "time", "UUID")}
FITS.update(int=INTEGERS, float=INTEGERS | {"float"})
FITS.update(str={"str", "StrEnum", "variable", "textual-date"})
INVISIBLE = {"int": {"bool"}, "float": {"bool", "NaN", "infinity"}, "time": {"naive time"}}
INVISIBLE.update(datetime=MOMENTS, date=MOMENTS | {"datetime"})
"""Type of an attribute -> values that are valid, and values that type checkers accept wrongly."""
OUT_OF_LIMITS = {
    "code": ['"longer"', '"x"', '"AB"', '"ab1"', '""', VALUES["textual-date"]],
    "age": ["-1", "150", "-(10**400)"],
    "share": ["1.25", "Size.SMALL", "True", "-1.5"],
    "step": ["0.75", "0.1"],
}

CALLS = """
right SEND(CLIENT, CONTACT, one, @)  # confirm=True, retry=RetryPolicy.never()
right SEND(CLIENT, CONTACT, one, @)  # created_date=datetime.now(UTC)
wrong SEND(CLIENT, CONTACT, @)  # other | KIND | {"name": "x"} | None | "x"
right SEND(CLIENT, @, one)  # CONTACT | UUID(CONTACT)
right SEND(CLIENT, CONTACT, one, @)  # perhaps_sent=True | timeout=5, headers={"x": TEXT}
wrong SEND(CLIENT, CONTACT, one, @)  # perhaps_sent="no" | timeout="5" | headers=[TEXT]
wrong SEND(CLIENT, @, one)  # None | 7 | one | b"id"
wrong SEND(@)  # WRONG, CONTACT, one | CLIENT, one | CLIENT, CONTACT | CLIENT, one, CONTACT
wrong SEND(CLIENT, CONTACT, one, @)  # datetime.now(UTC) | confirm="yes" | retry=3 | retries=3
wrong SEND(CLIENT, CONTACT, one, created_date=@)  # "2024-02-29" | date(2024, 2, 29) | 7
right WAIT CLIENT.send(CONTACT, @)  # one | other
wrong WAIT CLIENT.send(CONTACT, @)  # KIND | {"name": "x"} | None | "x"
right print((WAIT CLIENT.find_contact(@)).upper())  # email=TEXT, contact_type=TEXT
right print(WAIT CLIENT.find_contact(@))  # mobile_phone=TEXT | custom_key=TEXT | any_key=TEXT
wrong print(WAIT CLIENT.find_contact(@))  # TEXT | email=7 | mail=TEXT | email=UUID(CONTACT)
right print(WAIT CLIENT.find(@, one, datetime.now(UTC)))  # CONTACT | UUID(CONTACT)
wrong print(WAIT CLIENT.find(@))  # CONTACT, one | CONTACT, one, None | CONTACT, one, TEXT
wrong print((WAIT CLIENT.find(CONTACT, one, datetime.now(UTC))).@)  # id
right print([schema.title for schema in WAIT CLIENT.schemas()])
right print((WAIT CLIENT.check_schemas()).is_same)
wrong print((WAIT CLIENT.check_schemas()).@)  # equal
right print([it.payload.to_payload() LOOP it in CLIENT.list(KIND, CONTACT)])
wrong print([it.payload.@ LOOP it in CLIENT.list(KIND, CONTACT)])  # no_such
wrong print(CLIENT.list(@))  # KIND | CONTACT, KIND | "repair", CONTACT | one, CONTACT
right print((WAIT CLIENT.get(KIND, CONTACT)).payload.to_payload())
wrong print(WAIT CLIENT.get(@, CONTACT))  # "repair" | one | str | None
right print(WAIT CLIENT.interactions(CONTACT, @))  # [KIND]
wrong print(WAIT CLIENT.interactions(CONTACT, @))  # KIND | [one] | ["repair"]
right print((WAIT BULK(CLIENT, [@])).sent)  # (CONTACT, one), (UUID(CONTACT), other)
right print((WAIT BULK(CLIENT, [@])).sent)  # Item(CONTACT, one, key=7), (CONTACT, other)
right print((WAIT BULK(CLIENT, [@])).sent)  # lambda: Item(CONTACT, one), ValueError(TEXT)
wrong print(WAIT BULK(CLIENT, [@]))  # Item(CONTACT) | Item(one, CONTACT) | lambda: one
wrong print(WAIT BULK(CLIENT, [Item(CONTACT, one, @)]))  # key=1.5 | created_date=TEXT
wrong print(WAIT BULK(@))  # WRONG, [(CONTACT, one)] | CLIENT, [(one, CONTACT)] | CLIENT, [one]
wrong print([it LOOP it in BULK(CLIENT, [@])])  # (CONTACT, one)
right print([it.error LOOP it in STREAM(CLIENT, [@])])  # (CONTACT, one), (CONTACT, other)
wrong print(STREAM(@))  # WRONG, [(CONTACT, one)] | CLIENT, [(one, CONTACT)] | CLIENT, [one]
wrong print(STREAM(CLIENT, [(CONTACT, one)])@)  # .sent
"""
"""Calls for both clients. Each alternative after the # replaces the @ in a line of its own."""
ROLES = "SEND CLIENT WRONG WAIT LOOP BULK STREAM".split()
MORE_CALLS = """
right _ = LATER(later, CONTACT, one)
right print([kind.__schema_id__ for kind in payload_classes().values()])
wrong @  # LATER(later, CONTACT, one) | later.send(CONTACT, one) | later.delete(CONTACT)
wrong await @  # NOW(sync, CONTACT, one) | later.list(KIND, CONTACT)
wrong print(@)  # LATER(later, CONTACT, one).id | NOW(sync, CONTACT, one).id + 1
wrong print([it @.list(KIND, CONTACT)])  # for it in later | async for it in sync
wrong @: pass  # with later | async with sync
wrong @  # one.no_such = 7 | print(one.no_such) | print(one < one) | KIND.from_payload([])
"""
_MISSED_BY_MYPY = {"deletion from a frozen instance", "a deprecated sender, imported by its name"}
MISSED = {
    "mypy": _MISSED_BY_MYPY,
    "zuban": {*_MISSED_BY_MYPY, "send_old_async(later, CONTACT, one)"},
}
"""Checker -> mistakes or lines that it does not report: a deletion never, a deprecated sender only
at its import, and the last one because it does not see that a deprecated coroutine is unused."""
VALID_AT_RUN_TIME = re.compile(
    "IntEnum for a closed list|a number that is equal to one of a closed list"
    "|Decimal for .*(int|float).*|UUID for .*str.*"
)
"""Mistakes for type checkers that are valid at run time. The attribute has the declared type."""


CONFIG = (
    '[tool.engage-codegen]\ndialect = "json-schema"\nschemas = ["all.json"]\noutput = "misused"\n'
)
HEAD = "async def use_{}(sync: EngageClient, later: AsyncEngageClient, one: {}, other: {}) -> None:"
CHECKERS = {
    "mypy": "--strict --enable-error-code deprecated",
    "basedpyright": f"--pythonpath {sys.executable}",
    "ty": f"check --python {sys.executable} --output-format concise --error deprecated "
    "--error unused-awaitable",
    "pyrefly": f"check --python-interpreter-path {sys.executable} --output-format min-text "
    "--config pyrefly.toml --error deprecated",
    "zuban": "mypy --strict --enable-error-code deprecated "
    f"--config-file none.ini --python-executable {sys.executable}",
}


@dataclass(frozen=True)
class Line:
    """A statement. `mistake` is visible to type checkers, `refused` only at run time."""

    text: str
    mistake: str = ""
    refused: bool = False


def attribute_types(wire: str, value: Item) -> list[str]:
    """Return the Python types of a property, or none for a closed list."""
    if "enum" in value:
        return ["float"] if wire == "share" else []  # Literal knows no floats
    form = str(value.get("format", ""))
    plain = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
    typed = {"date-time": "datetime", "uuid": "UUID"}
    return [typed.get(form, form) or plain[kind] for kind in listed(value) if kind != "null"]


def right(wire: str, value: Item) -> str:
    return repr(value["enum"][0]) if "enum" in value else VALUES[attribute_types(wire, value)[0]]


def arguments(wire: str, value: Item, is_required: bool) -> Iterator[tuple[str, str, bool]]:
    """Yield expressions for a property, each with its mistake, and whether a run refuses it."""
    kinds, members = (
        attribute_types(wire, value),
        [repr(member) for member in value.get("enum", [])],
    )
    is_null = "None" in members or "null" in value.get("type", ())
    yield "None", "None for a required property" if is_required and not is_null else "", False
    members += ["UNSET"] * (is_null and not is_required)
    yield from ((text, "", False) for text in members)
    if not kinds:
        yield from ((text, "a value outside", False) for text in ("'other'", "99", "'1'", "False"))
        if 2 in value["enum"]:
            yield "2.0", "a number that is equal to one of a closed list", False
    for name, text in VALUES.items():
        if text in [*members, *OUT_OF_LIMITS.get(wire, [])]:
            continue
        if any(name in FITS[kind] for kind in kinds):
            yield text, "", False
        elif any(name in INVISIBLE.get(kind, ()) for kind in kinds):
            yield text, "", True
        else:
            yield text, f"{name} for {' or '.join(kinds) or 'a closed list'}", False
    yield from ((text, "", True) for text in OUT_OF_LIMITS.get(wire, ()))


def constructions(schema_id: str) -> Iterator[Line]:
    """Yield statements that create payloads, with and without mistakes."""
    body, class_name = SCHEMAS[schema_id], NAMES[schema_id].class_name
    properties, required = body["properties"], body.get("required", [])
    names = name_properties(schema_id, properties, {})
    base = {names[wire]: right(wire, properties[wire]) for wire in required}

    def call(changes: dict[str, str], without: str = "", first: str = "") -> str:
        pairs = [f"{key}={text}" for key, text in (base | changes).items() if key != without]
        return f"{class_name}({first}{', '.join(pairs)})"

    yield Line(call({}))
    yield Line(call({"no_such": "7"}), "an unknown property")
    for wire, value in properties.items():
        name, valid = names[wire], right(wire, value)
        for text, mistake, refused in arguments(wire, value, wire in required):
            yield Line(call({name: text}), mistake, refused)
        if wire in required:
            yield Line(call({}, without=name), "a required property left out")
        if wire != name:
            yield Line(call({wire: valid}), "the wire name")
        yield Line(call({}, name, f"{valid}, "), "a positional argument")
        yield Line(f"one.{name} = {valid}", "assignment to a frozen instance")
        yield Line(f"del one.{name}", "deletion from a frozen instance")


def calls(schema_id: str) -> Iterator[Line]:
    names, is_old = NAMES[schema_id], SCHEMAS[schema_id].get("deprecated", False)
    here = {"KIND": names.class_name, "NOW": names.sender, "LATER": names.async_sender}
    now = f"{names.sender}/sync/later//for/send_many/stream_many"
    later = f"await {names.async_sender}/later/sync/await/async for/send_many_async"
    later += "/stream_many_async"
    rows = [(row, way) for way in (now, later) for row in CALLS.split("\n")[1:-1]]
    rows += [(row, now) for row in MORE_CALLS.split("\n")[1:-1]]
    for row, way in rows:
        words = here | dict(zip(ROLES, way.split("/"), strict=True))
        template, _, parts = row[len("right ") :].partition("  # ")
        for part in parts.split(" | "):
            text = template.replace("@", part)
            mistake = text if row.startswith("wrong") else ""
            text = "".join(
                words.get(word, word) for word in re.split(r"\b([A-Z]+)\b", text)
            ).strip()
            if is_old and not mistake and "send_old" in text:
                yield Line(text.replace("send_old", "outdated.send_old"), "a deprecated sender")
                mistake = "a deprecated sender, imported by its name"
            yield Line(text, mistake)


def consumer() -> tuple[str, dict[int, Line]]:
    """Return a module that uses the package, and what is wrong with each of its lines."""
    texts, lines = [str(line) for line in PREAMBLE.strip().splitlines()], dict[int, Line]()
    for schema_id, names in NAMES.items():
        for name in (names.class_name, names.sender, names.async_sender):
            is_old = SCHEMAS[schema_id].get("deprecated") and name != names.class_name
            texts.append(f"from misused.{names.module} import {name}")
            lines[len(texts)] = Line("pass", "import of a deprecated sender" if is_old else "")
    others = [names.class_name for names in NAMES.values()]
    for other, (schema_id, names) in zip([others[-1], *others], NAMES.items(), strict=False):
        texts.append(HEAD.format(names.module, names.class_name, other))
        for line in (*constructions(schema_id), *calls(schema_id)):
            texts.append(f"    {line.text}")
            lines[len(texts)] = line
    return "\n".join(texts) + "\n", lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the generated package `misused`, on the path of imports."""
    folder = tmp_path_factory.mktemp("misuse")
    envelopes = [
        {"id": key, "displayName": key, "jsonSchema": schema} for key, schema in SCHEMAS.items()
    ]
    (folder / "all.json").write_text(json.dumps(envelopes))
    (folder / "pyproject.toml").write_text(CONFIG)
    assert cli.run(["generate", "--config", str(folder / "pyproject.toml")]) == 0
    (folder / "consumer.py").write_text(consumer()[0], encoding="utf-8")
    strict = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "reportDeprecated": "error"}
    (folder / "pyrightconfig.json").write_text(json.dumps(strict))
    (folder / "pyrefly.toml").write_text('preset = "strict"\n')
    (folder / "none.ini").write_text("[mypy]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        yield folder
    for name in [module for module in sys.modules if re.match(r"misused\b|consumer$", module)]:
        del sys.modules[name]


@pytest.mark.parametrize("checker", CHECKERS)
def test_type_checkers_report_every_mistake_on_its_line_and_nothing_else(
    checker: str, folder: Path
) -> None:
    program = [str(SCRIPTS / checker), *CHECKERS[checker].split()]
    program.append("consumer.py")
    result = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    reported_lines = {
        int(number)
        for line in result.stdout.splitlines()
        if re.search(r"\berror(: |\[)|^ERROR ", line)
        for number in re.findall(r"consumer\.py:(\d+):", line)
    }
    lines, missed = consumer()[1], MISSED.get(checker, set[str]())
    expected_lines = {
        number
        for number, line in lines.items()
        if line.mistake and not {line.mistake, line.text} & missed
    }
    assert len(expected_lines) > 3000
    assert not reported_lines ^ expected_lines, [
        (number, lines.get(number)) for number in sorted(reported_lines ^ expected_lines)[:20]
    ]


def test_a_mistake_that_type_checkers_cannot_see_is_refused_at_run_time(folder: Path) -> None:
    used, outcomes = vars(importlib.import_module("consumer")), Counter[str]()
    refusals = (used["outdated"].InvalidPayloadError, TypeError, AttributeError)
    for lines in map(list, map(constructions, SCHEMAS)):
        one = eval(lines[0].text, used)
        for line in lines:
            expected = "visible" if line.mistake else "invisible" if line.refused else "right"
            try:
                exec(line.text, used, {"one": one})
            except refusals as error:
                outcome = "invisible" if type(error) is refusals[0] and line.refused else "visible"
            else:
                outcome = "visible" if VALID_AT_RUN_TIME.fullmatch(line.mistake) else "right"
            assert outcome == expected, line
            outcomes[outcome] += 1
    assert min(outcomes[key] for key in ("visible", "invisible", "right")) > 90, outcomes


def test_python_warns_about_a_send_that_is_not_awaited(folder: Path) -> None:
    pending = [importlib.import_module("consumer").send_repair_async(None, "", None)]
    with pytest.warns(RuntimeWarning, match="send_repair_async' was never awaited"):
        pending.clear()
