"""Docstrings as documents: readers render them as reStructuredText (Sphinx, PyCharm) or Markdown
(pdoc, VS Code), and doctest runs them. Foreign text stays text in all of these."""

import re
import textwrap

from ..model.ir import Code, Prose
from ..schema.text import escape, escape_match

_WIDTH = 88
_SPACE = "\x00"
"""Stands for a space at which no line may end."""

_MARKUP = re.compile(
    r"[\\`*\[\]|~]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])"  # emphasis, literals, links, substitutions
    r"|(?<=:):|(?<=[Ww])\.(?=\S)"  # literal blocks, ``www.`` links
    r"|&(?=\#?\w+;)",  # entities
    re.ASCII,
)
_SCHEME = re.compile(r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9+.-]{0,30})(?=:[^ ])")
WITHOUT_ESCAPE = re.compile(r"<(?![ 0-9=]|$)|@(?=[^ ])")
"""Tags, mail addresses, and ``@private`` of pdoc: backslashes fail in pdoc, entities in Sphinx."""
_BLOCK = re.compile(
    r"(?=[#>+=:.!%&*),/;?@|}~^_\]-]|([\"'(<${])\1*$)"  # headings, lists, directives, doctests
)
_LABEL = re.compile(
    r"(\(?(?:[0-9]+|[A-Za-z]|[IVXLCDMivxlcdm]+))(?=[.)](?: |$))"  # the number of a list item
    r"|([\w ]+)(?=:$)",  # the heading of a section
    re.ASCII,
)


def format_docstring(text: str, indent: int) -> Code:
    """Return the inside of a docstring in triple double quotes, wrapped behind `indent` spaces.

    Only the `Code` in a `Prose` keeps its markup.
    """
    pieces = text.pieces if isinstance(text, Prose) else (text,)
    markup = "".join(
        piece.replace(" ", _SPACE) if isinstance(piece, Code) else escape_prose(piece)
        for piece in pieces
    )
    # The first line is behind the indent and the quotes, the last line is before the quotes.
    lines = textwrap.wrap(
        markup,
        _WIDTH - 3,
        initial_indent=" " * (indent + 3),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return Code(_quote("\n".join(map(_escape_block, lines)).lstrip(" ").replace(_SPACE, " ")))


def escape_prose(text: str) -> str:
    """Return foreign text that renders as itself inside a paragraph."""
    # Characters without a glyph are escaped visibly, because docstrings are shown in terminals, and
    # a lone surrogate would keep the module from being imported.
    visible = WITHOUT_ESCAPE.sub(escape_match, escape(text))
    return _SCHEME.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", visible))


def _escape_block(line: str) -> str:
    """Return a line that begins no block: no heading, list, directive, HTML or doctest."""
    text = line.lstrip(" ")
    indent = line[: len(line) - len(text)]
    if not text.strip("\\"):
        return indent + text.replace(r"\\", r"\\u005c")
    label = _LABEL.match(text) or _BLOCK.match(text)
    end = label.end() if label else 0
    return indent + text[:end] + ("\\" if label else "") + text[end:]


def _quote(text: str) -> str:
    safe = text.replace("\\", "\\\\")
    safe = re.sub(r'"+$', lambda match: '\\"' * len(match.group()), safe)
    return safe.replace('"""', '\\"\\"\\"')
