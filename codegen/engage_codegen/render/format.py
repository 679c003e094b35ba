"""Formatting: black as a library, with settings of ours, whatever the user's project says.

black decides every layout, but reads little: it takes 50 ms for a module, which is most of what a
generation costs, and almost every line of a template is as black wants it already. So a module is
taken line by line. What black could change is known: a line that is too long, one with a backslash
(it may turn quotes around), one with a comma before a closing bracket (it breaks there), one with
an exponent. Such a
statement goes to black by itself, and is remembered; a module with anything else that is unusual
goes to it as a whole. `whole` is the proof: it is what ``--no-cache`` uses, and what the tests
compare with, for every schema they have.
"""

import ast
import re
from functools import cache

import black
from black.mode import Mode, TargetVersion
from black.parsing import InvalidInput

from ..errors import RenderError

_WIDTH = 88
_UNUSUAL = re.compile(r'[^ -~]|\\|,[)\]}]|"""|[0-9][eE]')
_ELEMENT = re.compile(r"[a-z_][a-z0-9_]*=.*,")


def _format_whole(source: str, template: str) -> str:
    """A module in black's style. Raises `RenderError` for text that is no Python."""
    try:
        return _black(source, _WIDTH)
    except (InvalidInput, SyntaxError) as error:
        raise _no_python(error, template) from error


def format_module(source: str, template: str) -> str:
    """The same, in less time, of text whose statements stand on a line each."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise _no_python(error, template) from error
    lines: list[str] = []
    in_docstring = False
    for line in source.split("\n"):
        is_docstring = in_docstring
        if '"""' in line:
            is_docstring, in_docstring = True, (line.count('"""') == 1) != in_docstring
        is_long = len(line) > _WIDTH
        if is_docstring:
            # Its text is no code, but black may move quotes or add a space.
            if is_long or "\\" in line or '""""' in line:
                return _format_whole(source, template)
            lines.append(line)
        elif is_long or _UNUSUAL.search(line):
            try:
                lines.append(_statement(line.lstrip(" "), len(line) - len(line.lstrip(" "))))
            except (InvalidInput, SyntaxError):
                return _format_whole(source, template)
        else:
            lines.append(line)
    return "\n".join(lines)


@cache
def _statement(line: str, indent: int) -> str:
    """One line of code, without its indent, as black lays it out behind that indent."""
    width = _WIDTH - indent
    if line.startswith("#"):
        return " " * indent + line
    if _ELEMENT.fullmatch(line):
        inner = _black(f"f(\n    {line}\n)\n", width + 4).split("\n")[1:-2]
        made = [it.removeprefix("    ") for it in inner]
    elif line.endswith(":"):
        made = _black(f"{line}\n    pass\n", width).split("\n")[:-2]
    else:
        made = _black(f"{line}\n", width).split("\n")[:-1]
    return "\n".join(" " * indent + it if it else "" for it in made)


def _black(source: str, width: int) -> str:
    mode = Mode(target_versions={TargetVersion.PY311}, line_length=width)
    return black.format_str(source, mode=mode)


def _no_python(error: Exception, template: str) -> RenderError:
    return RenderError(
        f"the template made text that is no Python: {error}",
        where=template,
        fix="this is a bug in engage-codegen; report it, with the schema",
    )
