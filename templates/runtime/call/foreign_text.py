"""Text of a server in messages."""


def printable_line(text: str) -> str:
    """Join the lines of a text, cut it off, and replace what could control a terminal."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text[:2000].split()))
