"""What a terminal, or whatever stands for one, gets to see."""

import io
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pathlib import Path

    from ..sources.interface import Progress


def never_fail_on_encoding() -> None:
    """What the encoding of a stream cannot hold is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Talk:
    """How much is said: 0 errors only, 1 what was done, 2 each file and the settings."""

    level = 1


def say(text: str, level: int = 1) -> None:
    """Print to stderr what may quote foreign text, if that much is wanted."""
    if level > Talk.level or sys.stderr is None:  # closed from outside: print would take stdout
        return
    from ..schema.text import escape

    lines = (escape(line) for line in text.split("\n"))
    with suppress(OSError):
        print("\n".join(lines), file=sys.stderr, flush=True)


@contextmanager
def progress() -> Generator["Progress"]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not is_terminal(sys.stderr):
        from ..sources.interface import silently

        yield silently
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("schemas", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def is_terminal(stream: TextIO | None) -> bool:
    """False as well for a stream that was closed from outside."""
    return stream is not None and stream.isatty()


def has_colour(stream: TextIO) -> bool:
    """Only a terminal has, and not where NO_COLOR is set (no-color.org)."""
    is_dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("NO_COLOR"))
    return is_terminal(stream) and not is_dumb


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of foreign text: on a terminal a table whose cells wrap and are never cut, else
    lines with tabs."""
    from ..schema.text import escape

    cells = [[escape(cell) for cell in row] for row in rows]
    if not is_terminal(sys.stdout):
        for line in [head, *cells]:
            print("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in head:
        table.add_column(name, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def count(number: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def short(path: "Path") -> str:
    """Relative, where that is shorter."""
    return os.path.relpath(path) if path.is_relative_to(os.getcwd()) else str(path)
