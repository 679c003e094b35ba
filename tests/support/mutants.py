"""Mutation tests of the runtime: `make mutants`, or `make mutants MODULES="call/retry.py outbox"`.

mutmut changes the functions of `templates/runtime`, one small step at a time. A change that no test
notices is a survivor. A survivor is either killed by a test, or listed with a reason in
`tests/runtime/surviving_mutants.toml`. A change of a sentence in a message counts as wording, and
needs neither.

mutmut changes neither decorated functions, such as properties and context managers, nor the
constants of modules and classes. This module changes the numbers in these, one at a time.

The environment variable `MUTANTS_WORKERS` sets the number of processes. The default is the number
of processors.
"""

import ast
import difflib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "templates" / "runtime"
PACKAGE = ROOT / "generated" / "engage_interactions"
BUILD = ROOT / "build" / "mutants"
LISTED = ROOT / "tests" / "runtime" / "surviving_mutants.toml"
TARGET = "engage_interactions/_runtime"
"""The folder of the runtime in a layout, from which mutmut derives the name of a module."""

NEAREST_TESTS = {
    "bulk/ledger.py": "bulk/ledger",
    "bulk/": "bulk/bulk",
    "call/lookup.py": "call/lookups",
    "call/pages.py": "call/lists",
    "call/receipts.py": "call/receipts client/sending",
    "call/responses.py": "client/sending call/answers client/clients",
    "call/retry.py": "call/retry_policies client/sending",
    "call/": "client/sending client/clients",
    "outbox/": (
        "outbox/steps outbox/rows outbox/outbox outbox/faults outbox/damage outbox/files "
        "payload/sent_payloads"
    ),
    "payload/checks.py": "payload/checks payload/values",
    "payload/encoding.py": "payload/sent_payloads",
    "payload/formats.py": "payload/formats",
    "payload/pickling.py": "payload/pickles",
    "payload/": "payload/values payload/payloads payload/sent_payloads",
    "transport/answers.py": "call/answers",
    "transport/clock.py": "transport/clock",
    "transport/rate_limiter.py": "transport/rate_limiter",
    "transport/": "client/sending client/clients call/answers",
    "engine/": "client/engines",
    "": "client/sending client/clients",
}
"""Module, or the beginning of its path -> the modules of tests that are nearest to it, as
`path_of_tests` takes them. The first line that fits counts."""

SLOW = (
    "process fork kill daemon thread_overtakes loop_overtakes blocked random_edits every_edit "
    "full_disk full_of_entries across_pages outcome_of_every_send alters_nothing root_creates "
    "lost_lock documentation"
)
"""Words in the names of tests that start processes, take long, or read other files."""

SENTENCE = r'"[A-Za-z{][^"]*\w,? \S+ \S+[^"]*"'
"""A text of three words or more. mutmut leaves a line with one alone."""

KILLED = frozenset({1, 2, 3, 37})
"""The exit codes of mutmut for a mutant that the tests noticed. 2 is that of a `KeyboardInterrupt`
that the mutant let through."""

TIMEOUT = frozenset({24, -24, 36, 152, 255, -9})
"""The exit codes of mutmut for a mutant whose tests did not end."""


MEMORY = Path("/dev/shm")
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    **({"TMPDIR": str(MEMORY)} if MEMORY.is_dir() else {}),
}
"""Variables that make the order of the tests the same in each run, and outboxes fast."""


@dataclass(frozen=True, order=True)
class Mutant:
    """A change of one function, by the text of the lines that differ."""

    module: str
    function: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.module} {self.function}\n  - {self.before}\n  + {self.after}"


@dataclass(frozen=True)
class Result:
    """A mutant, and what became of it: killed, timeout, wording, survived or untested."""

    mutant: Mutant
    status: str


def main(arguments: Sequence[str]) -> int:
    """Test the mutants of all modules, or of those whose paths begin with an argument.

    With ``--survivors`` test only the mutants that survived the last time.
    """
    is_again = "--survivors" in arguments
    arguments = [argument for argument in arguments if not argument.startswith("-")]
    modules = sorted(path.relative_to(RUNTIME).as_posix() for path in RUNTIME.rglob("*.py"))
    if arguments:
        modules = [name for name in modules if name.startswith(tuple(arguments))]
    if not modules:
        print(f"No module of {RUNTIME.relative_to(ROOT)} begins with: {' '.join(arguments)}")
        return 2
    groups: dict[str, list[str]] = {}
    for name in modules:
        begin = next(begin for begin in NEAREST_TESTS if name.startswith(begin))
        groups.setdefault(begin, []).append(name)
    results: list[Result] = []
    for begin, names in groups.items():
        folder = BUILD / (begin.strip("/").replace("/", ".") or "client")
        if not is_again:
            shutil.rmtree(folder, ignore_errors=True)
        lay_out(folder, names, NEAREST_TESTS[begin])
        for name in names:
            forget_survivors(folder, name)
        run_mutmut(folder)
        for name in names:
            results += [*read_results(folder, name), *change_numbers(folder, name)]
    return report(results, set(modules))


