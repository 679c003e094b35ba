"""The layout of a generated module is black's own: statement by statement is as good as a whole."""

import ast
import json
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
from engage_codegen.render.package import render_package
from engage_codegen.schema.envelope import parse_envelope
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import silently
from tests.support.paths import SEEDS, TESTS
from tests.support.tenants import envelope

CASES = sorted((TESTS / "cases").glob("*/schemas"))


def blackened(text: str) -> str:
    """A module as black lays it out when it is given the whole of it."""
    return black.format_str(text, mode=Mode(target_versions={TargetVersion.PY311}, line_length=88))


def assert_black(package: Package) -> None:
    texts = render_package(package, ())
    for record in package.records:
        text = texts[f"{record.names.module}.py"]
        assert blackened(text) == text
        ast.parse(text)


@pytest.mark.parametrize("folder", [*CASES, SEEDS], ids=lambda it: it.parent.name)
def test_modules_are_laid_out_as_black_would(folder: Path) -> None:
    try:
        schemas = FileSource((folder,)).fetch((), silently)
        package = build(schemas, {}, "json-schema")
    except CodegenError:
        return
    assert_black(package)


NAMES = st.text("ab_\"'\\é漢\u0301,)(]} #\n{%", min_size=1, max_size=60)


@settings(deadline=None)
@given(st.dictionaries(NAMES, NAMES, min_size=1, max_size=6))
def test_modules_are_laid_out_as_black_would_for_any_text(properties: dict[str, str]) -> None:
    body: dict[str, object] = {
        name: {"type": "string", "displayName": text, "enum": [text, name]}
        for name, text in properties.items()
    }
    for number, bound in enumerate([1e300, -1e-7, 10**20, 0.5]):
        body[f"n{number}"] = {"type": "number", "maximum": bound}
    title = next(iter(properties.values()))
    schema = envelope("one", body, description=title) | {"displayName": title}
    schemas = {"one": parse_envelope(json.dumps(schema), "here")}
    renames = {f"one#/{name}": f"p{number}" for number, name in enumerate(properties)}
    assert_black(build(schemas, renames, "json-schema"))


@pytest.mark.parametrize("source", ["x = (", "x = 1 +\n", '"""', "if x:\ny = 1"])
def test_text_that_is_not_python_is_a_bug_of_ours(source: str) -> None:
    with pytest.raises(RenderError):
        format_module(source, "t")
