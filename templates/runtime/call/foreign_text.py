"""Text of a server or a payload in messages."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters without a glyph that Python calls printable."""


def printable_line(text: str) -> str:
    """Join the lines of a text, cut it off, and replace what could control a terminal."""
    line = " ".join(text[:2000].split())
    return "".join(c if c.isprintable() and c not in _INVISIBLE else " " for c in line)
