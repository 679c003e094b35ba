"""A checkout full of traps: files that a foreign branch brings along in the hope that somebody's
Python, or somebody's tool, executes them."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARKER = "executed.txt"

_PLUGIN = "[mypy]\nplugins = trap_plugin.py\n"


@dataclass(frozen=True)
class Trap:
    """Files of a branch that contain code, and a careless command that executes it.

    `files` are paths with their texts; ``{code}`` stands for code that records the execution.
    `careless` are the arguments of Python, and `environ` the variables that the command needs.
    """

    files: Mapping[str, str]
    careless: Sequence[str]
    environ: Mapping[str, str]


def _trap(path: str, *careless: str, text: str = "{code}", **environ: str) -> Trap:
    files = {path: text}
    if path.endswith("__main__.py"):
        files[path.replace("__main__", "__init__")] = text
    return Trap(files, careless, environ)


TRAPS: Mapping[str, Trap] = {
    "venv.py": _trap("venv.py", "-m", "venv", "--help"),
    "pip/": _trap("pip/__main__.py", "-m", "pip", "--version"),
    "ensurepip/": _trap("ensurepip/__main__.py", "-m", "ensurepip", "--version"),
    "sitecustomize.py": _trap("sitecustomize.py", "-c", "", PYTHONPATH="."),
    "usercustomize.py": _trap("usercustomize.py", "-c", "import usercustomize"),
    "engage_codegen/": _trap("engage_codegen/__main__.py", "-m", "engage_codegen"),
    "black.py": _trap("black.py", "-c", "import black"),
    "click.py": _trap("click.py", "-c", "import click"),
    "httpx.py": _trap("httpx.py", "-c", "import httpx"),
    "jinja2/": _trap("jinja2/__main__.py", "-c", "import jinja2"),
    "json.py": _trap("json.py", "-c", "import json"),
    "jsonschema_rs.py": _trap("jsonschema_rs.py", "-c", "import jsonschema_rs"),
    "tomllib.py": _trap("tomllib.py", "-c", "import tomllib"),
    "trap.pth": _trap(
        "trap.pth", "-c", "import site; site.addsitedir('.')", text="import sys; {code}\n"
    ),
    "setup.py": _trap("setup.py", "setup.py"),
    "conftest.py": _trap("conftest.py", "-c", "import conftest"),
    "mypy.ini": Trap(
        {"mypy.ini": _PLUGIN, "setup.cfg": _PLUGIN, "trap_plugin.py": "{code}"},
        ("-m", "mypy", "-c", "", "--cache-dir", os.devnull),
        {},
    ),
}
"""The name of each trap, as a reader of the branch sees it, and the trap."""

TOOL_SETTINGS = """
[tool.black]
line-length = 20
target-version = ["no such version"]
[tool.mypy]
plugins = "trap_plugin.py"
[tool.pyright]
strict = "no list"
[tool.ruff]
extend = "nowhere.toml"
"""
"""What a hostile pyproject.toml says to other tools."""


def plant(folder: Path, names: Sequence[str] = tuple(TRAPS)) -> None:
    """Write traps into a checkout. Existing files stay."""
    for name in names:
        for path, text in TRAPS[name].files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                file.write_text(text.replace("{code}", _code(folder, name)))


def sprung(folder: Path) -> set[str]:
    """Return the names of the traps that were executed since the last call."""
    marker = folder.parent / MARKER
    names = set(marker.read_text().split("\n")) - {""} if marker.exists() else set[str]()
    marker.unlink(missing_ok=True)
    return names


def run_carelessly(folder: Path, name: str) -> None:
    """Run the command that falls into a trap, in the checkout."""
    trap = TRAPS[name]
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, *trap.careless]
    subprocess.run(
        command, cwd=folder, env={**inherited, **trap.environ}, capture_output=True, check=False
    )


def _code(folder: Path, name: str) -> str:
    marker = str(folder.parent.resolve() / MARKER)
    return f"open({marker!r}, 'a').write({name + chr(10)!r})"
