"""The house is the one that `docs/design.md` draws: imports, sizes, templates, purity."""

import ast
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGE = ROOT / "codegen" / "engage_codegen"
RUNTIME = ROOT / "templates" / "runtime"
TEMPLATES = sorted((ROOT / "templates" / "package").iterdir())

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "filesystem": {"errors"},
    "schema": {"errors"},
    "findings": {"schema"},
    "config": {"errors", "findings", "schema"},
    "sources": {"errors", "findings", "schema"},
    "model": {"errors", "schema"},
    "compat": {"model", "schema"},
    "render": {"errors", "model", "schema"},
    "lint": {"errors", "filesystem", "findings", "model", "schema", "sources"},
    "output": {"config", "errors", "filesystem", "model", "render", "schema", "sources"},
    "pipeline": {
        *("config", "errors", "filesystem", "lint", "model", "output", "render", "schema"),
        "sources",
    },
    "push": {"errors", "lint", "schema", "sources"},
    "watch": set(),
    "inspection": {
        *("compat", "config", "errors", "findings", "lint", "model", "output", "pipeline"),
        *("schema", "sources"),
    },
    "verify": {"config", "errors", "model", "output", "pipeline", "schema"},
    "integrations": {"config", "errors", "output", "pipeline"},
    "quick": {"config", "errors", "output"},
    "sandbox": {"errors"},
    "cli": {
        *("compat", "config", "errors", "filesystem", "findings", "inspection", "integrations"),
        *("lint", "output", "pipeline", "push", "sandbox", "schema", "sources", "verify", "watch"),
    },
    "__main__": {"cli", "quick"},
}
"""Room -> the rooms that it imports, no more and no fewer. The package itself (`__version__`) is
seen by all."""

PURE = [
    "schema/names",
    "schema/text",
    "schema/jsontext",
    "schema/envelope",
    "model/ir",
    "model/build",
    "model/dialect",
    "model/constraints",
    "model/property_problems",
    "model/jsonvalues",
    "model/codecs",
    "model/regex",
    "render/filters",
    "sandbox/api/rules",
    "sandbox/api/schema_rules",
    "verify/cases",
    "verify/values",
    "lint/attributes",
    "lint/rules",
    "lint/verdicts",
    "lint/fixes",
    "compat/__init__",
    "compat/changes",
    "compat/formats",
    "compat/comparison",
    "compat/patterns",
    "compat/payloads",
    "compat/ranges",
    "compat/reasons",
    "compat/subset",
    "compat/values",
    "findings/report",
    "findings/waivers",
    "inspection/preflight",
    "output/lockfile",
    "integrations/edits",
]
IMPURE = {"os", "pathlib", "time", "random", "socket", "subprocess", "httpx", "tempfile", "sqlite3"}

LONG_MODULES: dict[str, str] = {}
"""Module -> why it is longer than 300 lines."""


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _imports(path: Path) -> Iterator[str]:
    """The absolute names of the modules that a module imports, wherever in it."""
    package = path.relative_to(PACKAGE.parent).with_suffix("").parts[:-1]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def _imported_rooms() -> dict[str, set[str]]:
    rooms: dict[str, set[str]] = {}
    for path in _modules(PACKAGE):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        ours = {_room(name) for name in _imports(path) if name.split(".")[0] == "engage_codegen"}
        rooms.setdefault(room, set()).update(
            it for it in ours if (PACKAGE / it).is_dir() or (PACKAGE / f"{it}.py").exists()
        )
    return {room: seen - {room, ""} for room, seen in rooms.items() if room != "__init__"}


def test_rooms_import_what_the_table_says_and_nothing_else() -> None:
    assert _imported_rooms() == MAY_IMPORT


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_touch_nothing(name: str) -> None:
    used = {imported.split(".")[0] for imported in _imports(PACKAGE / f"{name}.py")}
    assert not used & IMPURE


def test_only_one_module_knows_the_model_generator() -> None:
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in _modules(PACKAGE)
        if any(name.startswith("datamodel_code_generator") for name in _imports(path))
    ]
    assert users == ["model/types.py"]


def test_tool_and_output_know_nothing_of_each_other() -> None:
    for path in _modules(PACKAGE):
        assert not any(name.startswith("engage_interactions") for name in _imports(path))
    for path in [*_modules(ROOT / "generated"), *_modules(RUNTIME)]:
        assert "engage_codegen" not in path.read_text("utf-8")


MAY_ALSO_IMPORT = {
    "deprecation.py": "typing_extensions",  # seen by type checkers alone, which bring it
    "formats.py": "idna",  # httpx depends on it; without it, names in other scripts are refused
}


def test_the_generated_package_needs_httpx_alone() -> None:
    for path in _modules(ROOT / "generated"):
        allowed = sys.stdlib_module_names | {"httpx", MAY_ALSO_IMPORT.get(path.name, "httpx")}
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert str(node.module).split(".")[0] in allowed
            elif isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed


def test_sizes(record_property: Callable[[str, object], None]) -> None:
    modules = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in [*_modules(PACKAGE), *_modules(RUNTIME)]
    }
    functions = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (node.end_lineno or 0)
        - node.lineno
        + 1
        for path in [*_modules(PACKAGE), *_modules(RUNTIME)]
        for node in ast.walk(_tree(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    sizes = sorted(functions.values())
    report = {
        "modules": len(modules),
        "lines": sum(modules.values()),
        "longest module": max(modules.values()),
        "functions": len(sizes),
        "median function": statistics.median(sizes),
        "90th percentile": sizes[len(sizes) * 9 // 10],
        "longest function": sizes[-1],
    }
    for name, value in report.items():
        print(f"{name}: {value}")
        record_property(name, value)
    assert {name for name, size in modules.items() if size > 300} == set(LONG_MODULES)
    assert [name for name, size in functions.items() if size > 60] == []
    assert statistics.median(sizes) <= 12
    assert sizes[len(sizes) * 9 // 10] <= 35


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_look_like_their_output(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 40
    assert not re.search(r"\{[%{]-|-[%}]\}", text), "whitespace controls"
    assert not re.search(r"\{%\s*(set|macro|import|extends)\b", text), "logic belongs in model/"
    depth = 0
    for tag in re.findall(r"\{%\s*(if|endif)\b", text):
        depth += 1 if tag == "if" else -1
        assert depth <= 1, "one level of if"


BANNED = re.compile(r"^(Initiali[sz]e|Returns? the \w+\.$|This (class|function|method))")


def test_docstrings_say_more_than_the_name() -> None:
    for path in [*_modules(PACKAGE), *_modules(RUNTIME)]:
        tree = _tree(path)
        assert ast.get_docstring(tree), f"{path} has no docstring"
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                text = ast.get_docstring(node) or ""
                assert not BANNED.match(text), f"{path}:{node.lineno} {text}"


def test_public_signatures_have_no_any() -> None:
    for path in [*_modules(PACKAGE), *_modules(RUNTIME), *_modules(ROOT / "generated")]:
        for node in ast.walk(_tree(path)):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if not node.name.startswith("_"):
                signature = ast.unparse(node.args) + ast.unparse(node.returns or ast.Constant(None))
                assert not re.search(r"\bAny\b", signature), f"{path}:{node.lineno} {signature}"


def test_generated_code_has_no_ignores() -> None:
    for path in [*_modules(ROOT / "generated"), *_modules(RUNTIME)]:
        assert not re.search(r"#\s*(type: ignore|pyright:|noqa)", path.read_text("utf-8"))