def lay_out(folder: Path, modules: Sequence[str], tests: str) -> None:
    """Write a project for mutmut: the package at its top, the tests, and a configuration."""
    skip = shutil.ignore_patterns("__pycache__", "cases", "consumers")
    copies = {"engage_interactions": PACKAGE, TARGET: RUNTIME, "tests": ROOT / "tests"}
    for name, source in copies.items():
        shutil.copytree(source, folder / name, ignore=skip, dirs_exist_ok=True)
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    pytest = {
        **ours["ini_options"],
        "addopts": "-q --import-mode=importlib -p no:schemathesis -p no:cacheprovider -p no:cov",
        "pythonpath": [str(ROOT / "codegen"), "."],
    }
    not_slow = f"not ({' or '.join(SLOW.split())})"
    mutmut = {
        "source_paths": ["engage_interactions"],
        "only_mutate": [f"{TARGET}/{name}" for name in modules],
        "pytest_add_cli_args": ["-k", not_slow, "--hypothesis-seed=0"],
        "pytest_add_cli_args_test_selection": [
            path
            for path in (f"tests/runtime/{path_of_tests(name)}" for name in tests.split())
            if (folder / path).exists()
        ],
        "do_not_mutate_patterns": [SENTENCE],
        "timeout_multiplier": 3.0,
        "timeout_constant": 4.0,
        "use_git_change_detection": False,
    }
    text = render_table("tool.mutmut", mutmut) + render_table("tool.pytest.ini_options", pytest)
    (folder / "pyproject.toml").write_text(text, "utf-8")


def path_of_tests(name: str) -> str:
    """Return the path of a module of tests below `tests/runtime`: ``bulk/ledger`` is that of
    ``bulk/test_ledger.py``."""
    folder, _, module = name.rpartition("/")
    return f"{folder}/test_{module}.py"


def render_table(name: str, values: dict[str, Any]) -> str:
    """Render a table of TOML whose values are texts, numbers, booleans and lists of texts."""
    lines = (f"{key} = {json.dumps(value)}" for key, value in values.items())
    return "\n".join([f"[{name}]", *lines, ""])


