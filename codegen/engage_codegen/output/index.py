"""INDEX.md in the lock file: its rows apart, so that a new schema changes no other line. Pure."""

from ..schema.jsontext import digest

INDEX_PATH = "INDEX.md"
_ROW_START = "| `"


def has_fingerprint(path: str, data: bytes, value: str) -> bool:
    """Return True if `Lockfile.written_files` has this value for a file with these contents."""
    if digest(data) == value:
        return True
    if path != INDEX_PATH:
        return False
    frame, rows = split_index(data.decode("utf-8", "replace").replace("\r\n", "\n"))
    return index_fingerprint(digest(frame), [digest(row) for row in rows]) == value


def split_index(text: str) -> tuple[str, list[str]]:
    """Return INDEX.md without its rows, which are its end, and its rows.

    The lock file has a digest of each row in the line of its schema, so that a new schema changes
    no other line.
    """
    lines = text.splitlines(keepends=True)
    count = 0
    while count < len(lines) and lines[-count - 1].startswith(_ROW_START):
        count += 1
    end = len(lines) - count
    return "".join(lines[:end]), lines[end:]


def index_fingerprint(frame: str, rows: list[str]) -> str:
    """Return the fingerprint of INDEX.md from the digests of its frame and of its rows."""
    return digest("\n".join([frame, *rows]))
