"""The architecture is the one that `docs/design.md` draws: imports, sizes, purity, templates."""

import ast
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT, TESTS

PACKAGE = ROOT / "codegen" / "engage_codegen"
RUNTIME = ROOT / "templates" / "runtime"
TEMPLATES = sorted((ROOT / "templates" / "package").iterdir())

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "filesystem": {"errors"},
    "schema": {"errors"},
    "findings": {"errors", "schema"},
    "config": {"errors", "filesystem", "findings", "schema"},
    "sources": {"errors", "filesystem", "findings", "schema"},
    "model": {"errors", "schema"},
    "compat": {"model", "schema"},
    "render": {"errors", "model", "schema"},
    "contract": {"compat", "config", "errors", "filesystem", "findings", "model", "schema"},
    "lint": {"errors", "filesystem", "findings", "model", "schema", "sources"},
    "output": {
        *("config", "contract", "errors", "filesystem", "model", "render", "schema", "sources"),
    },
    "pipeline": {"config", "contract", "errors", "output", "schema", "sources"},
    "verbs": {
        *("compat", "errors", "filesystem", "findings", "lint", "model", "schema", "sources"),
    },
    "inspection": {
        *("compat", "config", "errors", "filesystem", "findings", "lint", "model", "output"),
        *("pipeline", "render", "schema", "sources"),
    },
    "verify": {
        *("config", "errors", "filesystem", "model", "output", "pipeline", "render", "schema"),
    },
    "integrations": {"config", "errors", "filesystem", "output", "pipeline", "schema"},
    "sandbox": {"errors"},
    "cli": {
        *("config", "contract", "errors", "filesystem", "findings", "inspection"),
        *(
            "integrations",
            "lint",
            "output",
            "pipeline",
            "render",
            "sandbox",
            "schema",
            "sources",
            "verify",
            "verbs",
        ),
    },
    "__main__": {"cli", "config", "errors", "output"},
}
"""Room -> the rooms that it imports, no more and no fewer. Every room may import the package itself
(`__version__`)."""

PURE = [
    *(
        "schema/contract",
        "schema/envelope",
        "schema/jsontext",
        "schema/names",
        "schema/redaction",
        "schema/text",
    ),
    *("findings/finding", "findings/waivers"),
    *("findings/report/text", "findings/report/github", "findings/report/json"),
    *("model/build", "model/codecs", "model/constraints", "model/dialect", "model/ir"),
    "model/jsonvalues",
    *("model/automaton", "model/backtracking", "model/language/alphabet"),
    *("model/language/formats", "model/language/formula", "model/language/machine"),
    *(
        "model/language/remainders",
        "model/language/search",
        "model/language/syntax",
        "model/language/texts",
    ),
    "model/language/textset",
    "model/property_problems",
    "model/regex",
    *(
        "compat/__init__",
        "compat/changes",
        "compat/formats",
        "compat/comparison",
    ),
    *("compat/payloads", "compat/ranges", "compat/reasons", "compat/subset", "compat/texts"),
    "compat/values",
    "render/filters",
    *("render/own/contract", "render/own/language", "render/own/pieces", "render/own/rendering"),
    *("render/own/sandbox", "render/own/sources"),
    *("lint/attributes", "lint/creation", "lint/fixes", "lint/rules", "lint/verdicts"),
    *("output/index", "output/lockfile", "output/record"),
    *("verbs/push/changes", "verbs/push/failure", "verbs/push/plan", "verbs/push/report"),
    "verbs/push/steps",
    *("verbs/probe/asking/exchange", "verbs/probe/asking/script", "verbs/probe/asking/steps"),
    *("verbs/probe/facts", "verbs/probe/hosts", "verbs/probe/questions"),
    *("verbs/probe/readings/dates", "verbs/probe/readings/errors", "verbs/probe/readings/fates"),
    *("verbs/probe/readings/lists", "verbs/probe/readings/payloads"),
    *("verbs/catalogue/card", "verbs/catalogue/page", "verbs/catalogue/sample"),
    "verbs/catalogue/words",
    "inspection/preflight",
    *("verify/cases", "verify/values"),
    "integrations/edits",
    *("sandbox/api/contact_rules", "sandbox/api/formats", "sandbox/api/rules"),
    *("sandbox/api/schema_rules", "sandbox/store/contact_keys"),
]
"""Modules without files, network, clock or environment."""

IMPURE = {"os", "pathlib", "time", "random", "socket", "subprocess", "httpx", "tempfile", "sqlite3"}
PATHS_ALONE = {"findings/finding"}
"""Modules that use `os` and `pathlib` to write paths, not to read files."""

MAX_ENTRIES = 16
CROWDED = {
    "": (20, "the rooms of the house"),
    "cli": (26, "one module for each command, and seven that they share"),
}
"""Folder below the package -> how many entries it may have, and why more than sixteen."""

LONG_MODULES: dict[str, str] = {}
"""Module -> why it is longer than 300 lines."""


def _modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _imports(path: Path) -> Iterator[str]:
    """The absolute names of everything that a module imports, wherever in it."""
    package = path.relative_to(PACKAGE.parent).with_suffix("").parts[:-1]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _imported_rooms() -> dict[str, set[str]]:
    rooms: dict[str, set[str]] = {}
    for path in _modules(PACKAGE):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        names = [name.split(".") for name in _imports(path)]
        ours = {name[1] for name in names if name[0] == "engage_codegen" and len(name) > 1}
        rooms.setdefault(room, set()).update(
            name for name in ours if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()
        )
    return {room: imported - {room} for room, imported in rooms.items() if room != "__init__"}


