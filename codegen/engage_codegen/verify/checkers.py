"""The type checkers that are installed: what each says about the package at its strictest."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .results import Checked

_SECONDS = 600
_ERROR = re.compile(r"\berror\b\s*[:\[]|\s-\s(error|warning)\b|^\s*ERROR\b")


@dataclass(frozen=True, slots=True)
class _Checker:
    """`tools` are the commands that can do it, the best first; `options` follow the command."""

    name: str
    tools: tuple[str, ...]
    options: Callable[[str], list[str]]


_CHECKERS = (
    _Checker(
        "mypy --strict",
        ("mypy",),
        lambda python: [
            *("--strict", "--config-file=", f"--cache-dir={os.devnull}", "--no-error-summary"),
            *("--no-pretty", "--python-executable", python),
        ],
    ),
    _Checker(
        "pyright strict",
        # basedpyright comes whole; pyright fetches itself from the network when it first runs.
        ("basedpyright", "pyright"),
        lambda python: ["--pythonpath", python],
    ),
    _Checker(
        "ty",
        ("ty",),
        lambda python: ["check", "--python", python, "--output-format", "concise"],
    ),
    _Checker(
        "pyrefly",
        ("pyrefly",),
        lambda python: [
            *("check", "--config", "pyrefly.toml", "--python-interpreter-path", python),
            *("--output-format", "min-text"),
        ],
    ),
)
_CONFIGURATIONS = {
    "pyrightconfig.json": json.dumps({"typeCheckingMode": "strict"}),
    "pyrefly.toml": "",
    "pyproject.toml": "",
}


def check_types(output: Path, paths: Iterable[str]) -> tuple[Checked, ...]:
    """What every checker says about these files of a package.

    They are copied to a place where no configuration and no other file has a say.
    """
    with TemporaryDirectory(prefix="engage-codegen-") as name:
        folder = Path(name).resolve()
        for path in paths:
            copy = folder / output.name / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(output / path, copy)
        for file, text in _CONFIGURATIONS.items():
            (folder / file).write_text(text, "utf-8")
        with ThreadPoolExecutor() as pool:
            running = [pool.submit(_checked, each, folder, output.name) for each in _CHECKERS]
            return tuple(each.result() for each in running)


def find(tool: str) -> str | None:
    """The command of that name beside this Python, else on the path."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(tool, path=beside) or shutil.which(tool)


def _checked(checker: _Checker, folder: Path, package: str) -> Checked:
    for tool in checker.tools:
        command = find(tool)
        if command is None:
            continue
        name = checker.name.replace("pyright", tool)
        return Checked(checker.name, name, _errors(checker, command, folder, package))
    return Checked(checker.name)


def _errors(checker: _Checker, command: str, folder: Path, package: str) -> tuple[str, ...]:
    try:
        done = subprocess.run(  # noqa: S603
            [command, *checker.options(sys.executable), package],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return (f"did not run: {error}",)
    if done.returncode == 0:
        return ()
    said = f"{done.stdout}\n{done.stderr}".replace(f"{folder}{os.sep}", "")
    lines = [line.strip() for line in said.splitlines()]
    found = [line for line in lines if _ERROR.search(line)]
    return tuple(found or [*filter(None, lines)][:1] or [f"exit code {done.returncode}"])
