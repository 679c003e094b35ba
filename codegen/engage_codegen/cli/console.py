"""What a terminal, or what stands in for one, gets to see."""

import io
import os
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from ..errors import API_KEY_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from ..errors import CodegenError
    from ..sources.interface import Progress


def escape_unencodable() -> None:
    """Write characters that the encoding of a stream lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Verbosity:
    """How much goes to stderr: 0 errors only, 1 what was done, 2 each file and the settings.

    With `debug`, errors come with their tracebacks.
    """

    level = 1
    debug = False


def print_line(text: str) -> None:
    """Print text, which may quote foreign text, as one line to stdout."""
    from ..schema.text import escape_line

    print(escape_line(text))


def print_status(text: str, level: int = 1) -> None:
    """Print text, which may quote foreign text, as one line to stderr if the verbosity is at least
    `level`."""
    print_lines([text], level)


def print_lines(lines: Iterable[str], level: int = 1) -> None:
    """Print lines like `print_status`. None of them can become two."""
    # A stream that was closed from outside is None, and print would use stdout instead.
    if level > Verbosity.level or sys.stderr is None:
        return
    from ..schema.text import escape_line

    with suppress(OSError):
        print("\n".join(map(escape_line, lines)), file=sys.stderr, flush=True)


def print_error(error: "CodegenError") -> None:
    """Print an error to stderr."""
    first, *others = error.lines
    print_lines([f"error: {first}", *others], 0)


def print_traceback(error: BaseException) -> None:
    """Print the traceback of an error to stderr if ``--debug`` asks for it, without any key."""
    if Verbosity.debug:
        import traceback

        text = "".join(traceback.format_exception(error)).rstrip("\n")
        print_lines(hide_keys(text).split("\n"), 0)


def hide_keys(text: str) -> str:
    """Return text without the API keys of the environment."""
    from ..schema.redaction import hide_secret

    for name, value in os.environ.items():
        if name.startswith(API_KEY_VARIABLE):
            text = hide_secret(text, value)
    return text


@contextmanager
def show_progress() -> Generator["Progress"]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    if not is_terminal(sys.stderr):
        from ..sources.interface import ignore_progress

        yield ignore_progress
        return
    from rich.console import Console
    from rich.progress import Progress as ProgressBar

    with ProgressBar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("schemas", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def is_terminal(stream: TextIO | None) -> bool:
    """Return True for a terminal; False also for a stream that was closed from outside."""
    return stream is not None and stream.isatty()


def has_color(stream: TextIO) -> bool:
    """Return True for a terminal that may show colors (NO_COLOR, see no-color.org)."""
    is_plain = os.environ.get("TERM") == "dumb" or bool(os.environ.get("NO_COLOR"))
    return is_terminal(stream) and not is_plain


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of foreign text: on a terminal as a table that wraps, elsewhere with tabs."""
    from ..schema.text import escape_line

    cells = [[escape_line(cell) for cell in row] for row in rows]
    if not is_terminal(sys.stdout):
        for line in [header, *cells]:
            print("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def count(number: int, noun: str) -> str:
    """Return ``1 file`` or ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(path: "Path") -> str:
    """Return a path relative to the current folder if it is below it."""
    return os.path.relpath(path) if path.is_relative_to(os.getcwd()) else str(path)