def test_rooms_import_what_the_table_says_and_nothing_else() -> None:
    assert _imported_rooms() == MAY_IMPORT


def test_the_design_page_draws_every_room_and_no_other() -> None:
    text = (ROOT / "docs" / "design.md").read_text("utf-8")
    (tree,) = re.findall(
        r"^codegen/engage_codegen/\n(.*?)^templates/", text, re.MULTILINE | re.DOTALL
    )
    assert set(re.findall(r"^  (\w+)(?:\.py|/)", tree, re.MULTILINE)) == set(MAY_IMPORT)
    (tree,) = re.findall(r"^templates/\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    folders = {path.name for path in (ROOT / "templates").iterdir() if path.is_dir()}
    assert set(re.findall(r"^  (\w+)/", tree, re.MULTILINE)) == folders


def test_every_module_that_the_design_page_names_exists() -> None:
    text = (ROOT / "docs" / "design.md").read_text("utf-8")
    names = {path.name for path in [*_modules(PACKAGE), *_modules(RUNTIME), *_modules(TESTS)]}
    for name in set(re.findall(r"\b\w+\.py\b", text)):
        assert name in names, name


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_import_nothing_impure(name: str) -> None:
    allowed: set[str] = {"os", "pathlib"} if name in PATHS_ALONE else set()
    used = {imported.split(".")[0] for imported in _imports(PACKAGE / f"{name}.py")}
    assert not used & (IMPURE - allowed)


def test_only_one_module_imports_the_type_generator() -> None:
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in _modules(PACKAGE)
        if any(name.startswith("datamodel_code_generator") for name in _imports(path))
    ]
    assert users == ["model/types.py"]


def test_only_push_can_write_to_a_tenant() -> None:
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in _modules(PACKAGE)
        if any("tenant_admin" in name for name in _imports(path))
    ]
    assert users == ["cli/push.py", "verbs/push/access.py"]


def test_only_probe_can_send_any_request_to_a_tenant() -> None:
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in _modules(PACKAGE)
        if any("tenant_session" in name for name in _imports(path))
    ]
    assert [path for path in users if not path.startswith("verbs/probe/")] == [
        *("cli/probe.py", "cli/replay.py")
    ]


def test_tool_and_output_know_nothing_of_each_other() -> None:
    for path in _modules(PACKAGE):
        assert not any(name.startswith("engage_interactions") for name in _imports(path))
    for path in [*_modules(ROOT / "generated"), *_modules(RUNTIME)]:
        assert "engage_codegen" not in path.read_text("utf-8")


MAY_ALSO_IMPORT = {
    "deprecation.py": "typing_extensions",  # for type checkers, which bring it along
    "formats.py": "idna",  # a dependency of httpx; without it, names in other scripts are refused
}


HTTP_LIBRARIES = {
    "transport/http_library.py": {"httpx"},
    "transport/http_library_httpx2.py": {"httpx2"},
}
"""Module of the runtime -> the HTTP library that it imports, and no other module does. A package
gets one of the two, as its `transport/http_library.py`."""


def _imported_distributions(path: Path) -> set[str]:
    """Return the names of the imports that are not in the standard library, wherever they are."""
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).split(".")[0])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
    return names - sys.stdlib_module_names


def test_one_module_of_a_package_imports_the_http_library_and_the_rest_imports_nothing() -> None:
    package = ROOT / "generated" / "engage_interactions"
    imports = {
        path.relative_to(folder).as_posix(): _imported_distributions(path)
        - {MAY_ALSO_IMPORT.get(path.name, "")}
        for folder in (package, package / "_runtime", RUNTIME)
        for path in _modules(folder)
        if folder != package or "_runtime" not in path.parts
    }
    assert {path: names for path, names in imports.items() if names} == HTTP_LIBRARIES


def test_both_variants_of_the_http_library_offer_the_same_names() -> None:
    exports: list[object] = []
    for path in HTTP_LIBRARIES:
        (names,) = (
            node.value
            for node in _tree(RUNTIME / path).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        )
        exports.append(ast.literal_eval(names))
    assert exports[0] == exports[1]


def test_modules_and_functions_are_short(record_property: Callable[[str, object], None]) -> None:
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


def test_no_folder_is_crowded() -> None:
    for root in (PACKAGE, RUNTIME):
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir())):
            if "__pycache__" in folder.parts:
                continue
            name = "" if folder == root else folder.relative_to(root).as_posix()
            entries = [path.name for path in folder.iterdir() if path.name not in _UNCOUNTED]
            limit, _ = CROWDED.get(name if root == PACKAGE else "…", (MAX_ENTRIES, ""))
            assert len(entries) <= limit, folder


_UNCOUNTED = {"__init__.py", "__pycache__", "py.typed"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_look_like_their_output(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 40
    assert re.search(r"\{\{|\{%", text), "a file without a variable belongs in templates/static"
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


VAGUE = frozenset(
    "found made told given kept seen gone taken wanted asked known what it those each".split()
)


def test_variables_and_arguments_have_names_that_say_what_they_are() -> None:
    for path in [*_modules(PACKAGE), *_modules(RUNTIME)]:
        for node in ast.walk(_tree(path)):
            names: list[str] = []
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names = [node.id]
            elif isinstance(node, ast.arguments):
                names = [argument.arg for argument in (*node.args, *node.kwonlyargs)]
            assert not VAGUE & set(names), f"{path}:{getattr(node, 'lineno', '')} {names}"


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


def test_no_test_imports_from_another_test_module() -> None:
    for path in _modules(TESTS):
        if "cases" in path.parts or "consumers" in path.parts:
            continue
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not re.search(r"(^|\.)test_", node.module), f"{path}: {node.module}"
