"""Foreign text, made safe to show in terminals, messages and generated files."""

import re

UNSAFE_IN_TEXT = re.compile(
    "[\\x00-\\x1f\\x7f-\\xa0\\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    "\\ud800-\\udfff\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)
"""Characters that are escaped wherever text is written: control characters, unusual spaces,
bidirectional overrides, and characters without a glyph. The list is fixed, so that the Unicode
version of the running Python does not change the output."""


def escape_match(match: re.Match[str]) -> str:
    """Return one character as an escape sequence of Python and TOML (``\\u00e9``)."""
    code = ord(match.group())
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def escape(text: str) -> str:
    """Return `text` with every unsafe character as an escape sequence."""
    return UNSAFE_IN_TEXT.sub(escape_match, text)


def quote(text: str, limit: int = 80) -> str:
    """Return foreign text in single quotes, on one line, cut at `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "'" + escape(cut.replace("\n", "\\n")) + "'"