def forget_survivors(folder: Path, module: str) -> None:
    """Let mutmut test the survivors of its last run again, with the tests of today."""
    (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    meta = meta_file(folder, module)
    if meta.exists():
        record = json.loads(meta.read_text("utf-8"))
        codes: dict[str, int | None] = record["exit_code_by_key"]
        record["exit_code_by_key"] = {
            key: code if code in KILLED | TIMEOUT else None for key, code in codes.items()
        }
        meta.write_text(json.dumps(record), "utf-8")


def meta_file(folder: Path, module: str) -> Path:
    """Return the file in which mutmut keeps the exit codes of the mutants of a module."""
    path = folder / "mutants" / TARGET / module
    return path.with_name(f"{path.name}.meta")


def run_mutmut(folder: Path) -> None:
    """Run mutmut in a layout. Its output, with animations, goes to a file."""
    command = [sys.executable, "-m", "mutmut", "run"]
    if workers := os.environ.get("MUTANTS_WORKERS"):
        command += ["--max-children", workers]
    with (folder / "mutmut.log").open("wb") as log:
        process = subprocess.run(
            command,
            check=False,
            cwd=folder,
            env=os.environ | ENVIRONMENT,
            stdout=log,
            stderr=log,
        )
    if process.returncode:
        raise SystemExit(f"mutmut failed. Its output is in {log.name}.")


def read_results(folder: Path, module: str) -> Iterator[Result]:
    """Yield the mutants that mutmut made of a module."""
    path, meta = folder / "mutants" / TARGET / module, meta_file(folder, module)
    if not meta.exists():
        return
    functions = {
        node.name: unparse(node)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for key, code in json.loads(meta.read_text("utf-8"))["exit_code_by_key"].items():
        mutated = key.rpartition(".")[2]
        base = mutated.rpartition("__mutmut_")[0]
        original = functions[f"{base}__mutmut_orig"]
        name = base.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        mutant = compare(module, name, original, functions[mutated])
        yield Result(mutant, judge(code, original, functions[mutated]))


def unparse(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return a function in a normal form, without its decorators, its docstring and its name."""
    text = ast.unparse(node).partition("def ")[2].removeprefix(node.name)
    docstring = ast.get_docstring(node, clean=False)
    return f"def {text}" if docstring is None else f"def {text}".replace(docstring, "", 1)


def compare(module: str, function: str, original: str, mutated: str) -> Mutant:
    """Return a mutant with the lines that differ."""
    diff = list(difflib.ndiff(original.splitlines(), mutated.splitlines()))
    before, after = (
        " / ".join(line[2:].strip() for line in diff if line.startswith(f"{sign} "))
        for sign in "-+"
    )
    return Mutant(module, function, before, after)


def judge(code: int | None, original: str, mutated: str) -> str:
    """Return the status of a mutant by the exit code of its tests."""
    if code in KILLED:
        return "killed"
    if code in TIMEOUT:
        return "timeout"
    is_wording = without_sentences(original) == without_sentences(mutated)
    if code == 0:
        return "wording" if is_wording else "survived"
    return "wording" if is_wording else "untested"


def without_sentences(function: str) -> str:
    """Return a function without its texts of three words or more."""

    class Remover(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.AST:
            is_sentence = isinstance(node.value, str) and len(node.value.split()) > 2
            return ast.Constant("") if is_sentence else node

    return ast.dump(Remover().visit(ast.parse(function.replace("def (", "def _(", 1))))


def change_numbers(folder: Path, module: str) -> Iterator[Result]:
    """Add one to each number that mutmut leaves alone, and run the tests of the layout.

    A number whose change was killed in the last run is not changed again.
    """
    options = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    tests = options["pytest_add_cli_args"] + options["pytest_add_cli_args_test_selection"]
    command = [sys.executable, "-m", "pytest", "-x", "--rootdir=.", *tests]
    path = folder / "mutants" / TARGET / module
    record = path.with_name(f"{path.name}.numbers")
    statuses: dict[str, str] = json.loads(record.read_text("utf-8")) if record.exists() else {}
    mutated_file = path.read_bytes()
    lines = (RUNTIME / module).read_text("utf-8").splitlines()
    try:
        for owner, number in numbers(ast.parse("\n".join(lines))):
            row, start, end = number.lineno - 1, number.col_offset, number.end_col_offset
            line = f"{lines[row][:start]}{ast.unparse(add_one(number))}{lines[row][end:]}"
            mutant = Mutant(module, owner, lines[row].strip(), line.strip())
            if statuses.get(str(mutant), "survived") == "survived":
                path.write_text("\n".join([*lines[:row], line, *lines[row + 1 :]]), "utf-8")
                code = run_tests(command, folder / "mutants")
                statuses[str(mutant)] = (
                    "timeout" if code is None else "killed" if code else "survived"
                )
            yield Result(mutant, statuses[str(mutant)])
    finally:
        path.write_bytes(mutated_file)
        record.write_text(json.dumps(statuses), "utf-8")


def run_tests(command: Sequence[str], folder: Path) -> int | None:
    """Return the exit code of the tests, or None if they take too long."""
    environment = os.environ | ENVIRONMENT
    try:
        return subprocess.run(
            command, check=False, cwd=folder, env=environment, capture_output=True, timeout=300
        ).returncode
    except subprocess.TimeoutExpired:
        return None


def add_one(number: ast.Constant) -> ast.Constant:
    """Return the number plus one."""
    assert isinstance(number.value, (int, float))
    return ast.Constant(number.value + 1)


def numbers(module: ast.Module) -> Iterator[tuple[str, ast.Constant]]:
    """Yield the numbers outside of functions, and in decorated ones, with the name of the owner."""
    for node in module.body:
        body = node.body if isinstance(node, ast.ClassDef) else [node]
        for member in body:
            if not is_changed_by_mutmut(member):
                owner = ".".join(
                    part.name
                    for part in (node, member)
                    if isinstance(part, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
                )
                for part in ast.walk(member):
                    if isinstance(part, ast.Constant) and type(part.value) in (int, float):
                        yield owner or "the module", part


def is_changed_by_mutmut(node: ast.stmt) -> bool:
    """Return True for a function without decorators, or with one that mutmut knows."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    return {ast.unparse(part) for part in node.decorator_list} <= {"classmethod", "staticmethod"}


def read_listed() -> dict[Mutant, str]:
    """Return the listed survivors with their reasons."""
    listed: dict[Mutant, str] = {}
    if LISTED.exists():
        for entry in tomllib.loads(LISTED.read_text("utf-8")).get("survivor", []):
            for after in entry["after"]:
                mutant = Mutant(entry["module"], entry["function"], entry["before"], after)
                listed[mutant] = entry["reason"]
    return listed


def report(results: Sequence[Result], modules: set[str]) -> int:
    """Print and write the survivors that are not listed. Return 1 if there are any."""
    listed = read_listed()
    survivors = [result for result in results if result.status in ("survived", "untested")]
    new = sorted({result.mutant for result in survivors} - listed.keys())
    all_mutants = {result.mutant for result in survivors}
    outdated = sorted(m for m in listed.keys() - all_mutants if m.module in modules)
    lines: list[str] = []
    for module in sorted({result.mutant.module for result in results}):
        count = Counter(
            "listed" if result.mutant in listed and result in survivors else result.status
            for result in results
            if result.mutant.module == module
        )
        summary = ", ".join(f"{number} {status}" for status, number in sorted(count.items()))
        lines.append(f"{module}: {sum(count.values())} mutants, {summary}")
    lines += [str(mutant) for mutant in new]
    for mutant in outdated:
        lines.append(f"No longer a survivor, remove it from {LISTED.name}: {mutant}")
    text = "\n".join(lines)
    print(text)
    (BUILD / "survivors.txt").write_text(f"{text}\n", "utf-8")
    return 1 if new or outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
