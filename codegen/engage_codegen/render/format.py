"""The layout of generated modules: black's, one statement at a time.

black decides every layout, but it takes 50 ms for a module, and almost every line of a template
already has the layout that black wants. So black gets only the statements that it could change: a
line that is too long, or has a backslash (black may turn quotes around), a comma before a closing
bracket (black breaks the line there), an exponent, or a character outside ASCII; and a docstring
that is too long, or has a backslash or a quote next to its own quotes. Equal statements are laid
out once. The tests compare the result with black's layout of the whole module.
"""

import ast
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache

try:
    import black
except RuntimeError:
    # black looks for the user's cache when it is imported, and this user has no home folder. It
    # needs no cache here, so any path will do where nothing can be written.
    _home = os.environ.get("HOME")
    os.environ["HOME"] = os.devnull
    try:
        import black
    finally:
        del os.environ["HOME"]
        os.environ |= {} if _home is None else {"HOME": _home}
from black.mode import Mode, TargetVersion
from black.parsing import InvalidInput

from ..errors import RenderError

_WIDTH = 88
_UNUSUAL = re.compile(r"[^ -~]|\\|,[)\]}]|[0-9][eE]")
_UNUSUAL_IN_STRING = re.compile(r'\\|""""')
_ARGUMENT = re.compile(r"[^\W\d]\w*=.*,")
_PARAMETER = re.compile(r"[^\W\d]\w*: .*,")
_OPENING = re.compile(r"(async )?def .*\(")


def format_module(source: str, template: str) -> str:
    """Return a module in black's style.

    Every statement, argument and parameter must stand on a line of its own. Raises `RenderError`
    for text that is not valid Python.
    """
    try:
        strings = dict(_find_strings(ast.parse(source)))
        return "\n".join(_format_lines(source.split("\n"), strings))
    except (InvalidInput, SyntaxError, ValueError) as error:
        raise RenderError(
            f"the template produced text that is not valid Python: {error}",
            where=template,
            fix="this is a bug in engage-codegen; report it, with the schema",
        ) from error


@lru_cache(1_000)
def format_any_module(source: str, *, is_stub: bool = False) -> str:
    """Return any module in black's style. Raises what black raises."""
    return _black(source, _WIDTH, is_stub=is_stub)


def _find_strings(block: ast.AST) -> Iterator[tuple[int, tuple[int, bool]]]:
    """Yield the first line of each string that is a statement, its last line, and whether it is a
    docstring, which only the first statement of a block can be."""
    body: list[ast.stmt] = getattr(block, "body", [])
    for statement in body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            end = statement.end_lineno or statement.lineno
            yield statement.lineno, (end, statement is body[0])
        elif isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _find_strings(statement)


def _format_lines(lines: Sequence[str], strings: Mapping[int, tuple[int, bool]]) -> Iterator[str]:
    number = 1
    while number <= len(lines):
        end, is_docstring = strings.get(number, (number, False))
        text = "\n".join(lines[number - 1 : end])
        indent = len(text) - len(text.lstrip(" "))
        if number in strings:
            yield _format_string(text, indent, is_docstring)
        elif len(text) > _WIDTH or _UNUSUAL.search(text):
            yield _format_line(text[indent:], indent)
        else:
            yield text
        number = end + 1


def _format_string(text: str, indent: int, is_docstring: bool) -> str:
    """Return a string that is a statement as black lays it out in a block of that indent."""
    is_long = any(len(line) > _WIDTH for line in text.split("\n"))
    if not is_long and not _UNUSUAL_IN_STRING.search(text):
        return text
    before = ["class A:".rjust(column + 8) for column in range(0, indent, 4)]
    if not is_docstring:
        before.append("a".rjust(indent + 1))
    lines = _black("\n".join([*before, text, ""]), _WIDTH).split("\n")
    return "\n".join(lines[len(before) : -1])


@cache
def _format_line(line: str, indent: int) -> str:
    """Return a line of code, passed without its indent, as black lays it out at that indent."""
    width = _WIDTH - indent
    if line.startswith("#") or _OPENING.fullmatch(line):
        lines = [line]
    elif _ARGUMENT.fullmatch(line):
        lines = _format_inside("f(", line, ")", width)
    elif _PARAMETER.fullmatch(line):
        lines = _format_inside("def f(", line, "): ...", width)
    elif line.startswith("@"):
        lines = _black(f"{line}\ndef f(): ...\n", width).split("\n")[:-2]
    elif line.endswith(":"):
        lines = _black(f"{line}\n    pass\n", width).split("\n")[:-2]
    else:
        lines = _black(f"{line}\n", width).split("\n")[:-1]
    return "\n".join(" " * indent + line if line else "" for line in lines)


def _format_inside(start: str, line: str, end: str, width: int) -> list[str]:
    """Return the lines of an argument or a parameter between brackets."""
    text = _black(f"{start}\n    {line}\n{end}\n", width + 4)
    return [line.removeprefix("    ") for line in text.split("\n")[1:-2]]


def _black(source: str, width: int, *, is_stub: bool = False) -> str:
    mode = Mode(target_versions={TargetVersion.PY311}, line_length=width, is_pyi=is_stub)
    return black.format_str(source, mode=mode)
