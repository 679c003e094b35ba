"""TOML of a file that is not trusted: limits of size and depth, and one kind of error."""

import re
import tomllib
from pathlib import Path

from ..filesystem import MAX_CONFIG_BYTES, read_bytes

_MAX_PARTS = 100
# tomllib takes quadratic time for a key with many parts.
_LONG_KEY = re.compile(
    rf"""(?<![\w-])((?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_MAX_PARTS}}}"""
)


def read_text(path: Path) -> str:
    """Return the text of a TOML file, without a byte order mark.

    Raises `OSError` for a file that cannot be read, and `ValueError` for one that is not UTF-8.
    """
    return read_bytes(path, MAX_CONFIG_BYTES).decode("utf-8-sig")


def parse_toml(text: str) -> dict[str, object]:
    """Parse TOML. A byte order mark is ignored. Raises `ValueError` for whatever is wrong."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") >= _MAX_PARTS and _LONG_KEY.search(line):
            raise ValueError(f"a key has more than {_MAX_PARTS} parts (at line {number})")
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("the values are nested too deeply") from None
