"""Formatting one statement at a time gives black's own layout of the whole module."""

import json
import random
from pathlib import Path

import black
import pytest
from black.mode import Mode, TargetVersion
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen.errors import CodegenError, RenderError
from engage_codegen.model.build import build
from engage_codegen.model.ir import Package
from engage_codegen.render.format import format_module
from engage_codegen.render.package import MARKERS, render_package
from engage_codegen.schema.envelope import Schema, parse_envelope
from engage_codegen.schema.names import rename_key
from engage_codegen.sources.documents import read_document
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import ignore_progress
from tests.support.paths import CORPORA, SEEDS, TESTS
from tests.support.tenants import envelope
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

CASES = sorted((TESTS / "cases").glob("*/schemas"))
MARKED = "".join(f"{marker}\n" for marker in MARKERS)


def format_whole(text: str) -> str:
    """Return a module as black lays it out when it gets the whole module."""
    return black.format_str(text, mode=Mode(target_versions={TargetVersion.PY311}, line_length=88))


def assert_layout_of_black(package: Package) -> None:
    texts = render_package(package, (), "httpx")
    for record in package.records:
        header, markers, code = texts[f"{record.names.module}.py"].partition(MARKED)
        assert markers
        assert format_whole(header + code) == header + code


@pytest.mark.parametrize("folder", [*CASES, SEEDS], ids=lambda folder: folder.parent.name)
def test_modules_of_the_cases_and_seeds_have_the_layout_of_black(folder: Path) -> None:
    try:
        schemas = FileSource((folder,)).fetch((), ignore_progress)
        package = build(schemas, {}, "json-schema")
    except CodegenError:
        return
    assert_layout_of_black(package)


TEXT = st.text("ab_\"'\\é漢\u0301,)(]} #\n{%", min_size=1, max_size=60)


@settings(deadline=None, max_examples=100 if IS_FULL else 40, derandomize=not IS_FULL)
@given(st.dictionaries(TEXT, TEXT, min_size=1, max_size=6), st.integers(0, 120))
def test_modules_have_the_layout_of_black_for_any_text(
    properties: dict[str, str], length: int
) -> None:
    body: dict[str, object] = {
        name: {"type": "string", "displayName": text, "enum": [text, name], "deprecated": True}
        for name, text in properties.items()
    }
    for number, bound in enumerate([1e300, -1e-7, 10**20, 0.5]):
        body[f"n{number}"] = {"type": "number", "maximum": bound}
    title = next(iter(properties.values()))
    schema_id = f"one{'x' * length}"
    schema = envelope(schema_id, body, description=title, deprecated=True) | {"displayName": title}
    schemas = {schema_id: parse_envelope(json.dumps(schema), "here")}
    renames = {
        f"{schema_id}#/{name}": f"p{number}{'y' * length}" for number, name in enumerate(properties)
    }
    renames[schema_id] = f"One{'Z' * length}"
    assert_layout_of_black(build(schemas, renames, "json-schema"))


PARTS = 8


def read_corpus(part: int) -> list[Schema]:
    """Return a part of the schemas of other systems; a few of the part unless the run is full."""
    paths = sorted(CORPORA.glob("e*/schemas/*.json"))
    schemas = [schema for path in paths for _, schema in read_document(path).schemas]
    for line in (CORPORA / "events/projected.jsonl").read_text("utf-8").splitlines():
        schemas.append(parse_envelope(line, "projected.jsonl"))
    schemas = schemas[part::PARTS]
    return schemas if IS_FULL else random.Random(part).sample(schemas, 6)


@pytest.mark.parametrize("part", range(PARTS))
def test_modules_of_schemas_of_other_systems_have_the_layout_of_black(
    part: int, corpora: Path
) -> None:
    rendered = 0
    for schema in read_corpus(part):
        properties = schema.json_schema.get("properties")
        renames = {
            rename_key(schema.id, name): f"p{number}"
            for number, name in enumerate(properties if isinstance(properties, dict) else ())
        }
        for names in ({}, renames):
            # Some ids and properties have no names in Python until they are renamed.
            try:
                package = build({schema.id: schema}, names, "json-schema")
            except CodegenError:
                continue
            assert_layout_of_black(package)
            rendered += 1
    assert rendered > 3


@pytest.mark.parametrize("source", ["x = (", "x = 1 +\n", '"""', "if x:\ny = 1", "x = 1\0"])
def test_text_that_is_not_python_is_reported_as_a_bug_of_the_template(source: str) -> None:
    with pytest.raises(RenderError, match="report it") as caught:
        format_module(source, "t")
    assert caught.value.where == "t"
