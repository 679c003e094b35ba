"""What templates may do with text: each filter makes it harmless in its place."""

import re
import textwrap
from collections.abc import Sequence

from ..model.ir import Code, Field, literal
from ..schema.names import Identifier
from ..schema.text import escape

_WIDTH = 88


def doc(text: str, indent: int = 0) -> Code:
    """The inside of a docstring in triple double quotes, wrapped below `indent` spaces."""
    # What has no glyph stands as its escape in plain sight: a docstring is shown in terminals, and
    # a lone surrogate in it would keep the module from being imported.
    safe = escape(text).replace("\\", "\\\\")
    safe = re.sub(r'"+$', lambda match: '\\"' * len(match.group()), safe)
    safe = safe.replace('"""', '\\"\\"\\"')
    # The first line stands behind the indent and the quotes, the last one before the quotes.
    lines = textwrap.wrap(
        safe,
        _WIDTH - 3,
        initial_indent=" " * (indent + 3),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return Code("\n".join(lines).lstrip(" "))


def cell(text: str) -> Code:
    """The inside of a cell of a Markdown table."""
    safe = escape(text).replace("&", "&amp;").replace("<", "&lt;")
    return Code(re.sub(r"([\\`*_\[\]|])", r"\\\1", safe))


def names(items: Sequence[Code | Field]) -> Code:
    """Names with commas between them."""
    return Code(", ".join(item.name if isinstance(item, Field) else item for item in items))


def wires(fields: Sequence[Field]) -> Code:
    """A set display of the names on the wire."""
    if not fields:
        return Code("")
    return Code("{" + ", ".join(literal(field.wire) for field in fields) + "}")


def only_code(value: object) -> object:
    """Refuse what no filter made harmless: an autoescape for Python."""
    if not isinstance(value, (Code, Identifier)):
        raise TypeError(f"raw text in a template: {value!r}")
    return value


FILTERS = {"literal": literal, "doc": doc, "cell": cell, "names": names, "wires": wires}
