"""What is not made again is what would be made: modules by the lock, types by the cache, layout by
the lines that black need not see."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Tool, contents
from engage_codegen import cache
from engage_codegen.errors import CodegenError, RenderError
from engage_codegen.model.build import build
from engage_codegen.model.types import Shape, annotations
from engage_codegen.render import package as rendering
from engage_codegen.render import style
from engage_codegen.render.env import environment
from engage_codegen.schema import digest, parse_envelope
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import silently
from tenants import envelope

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "codegen/engage_codegen/sandbox/seed/schemas"
CASES = sorted((ROOT / "tests/cases").glob("*/schemas"))


@pytest.fixture
def package(project: Path, tool: Tool) -> Path:
    shutil.copytree(SEEDS, project / "schemas")
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "package"\nuser-agent = "a/1"\n'
    )
    assert tool("generate").code == 0
    return project / "package"


def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that are rendered from now on."""
    found: list[str] = []
    formatted = style.formatted

    def noted(source: str, template: str) -> str:
        found.append(template)
        return formatted(source, template)

    monkeypatch.setattr(style, "formatted", noted)
    monkeypatch.delitem(sys.modules, "engage_codegen.render.package")
    return found


BAD_ORDER = '"sortOrder": "x"'
CHANGES: dict[str, Callable[[Path], object]] = {
    "a schema": lambda p: edit(p / "schemas/repair.json", '"Repair"', '"Mended"'),
    "a new schema": lambda p: (p / "schemas/a.json").write_text(json.dumps(envelope("a"))),
    "no schema": lambda p: (p / "schemas/repair.json").unlink(),
    "a module": lambda p: (p / "package/repair.py").unlink(),
    "INDEX": lambda p: (p / "package/INDEX.md").unlink(),
    "the runtime": lambda p: (p / "package/_runtime/pace.py").unlink(),
    "the lock": lambda p: (p / "package/_snapshot/codegen.lock.json").unlink(),
    "an error of lint": lambda p: edit(
        p / "schemas/repair.json", '"sortOrder": "1"', '"sortOrder": "x"'
    ),
    "the order": lambda p: reorder(p / "schemas/repair.json"),
}


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def reorder(path: Path) -> None:
    value = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(dict(reversed(value.items()))), "utf-8")


@pytest.mark.parametrize("what", CHANGES)
def test_after_any_change_the_package_is_that_of_a_full_run(
    what: str, package: Path, tool: Tool, project: Path
) -> None:
    CHANGES[what](project)
    if what == "the lock":
        shutil.rmtree(package)
    assert tool("generate").code == 0
    assert "stale" not in tool("check", "--no-cache").err
    edit(project / "schemas/favourite.json", '"Favourite"', '"Loved"')
    assert tool("generate").code == 0
    assert "stale" not in tool("check", "--no-cache").err
    made = contents(package)
    shutil.rmtree(package)
    assert tool("generate", "--no-cache").code == 0
    assert contents(package) == made


def test_one_changed_schema_renders_one_module(
    package: Path, tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rendered(monkeypatch)
    CHANGES["a schema"](project)
    assert tool("generate").code == 0
    assert found == ["module.py.jinja"]
    found.clear()
    CHANGES["no schema"](project)
    assert tool("generate").code == 0
    assert found == []
    edit(project / "pyproject.toml", "output", 'without = ["bulk"]\noutput')
    assert tool("generate").code == 0
    assert len(found) == 8, "another configuration makes everything again"


def test_a_run_with_nothing_to_do_writes_nothing(
    package: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {path: path.stat().st_mtime_ns for path in package.rglob("*")}
    assert tool("generate").code == tool("check").code == 0
    assert {path: path.stat().st_mtime_ns for path in package.rglob("*")} == times


def test_a_module_that_lies_with_its_lock_is_found_without_the_cache(
    package: Path, tool: Tool
) -> None:
    lock = package / "_snapshot/codegen.lock.json"
    module = package / "repair.py"
    before = digest(module.read_text())
    module.write_text(module.read_text().replace("repairType", "repairKind"))
    lock.write_text(lock.read_text().replace(before, digest(module.read_text())))
    assert tool("check").code == 0
    assert tool("check", "--no-cache").code == 1


@pytest.mark.parametrize("folder", [*CASES, SEEDS], ids=lambda it: it.parent.name)
def test_the_quick_layout_is_that_of_black(folder: Path) -> None:
    env = environment()
    try:
        schemas = FileSource((folder,)).fetch((), silently)
        package = build(schemas, {}, "json-schema")
    except CodegenError:
        return
    quick = rendering.render(package, ("bulk", "outbox", "testing"), env)
    assert quick == rendering.render(package, ("bulk", "outbox", "testing"), env, style=style.whole)


NAMES = st.text("ab_\"'\\é漢\u0301,)(]} #\n{%", min_size=1, max_size=60)


@settings(deadline=None)
@given(st.dictionaries(NAMES, NAMES, min_size=1, max_size=6))
def test_the_quick_layout_is_that_of_black_for_any_text(properties: dict[str, str]) -> None:
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
    package = build(schemas, renames, "json-schema")
    env = environment()
    assert rendering.render(package, (), env) == rendering.render(
        package, (), env, style=style.whole
    )


@pytest.mark.parametrize("source", ["x = (", "x = 1 +\n", '"""', "if x:\ny = 1"])
def test_what_is_no_python_is_our_bug_either_way(source: str) -> None:
    for make in (style.formatted, style.whole):
        with pytest.raises(RenderError):
            make(source, "t")


SHAPES = [Shape("string"), Shape("string", "date-time"), Shape("boolean"), Shape("integer")]


def test_the_types_are_the_same_out_of_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = annotations(SHAPES, {})
    with cache.types() as known:
        assert known == {}
        annotations(SHAPES, known)
    with cache.types() as known:
        monkeypatch.setitem(sys.modules, "datamodel_code_generator", None)
        assert annotations(SHAPES, known) == asked
        with pytest.raises(ImportError):
            annotations([Shape("number")], known)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '[["string", "", "str; import os", []]]',
        '[["string", "", "str", [["os", ["system("]]]]]',
        '[["string", "", "str", [["os"]]]]',
        '[["string", 1, "str", []]]',
    ],
)
def test_a_damaged_or_hostile_cache_is_as_good_as_none(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with cache.types() as known:
        annotations(SHAPES, known)
    (file,) = tmp_path.rglob("types-*.json")
    file.write_text(text)
    with cache.types() as known:
        assert known == {}


def test_a_cache_that_cannot_be_written_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with cache.types() as known:
        assert annotations(SHAPES, known)
