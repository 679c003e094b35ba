"""Files in a package that Python would import and that nobody generated, proved by an import.

Each example is a small package. What `scan_folder` reports must run when the package is imported,
and what it does not report must not.
"""

import importlib.machinery
import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from engage_codegen.output.unexpected import Kind, find_unexpected, scan_folder

EXPECTED = ["__init__.py", "client.py", "_runtime/__init__.py", "_runtime/http.py", "INDEX.md"]
GENUINE = "print('GENUINE')\n"
FOREIGN = "print('FOREIGN')\n"  # of the same size
CACHE_TAG = f"{sys.implementation.cache_tag}.pyc"
Make = Callable[[Path], object]


def write(path: str, text: str = FOREIGN) -> Make:
    """Return a function that writes a file below a folder."""

    def make(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    return make


def write_bytecode(
    path: str, source: str = "", mode: str = "TIMESTAMP", text: str = FOREIGN
) -> Make:
    """Return a function that compiles `text`, and passes it off as the bytecode of `source`.

    In the mode TIMESTAMP it names the true time stamp and size of the source.
    """

    def make(root: Path) -> None:
        module = root.parent / "compiled.py"
        module.write_text(text)
        if source:
            status = (root / source).stat()
            os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        py_compile.compile(
            str(module),
            str(root / path),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode[mode],
        )

    return make


def track(make: Make) -> Make:
    """Return a function that also adds everything to a git repository."""

    def make_tracked(root: Path) -> None:
        make(root)
        for command in (["init", "-q"], ["add", "-A", "-f"]):
            subprocess.run(["git", *command], cwd=root, check=True)

    return make_tracked


@dataclass(frozen=True)
class Example:
    """Files beside the generated ones, what is reported of them, and a module to import.

    `runs` is True if importing the module runs the foreign code instead of the generated code, or
    beside it.
    """

    make: Make
    reported: list[tuple[str, Kind]]
    module: str
    runs: bool


CACHED = f"__pycache__/client.{CACHE_TAG}"
EXAMPLES = {
    "a module": Example(write("extra.py"), [("extra.py", "module")], "extra", runs=True),
    "a module in a generated folder": Example(
        write("_runtime/extra.py"), [("_runtime/extra.py", "module")], "_runtime.extra", runs=True
    ),
    "a folder with __init__ before a module": Example(
        write("client/__init__.py"), [("client", "folder")], "client", runs=True
    ),
    "a folder without __init__": Example(
        write("more/extra.py"), [("more", "folder")], "more.extra", runs=True
    ),
    "a folder without __init__ beside a module of its name": Example(
        write("client/extra.py"), [("client", "folder")], "client", runs=False
    ),
    "folders in folders": Example(
        write("one/two/three.py"), [("one", "folder")], "one.two.three", runs=True
    ),
    "a folder in a generated folder": Example(
        write("_runtime/http/__init__.py"),
        [("_runtime/http", "folder")],
        "_runtime.http",
        runs=True,
    ),
    "bytecode without source": Example(
        write_bytecode("extra.pyc"), [("extra.pyc", "bytecode")], "extra", runs=True
    ),
    "bytecode in a generated folder": Example(
        write_bytecode("_runtime/extra.pyc"),
        [("_runtime/extra.pyc", "bytecode")],
        "_runtime.extra",
        runs=True,
    ),
    "an unchecked cache": Example(
        write_bytecode(CACHED, "client.py", "UNCHECKED_HASH"),
        [(CACHED, "cached-bytecode")],
        "client",
        runs=True,
    ),
    "an unchecked cache in a generated folder": Example(
        write_bytecode(
            f"_runtime/__pycache__/http.{CACHE_TAG}", "_runtime/http.py", "UNCHECKED_HASH"
        ),
        [(f"_runtime/__pycache__/http.{CACHE_TAG}", "cached-bytecode")],
        "_runtime.http",
        runs=True,
    ),
    "a cache that is checked by its hash": Example(
        write_bytecode(CACHED, "client.py", "CHECKED_HASH"), [], "client", runs=False
    ),
    "a cache that Python itself wrote": Example(
        write_bytecode(CACHED, "client.py", text=GENUINE), [], "client", runs=False
    ),
    "a cache with the time stamp of its source in git": Example(
        track(write_bytecode(CACHED, "client.py")),
        [(CACHED, "cached-bytecode")],
        "client",
        runs=True,
    ),
    "a checked cache in git": Example(
        track(write_bytecode(CACHED, "client.py", "CHECKED_HASH")),
        [(CACHED, "cached-bytecode")],
        "client",
        runs=False,
    ),
    "a cache whose module is gone": Example(
        write_bytecode(f"__pycache__/gone.{CACHE_TAG}"), [], "gone", runs=False
    ),
    "a cache that is damaged": Example(write(CACHED, "damaged"), [], "client", runs=False),
    "a cache of a folder that is not ours": Example(
        write_bytecode(f"docs-old/__pycache__/gone.{CACHE_TAG}"), [], "gone", runs=False
    ),
    "data files": Example(write("data.json"), [], "data", runs=False),
    "a file with another ending": Example(write("extra.py.orig"), [], "extra", runs=False),
    "a module in a hidden folder": Example(write(".idea/extra.py"), [], "extra", runs=False),
    "a module in a folder whose name is no identifier": Example(
        write("my-docs/extra.py"), [], "extra", runs=False
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small generated package, `acme`."""
    for path in EXPECTED:
        text = GENUINE if path.endswith(("client.py", "http.py")) else ""
        write(path, text)(tmp_path / "acme")
    return tmp_path / "acme"


def import_module(root: Path, module: str) -> subprocess.CompletedProcess[str]:
    """Import a module of the package in a new Python that writes no caches."""
    command = [sys.executable, "-B", "-I", "-c"]
    code = f"import sys; sys.path.insert(0, {str(root.parent)!r}); import acme.{module}"
    return subprocess.run([*command, code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_file_is_reported_if_python_would_run_it(root: Path, name: str) -> None:
    example = EXAMPLES[name]
    example.make(root)
    files = scan_folder(root, EXPECTED)
    assert [(file.path, file.kind) for file in files] == example.reported
    done = import_module(root, example.module)
    assert ("FOREIGN" in done.stdout) == example.runs, done.stderr
    assert all(file.message.startswith("Python would import this ") for file in files)


def test_an_extension_module_is_imported_before_the_generated_module(root: Path) -> None:
    spec = importlib.util.find_spec("markupsafe._speedups")
    if spec is None or spec.origin is None:
        pytest.skip("there is no extension module to copy")
    shutil.copy(spec.origin, root / f"client{importlib.machinery.EXTENSION_SUFFIXES[0]}")
    (file,) = scan_folder(root, EXPECTED)
    assert file.kind == "extension"
    done = import_module(root, "client")
    assert done.stdout == ""
    assert "PyInit_client" in done.stderr, "Python looked for the module in the extension"


def test_an_untracked_cache_with_the_time_stamp_of_its_source_is_not_reported(root: Path) -> None:
    """A known limit: Python itself writes such caches, and takes their word for it."""
    write_bytecode(CACHED, "client.py")(root)
    assert scan_folder(root, EXPECTED) == ()
    assert "FOREIGN" in import_module(root, "client").stdout


def test_every_file_ending_that_python_imports_is_known() -> None:
    for suffix in importlib.machinery.all_suffixes():
        paths = ["__init__.py", f"extra{suffix}"]
        files = find_unexpected(paths, paths[:1], lambda _: b"", lambda _: False)
        assert [file.path for file in files] == paths[1:]


def test_a_package_without_foreign_files_reports_nothing(root: Path) -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(root)], check=True)
    assert (root / CACHED).exists()
    assert scan_folder(root, EXPECTED) == ()


def test_a_shipped_cache_is_reported_because_its_time_stamp_proves_nothing() -> None:
    paths = ["client.py", CACHED]
    header = b"\0" * 16
    shipped = find_unexpected(paths, ["client.py"], lambda _: header, lambda path: path == CACHED)
    assert [file.path for file in shipped] == [CACHED]
    assert not list(find_unexpected(paths, ["client.py"], lambda _: header, lambda _: False))


def test_a_cache_that_cannot_be_read_is_reported() -> None:
    def fail(path: str) -> bytes:
        raise OSError(path)

    (file,) = find_unexpected([CACHED], ["client.py"], fail, lambda _: False)
    assert file.kind == "cached-bytecode"
