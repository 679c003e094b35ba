"""The installed type checkers, each at its strictest."""

import json
import os
import re
import shutil
import subprocess  # nosec B404
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .results import CheckerResult

_TIMEOUT = 600
_ERROR = re.compile(r"\berror\b\s*[:\[]|\s-\s(error|warning)\b|^\s*ERROR\b")


@dataclass(frozen=True, slots=True)
class _Checker:
    """A type checker.

    `tools` are its commands, the preferred first. `options` gets the path of this Python, which has
    the dependencies of the package.
    """

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
        # The wheel of basedpyright is complete. pyright downloads itself on its first run.
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


def check_types(output: Path, paths: Iterable[str]) -> tuple[CheckerResult, ...]:
    """Run every installed checker on these files of a package.

    They are checked as a copy in a temporary folder, where no other file or configuration affects
    the result.
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
            futures = [pool.submit(_check, item, folder, output.name) for item in _CHECKERS]
            return tuple(future.result() for future in futures)


def find_command(tool: str) -> str | None:
    """Return the command beside this Python, or else the one on PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(tool, path=beside) or shutil.which(tool)


def _check(checker: _Checker, folder: Path, package: str) -> CheckerResult:
    for tool in checker.tools:
        command = find_command(tool)
        if command is None:
            continue
        name = checker.name.replace("pyright", tool)
        return CheckerResult(checker.name, name, _run(checker, command, folder, package))
    return CheckerResult(checker.name)


def _run(checker: _Checker, command: str, folder: Path, package: str) -> tuple[str, ...]:
    """Return the lines that report errors, or the first line of any other failure."""
    try:
        process = subprocess.run(  # noqa: S603  # nosec B603
            [command, *checker.options(sys.executable), package],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return (f"did not run: {error}",)
    if process.returncode == 0:
        return ()
    output = f"{process.stdout}\n{process.stderr}".replace(f"{folder}{os.sep}", "")
    lines = [line.strip() for line in output.splitlines()]
    errors = [line for line in lines if _ERROR.search(line)]
    return tuple(errors or [*filter(None, lines)][:1] or [f"exit code {process.returncode}"])
