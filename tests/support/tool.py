"""The command line in this process or its own, golden files, and the contents of folders."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import SCRIPTS


@dataclass(frozen=True)
class Outcome:
    """The exit code of a command, and its stdout and stderr."""

    code: int
    out: str
    err: str


Tool = Callable[..., Outcome]
Golden = Callable[[Path, str], None]


def run_process(*arguments: object) -> Outcome:
    """Run the installed command `engage-codegen` in the current folder."""
    done = subprocess.run(
        [SCRIPTS / "engage-codegen", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder except caches: path -> bytes, None for a folder."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts
    }
