"""`verify` finds every fault that is put into the code of a generated module by hand."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from engage_codegen import pipeline, verify
from engage_codegen.config import PARTS, Config
from engage_codegen.schema.jsontext import JsonObject
from engage_codegen.verify.results import CheckerResult, SchemaResult
from tests.support.tiers import draw

pytestmark = pytest.mark.slow

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "itemName": {"type": "string"},
        "grade": {"enum": ["A", "B", 3]},
        "kind": {"const": "visit"},
        "age": {"type": "integer"},
        "size": {"type": "number", "minimum": 0},
        "brandName": {"type": ["string", "null"]},
        "modelName": {"type": "string"},
        "isNew": {"type": "boolean"},
        "when": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "code": {"type": "string", "maxLength": 3},
        "item": {"type": "string", "format": "uuid"},
    },
    "required": ["itemName", "kind", "age"],
}
STRING = "if type(self.item_name) is not str or not self.item_name.isascii():"
FAULTS = {
    "a string is not checked": [(STRING, "if False:")],
    "an integer is not checked": [("if type(self.age) is not int", "if False and self.age")],
    "an optional string is not checked": [
        ("if self.model_name is not None and", "if self.model_name is UNSET and")
    ],
    "a boolean is not checked": [("type(self.is_new) is not bool", "False")],
    "an enum is not checked": [("if self.grade is not None:", "if self.grade is UNSET:")],
    "a constant is not checked": [
        ('value = _KIND.check(violations, "kind", self.kind)', "value = self.kind")
    ],
    "a limit is not checked": [("if self.size is not None:", "if self.size is UNSET:")],
    "a length is not checked": [("if self.code is not None:", "if self.code is UNSET:")],
    "a date-time is not checked": [("type(self.when) is not datetime or ", "False and ")],
    "a date is not checked": [
        ("if self.day is not None:\n            value", "if 0:\n            value")
    ],
    "a UUID is not checked": [
        ("if self.item is not None:\n            value", "if 0:\n            value")
    ],
    "a check has another name": [
        ('check_string(violations, "itemName",', 'check_string(violations, "item_name",')
    ],
    "a rule has the name of another property": [
        ('_CODE.check(violations, "code",', '_CODE.check(violations, "size",')
    ],
    "a checked value is stored elsewhere": [
        ('object.__setattr__(self, "grade", value)', 'object.__setattr__(self, "code", value)')
    ],
    "an optional property has a default": [
        ("model_name: str | None = None", 'model_name: str | None = "x"')
    ],
    "a property that can be null is null by default": [(" | Unset = UNSET", " | Unset = None")],
    "a required property has a default": [("    age: int\n", "    age: int = 1\n")],
    "an optional property is required": [("is_new: bool | None = None", "is_new: bool | None")],
    "an annotation is too wide": [("    age: int\n", "    age: int | str\n")],
    "an annotation is too narrow": [
        ("    model_name: str | None = None", "    model_name: str = None")
    ],
    "an annotation lists another value": [('Literal["A", "B", 3]', 'Literal["A", "B"]')],
    "an annotation is a string instead of a date": [
        ("    day: Date | None", "    day: str | None")
    ],
    "instances can be changed": [("frozen=True, ", "")],
    "arguments have positions": [(", kw_only=True", "")],
    "the schema id is another one": [
        ('__schema_id__: ClassVar[str] = "visit"', '__schema_id__: ClassVar[str] = "visits"')
    ],
    "no property can be null": [
        (
            '__nullable__: ClassVar[frozenset[str]] = frozenset({"brandName"})',
            "__nullable__: ClassVar[frozenset[str]] = frozenset()",
        )
    ],
    "a property is undeclared": [('            "isNew",\n', "")],
    "the sender sends to another contact": [
        (
            "return client.send(\n        contact_id,",
            "return client.send(\n        str(contact_id)[::-1],",
        )
    ],
    "the asynchronous sender sends to another contact": [
        (
            "return await client.send(\n        contact_id,",
            'return await client.send(\n        "7d1c4a5e-5b0f-4c9e-8f3a-2b6d9e0c1a78",',
        )
    ],
    "the senders drop the date": [("        created_date=created_date,\n", "")],
    "the senders never confirm": [("confirm=confirm", "confirm=False")],
    "the senders drop the headers": [("        headers=headers,\n", "")],
    "the senders mix up the limits": [("timeout=timeout", "timeout=deadline")],
    "the sender returns nothing": [("return client.send(", "client.send(")],
    "the sender sends twice": [
        ("return client.send(", "client.send(contact_id, payload)\n    return client.send(")
    ],
    "two names are swapped": [
        ('payload["modelName"] = self.model_name', 'payload["code"] = self.model_name'),
        ('payload["code"] = self.code', 'payload["modelName"] = self.code'),
        (
            'model_name=reader.optional("modelName", read_string)',
            'model_name=reader.optional("code", _CODE.read)',
        ),
        (
            'code=reader.optional("code", _CODE.read)',
            'code=reader.optional("modelName", read_string)',
        ),
    ],
    "a value is changed before it is sent": [
        ('payload["age"] = self.age', 'payload["age"] = self.age + 1')
    ],
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("original")
    file = folder / "visit.json"
    file.write_text(json.dumps({"id": "visit", "displayName": "Visit", "jsonSchema": SCHEMA}))
    config = Config(
        output=folder / "package", schemas=(file,), dialect="json-schema", without=PARTS
    )
    pipeline.generate(config)
    return config


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "check_types", _check_nothing)


def _check_nothing(_output: Path, _paths: Iterable[str]) -> tuple[CheckerResult, ...]:
    return ()


def _verify(config: Config) -> SchemaResult:
    (result,) = verify.verify_package(config).schemas
    return result


def test_the_module_is_sound_before(original: Config) -> None:
    result = _verify(original)
    assert result.is_sound, (result.disagreements, result.losses, result.faults)
    assert result.constructed > 500


@pytest.mark.parametrize("fault", draw(FAULTS, 12))
def test_a_fault_in_a_module_is_found(fault: str, original: Config, tmp_path: Path) -> None:
    config = replace(original, output=tmp_path / "package")
    shutil.copytree(original.output, config.output)
    module = config.output / "visit.py"
    text = module.read_text("utf-8")
    swaps = {before: f"\0{number}\0" for number, (before, _) in enumerate(FAULTS[fault])}
    for before, mark in swaps.items():
        assert before in text, before
        text = text.replace(before, mark)
    for before, after in FAULTS[fault]:
        text = text.replace(swaps[before], after)
    module.write_text(text, "utf-8")
    result = _verify(config)
    assert not result.is_sound
    assert result.disagreements or result.losses or result.faults
