"""A payload that crosses a change of its schema in a pickle is sent as it was meant, or refused.

`make test-full` draws 200 versions of a schema, `make test` every fifth of them.
"""

import importlib
import io
import json
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engage_codegen.cli import app as cli
from engage_codegen.model.dialect import find_problems
from engage_codegen.schema.envelope import Dialect
from engage_codegen.schema.jsontext import Json
from tests.support.packages import Package
from tests.support.schemas import (
    CHOICES,
    NUMBERS,
    TEXTS,
    JsonDict,
    mutate,
    random_body,
    schema,
    validator,
)
from tests.support.tenants import envelope
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

VERSIONS = 200 if IS_FULL else 40
VALUES: list[Json] = [
    *(*TEXTS, *NUMBERS, *CHOICES),
    *("2026-03-01T12:30:15.250000+01:00", "2026-03-01", "12:30:15+00:00", "anna@example.com"),
    *("3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01", "P1DT2H", "192.0.2.1", "/coat", "https://a.se/"),
]


def draw_versions(random: Random) -> list[JsonDict]:
    """Draw versions that follow from each other, half of them with the keywords of Engage alone."""
    versions: list[JsonDict] = []
    dialects: list[Dialect] = ["engage", "json-schema"]
    for dialect in dialects:
        branch: list[JsonDict] = []
        while len(branch) < VERSIONS // 2:
            is_new = not branch or random.random() < 0.1
            origin = random_body(random, dialect) if is_new else random.choice(branch)
            body = mutate(random, origin, dialect)
            if not [*find_problems(schema(body), "json-schema")]:
                branch.append(body)
        versions += branch
    return versions


def draw_payloads(random: Random, body: JsonDict) -> Iterator[JsonDict]:
    """Yield valid payloads of a version, with as many different values as possible."""
    is_valid = validator(body)
    candidates: dict[str, list[Json]] = {}
    for name, value in body["properties"].items():
        accepts = validator({"type": "object", "properties": {name: value}})
        candidates[name] = [item for item in VALUES if accepts({name: item})]
    for _ in range(20):
        payload = {
            name: random.choice(values)
            for name, values in candidates.items()
            if values and (name in body["required"] or random.random() < 0.7)
        }
        if is_valid(payload):
            yield payload


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[JsonDict, Any]]]:
    """The versions, each with its payload class, as the schemas of one package."""
    folder = tmp_path_factory.mktemp("versions")
    versions = draw_versions(Random(17))
    envelopes = [
        {"id": f"v{number}", "displayName": "V", "jsonSchema": body}
        for number, body in enumerate(versions)
    ]
    (folder / "all.json").write_text(json.dumps(envelopes))
    (folder / "pyproject.toml").write_text(
        '[tool.engage-codegen]\ndialect = "json-schema"\nschemas = ["all.json"]\n'
        'without = ["bulk", "outbox", "testing"]\noutput = "versioned"\n'
    )
    assert cli.run(["generate", "--config", str(folder / "pyproject.toml")]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        schemas = importlib.import_module("versioned._runtime.registry").generated_schemas()
        yield [
            (body, schemas[f"v{number}"].load_payload_class())
            for number, body in enumerate(versions)
        ]
    for name in [name for name in sys.modules if name.partition(".")[0] == "versioned"]:
        del sys.modules[name]


def load_as(data: bytes, schema_id: str) -> Any:
    """Load a pickle in a package in which the schema of the payload has another version."""

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str, /) -> Any:
            restore: Callable[..., Any] = super().find_class(module, name)

            def restore_as(_: str, wire: JsonDict) -> Any:
                return restore(schema_id, wire)

            return restore_as

    return Unpickler(io.BytesIO(data)).load()


def is_same(left: JsonDict, right: JsonDict) -> bool:
    """Compare as JSON, in which 1e300 is another spelling of 10**300."""
    values = [
        json.loads(json.dumps(value), parse_float=Decimal, parse_int=Decimal)
        for value in (left, right)
    ]
    return bool(values[0] == values[1]) and all(
        isinstance(left[name], bool) == isinstance(right[name], bool) for name in left
    )


def test_under_every_pair_of_versions_a_pickle_is_sent_as_it_was_meant_or_refused(
    package: list[tuple[JsonDict, Any]],
) -> None:
    errors = importlib.import_module("versioned._runtime.errors")
    encode = importlib.import_module("versioned._runtime.call.interaction").encode_interaction
    random, counts, now = Random(18), Counter[str](), datetime.now(UTC)
    oracles = [validator(body) for body, _ in package]
    for body, payload_class in package:
        drawn = [payload_class.from_payload(item) for item in draw_payloads(random, body)]
        for payload in {json.dumps(item.to_payload()): item for item in drawn[:3]}.values():
            meant, data = payload.to_payload(), pickle.dumps(payload)
            for number, is_valid in enumerate(oracles):
                try:
                    sent = encode("contact", load_as(data, f"v{number}"), now)
                except errors.InvalidPayloadError:
                    assert not is_valid(meant), (meant, package[number][0])
                    counts["refused"] += 1
                else:
                    assert is_valid(meant), (meant, package[number][0])
                    assert is_same(sent.payload, meant)
                    assert is_same(json.loads(sent.body)["payload"], meant)
                    counts["sent"] += 1
    print(dict(counts))
    assert min(counts["sent"], counts["refused"]) > VERSIONS * VERSIONS / 10, counts


DUMP = """
import pickle
from package.repair import Repair
pickle.dump(Repair(brand='Acme', comment='torn'), open('pickle', 'wb'))
"""
LOAD = """
import pickle
try:
    print(pickle.load(open('pickle', 'rb')).to_payload())
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_pickle_survives_a_compatible_change_and_names_the_property_of_another(
    tmp_path: Path,
) -> None:
    package = Package(tmp_path)
    package.schemas.mkdir()

    def generate(*properties: str, required: tuple[str, ...] = ()) -> None:
        value = envelope(
            "repair", {name: {"type": "string"} for name in properties}, required=[*required]
        )
        (package.schemas / "repair.json").write_text(json.dumps(value))
        package.generate()

    def run(program: str) -> str:
        command = [sys.executable, "-B", "-c", program]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.stdout.strip() + done.stderr

    generate("brand", "comment", required=("comment",))
    assert run(DUMP) == ""
    generate("brand", "comment")
    assert run(LOAD) == "{'brand': 'Acme', 'comment': 'torn'}"
    generate("brand", "comment", "added", required=("brand",))
    assert run(LOAD) == "{'brand': 'Acme', 'comment': 'torn'}"
    generate("maker", "comment", required=("comment",))
    error = "InvalidPayloadError repair: brand: is not declared in the schema"
    assert run(LOAD) == error
    generate("brand", "comment", "price", required=("price",))
    assert run(LOAD) == "InvalidPayloadError repair: price: is required"
