"""The filters of the templates. Each makes foreign text harmless in its place."""

import re
import textwrap
from collections.abc import Sequence

from ..model.ir import Code, Field, Package, Record, literal
from ..schema.names import Identifier
from ..schema.text import escape

_WIDTH = 88


def doc(text: str, indent: int = 0) -> Code:
    """Return the inside of a docstring in triple double quotes, wrapped behind `indent` spaces."""
    # Characters without a glyph are escaped visibly, because docstrings are shown in terminals, and
    # a lone surrogate would keep the module from being imported.
    safe = escape(text).replace("\\", "\\\\")
    safe = re.sub(r'"+$', lambda match: '\\"' * len(match.group()), safe)
    safe = safe.replace('"""', '\\"\\"\\"')
    # The first line is behind the indent and the quotes, the last line is before the quotes.
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
    """Return the inside of a cell of a Markdown table."""
    safe = escape(text).replace("&", "&amp;").replace("<", "&lt;")
    return Code(re.sub(r"([\\`*_\[\]|])", r"\\\1", safe))


def names(items: Sequence[Code | Field]) -> Code:
    """Return names joined by commas."""
    return Code(", ".join(item.name if isinstance(item, Field) else item for item in items))


def wires(fields: Sequence[Field]) -> Code:
    """Return a set display of the wire names."""
    if not fields:
        return Code("")
    return Code("{" + ", ".join(literal(field.wire) for field in fields) + "}")


def contract_cells(record: Record, package: Package) -> Code:
    """Return the cells of a row of the index that contracts fill."""
    if not package.has_contracts:
        return Code("")
    return Code(f" {cell(record.owner)} | {names(record.personal_fields)} |")


def only_code(value: object) -> object:
    """Return a value that a filter made harmless. Raises `TypeError` for any other value.

    This is the autoescape of the templates.
    """
    if not isinstance(value, (Code, Identifier)):
        raise TypeError(f"raw text in a template: {value!r}")
    return value


FILTERS = {
    "literal": literal,
    "doc": doc,
    "cell": cell,
    "contract_cells": contract_cells,
    "names": names,
    "wires": wires,
}
