"""Generated modules have the layout of black, although most lines never go through black."""

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
from engage_codegen.sources.interface import ignore_progress
from tests.support.paths import SEEDS, TESTS
from tests.support.tenants import envelope

CASES = sorted((TESTS / "cases").glob("*/schemas"))


def format_with_black(text: str) -> str:
    """Return a module as black formats it as a whole."""
    return black.format_str(text, mode=Mode(target_versions={TargetVersion.PY311}, line_length=88))


def assert_formatted(package: Package) -> None:
    texts = render_package(package, ())
    for record in package.records:
        text = texts[f"{record.names.module}.py"]
        assert format_with_black(text) == text
        ast.parse(text)


@pytest.mark.parametrize("folder", [*CASES, SEEDS], ids=lambda folder: folder.parent.name)
def test_the_modules_of_every_case_have_the_layout_of_black(folder: Path) -> None:
    try:
        schemas = FileSource((folder,)).fetch((), ignore_progress)
        package = build(schemas, {}, "json-schema")
    except CodegenError:
        return
    assert_formatted(package)


NAMES = st.text("ab_\"'\\é漢\u0301,)(]} #\n{%", min_size=1, max_size=60)


@settings(deadline=None)
@given(st.dictionaries(NAMES, NAMES, min_size=1, max_size=6))
def test_modules_with_any_text_have_the_layout_of_black(properties: dict[str, str]) -> None:
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
    assert_formatted(build(schemas, renames, "json-schema"))


@pytest.mark.parametrize("source", ["x = (", "x = 1 +\n", '"""', "if x:\ny = 1"])
def test_a_template_that_renders_invalid_python_is_reported_as_a_bug(source: str) -> None:
    with pytest.raises(RenderError) as caught:
        format_module(source, "module.py.jinja")
    assert caught.value.where == "module.py.jinja"
    assert caught.value.exit_code == 2
    assert "bug in engage-codegen" in caught.value.fix
