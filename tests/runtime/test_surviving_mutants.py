"""The listed survivors of `make mutants` are changes of code that the runtime still has."""

import ast
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import mutants

SURVIVORS: list[dict[str, Any]] = tomllib.loads(mutants.LISTED.read_text("utf-8"))["survivor"]


def functions(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the functions and methods of a module in the form that `make mutants` prints."""
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        for member in members:
            if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
                owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
                yield f"{owner}{member.name}", mutants.unparse(member)


@pytest.mark.parametrize("entry", SURVIVORS, ids=lambda entry: f"{entry['function']}")
def test_a_listed_survivor_names_lines_of_the_runtime(entry: dict[str, Any]) -> None:
    text = (mutants.RUNTIME / entry["module"]).read_text("utf-8")
    source = dict(functions(ast.parse(text))).get(entry["function"], text)
    for line in entry["before"].split(" / "):
        assert line in source
    assert entry["before"] not in entry["after"]
    assert len(entry["reason"].split()) > 3


def test_no_survivor_is_listed_twice() -> None:
    keys = [
        (entry["module"], entry["function"], entry["before"], after)
        for entry in SURVIVORS
        for after in entry["after"]
    ]
    assert len(set(keys)) == len(keys)


def test_every_module_of_the_runtime_has_tests_that_are_nearest_to_it() -> None:
    for path in mutants.RUNTIME.rglob("*.py"):
        name = path.relative_to(mutants.RUNTIME).as_posix()
        tests = next(
            tests for begin, tests in mutants.NEAREST_TESTS.items() if name.startswith(begin)
        )
        for test in tests.split():
            assert (mutants.ROOT / "tests/runtime" / mutants.path_of_tests(test)).is_file(), test
