"""The API key in foreign text: an answer may echo it, in any spelling."""

import re

_HIDDEN = b"[key]"


class KeyFilter:
    """Replaces a key by ``[key]``, also if JSON, a URL or HTML has escaped it."""

    def __init__(self, key: str) -> None:
        spellings = (_spellings(character) for character in key.encode("utf-8", "replace"))
        self._pattern = re.compile(b"".join(spellings))

    def hide_in(self, data: bytes) -> bytes:
        """Return the data without the key."""
        return self._pattern.sub(_HIDDEN, data)

    def hide_in_text(self, text: str) -> str:
        """Return the text without the key."""
        return self.hide_in(text.encode("utf-8", "replace")).decode("utf-8", "replace")


def _spellings(byte: int) -> bytes:
    """Return a pattern for all spellings of an ASCII character."""
    hexadecimal = b"".join(b"[%c%c]" % (ord(digit), ord(digit.upper())) for digit in f"{byte:02x}")
    return (
        rb"(?:\\{0,4}"
        + re.escape(bytes([byte]))
        + rb"|\\{1,4}u00"
        + hexadecimal
        + rb"|%(?:25){0,3}"
        + hexadecimal
        + rb"|&#(?:0{0,4}"
        + str(byte).encode()
        + rb"|[xX]0{0,4}"
        + hexadecimal
        + rb");)"
    )
