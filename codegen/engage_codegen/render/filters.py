"""The filters of the templates. Each makes foreign text harmless in its place."""

import re
from collections.abc import Callable, Sequence

from ..model.ir import Code, Field, Package, Record, literal
from ..schema.names import Identifier
from ..schema.text import escape, escape_match
from .docstrings import format_docstring


def doc(text: str, indent: int = 0) -> Code:
    """Return the inside of a docstring in triple double quotes, wrapped behind `indent` spaces."""
    return format_docstring(text, indent)


def cell(text: str) -> Code:
    """Return the inside of a cell of a Markdown table: GitHub and GitLab render no link, reference,
    emoji or formula in it."""
    safe = _MAIL.sub(escape_match, escape(text)).replace("&", "&amp;").replace("<", "&lt;")
    return Code(_INLINE.sub(r"\\\g<0>", safe))


_MAIL = re.compile(r"@(?=[^ ])")
"""GitHub makes links of mail addresses after it removed the backslashes."""
_INLINE = re.compile(r"[\\`*_\[\]|~$]|#(?=[^ ])|[:/.](?=[^ ])")


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
    owner = escape(record.owner).replace("`", "'").replace("|", "\\|")
    return Code(f" {f'`{owner}`' if owner else ''} | {names(record.personal_fields)} |")


def only_code(value: object) -> object:
    """Return a value that a filter made harmless. Raises `TypeError` for any other value.

    This is the autoescape of the templates.
    """
    if not isinstance(value, (Code, Identifier)):
        raise TypeError(f"raw text in a template: {value!r}")
    return value


FILTERS: dict[str, Callable[..., Code]] = {
    "literal": literal,
    "doc": doc,
    "cell": cell,
    "contract_cells": contract_cells,
    "names": names,
    "wires": wires,
}
