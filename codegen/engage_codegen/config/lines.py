"""The line of a key in a TOML file, which `tomllib` does not tell."""

import re
from pathlib import Path

from ..errors import Location
from .toml import read_text

_HEADER = re.compile(r"\s*\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?")


def locate_key(path: Path | None, section: str, key: str) -> Location:
    """Return the place of a key in a section: its own line, or the header of its table.

    Line 1 stands for a key that is written in a way that this search does not cover, such as an
    inline table. Without a file the place is empty.
    """
    if path is None:
        return Location()
    assignment = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[.=]""")
    current = ""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        header = _HEADER.fullmatch(line)
        if header:
            current = header[1]
        is_own_table = header and (current + ".").startswith(f"{section}.{key}.")
        if is_own_table or (current == section and assignment.match(line)):
            return Location(str(path), "", number, len(line) - len(line.lstrip()) + 1)
    return Location(str(path), "", 1, 1)
