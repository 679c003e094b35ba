"""The rows of the file, and their checksums."""

from contextlib import suppress
from typing import TypeAlias, cast

from ..entry import DAMAGE, Content, Entry, Row, State, as_entry, progress_check
from ..errors import OutboxError
from .failures import DAMAGED_FILE

Columns: TypeAlias = tuple[
    *tuple[int, State, float, int, int, str | None, float, float, int],
    *tuple[str, str, str, int, str, float, int, str, bytes],
]
"""All columns of an entry in the file. If it is damaged, its values can be of any type."""


def parse_row(columns: Columns) -> Row:
    """Convert a row of the file, and compare it with its checksums."""
    entry_id, state, _, posts, step, interaction_id, posted_at, missing_since, *rest = columns
    check, *parts, expected_check, _, body = cast(
        tuple[int, str, str, str, int, str, float, int, str, bytes], rest
    )
    content = Content(*cast(tuple[str, str, str, int, str, float], tuple(parts)), body)
    has_intact_content = False
    with suppress(*DAMAGE):
        has_intact_content = content.check() == expected_check
    progress = (state, posts, step, interaction_id, posted_at, missing_since)
    return Row(
        entry_id,
        content,
        *progress,
        has_intact_content=has_intact_content,
        has_intact_progress=progress_check(*progress) == check,
    )


def parse_entry(columns: Columns) -> Entry:
    """Convert a row of the file to an entry."""
    return as_entry(parse_row(columns), columns[16])


def check_order(name: str, last: int, entry_id: object) -> None:
    """Raise `OutboxError` for an id that is not above `last`: the scan would never end."""
    if not isinstance(entry_id, int) or entry_id <= last:
        raise OutboxError(f"{name}: {DAMAGED_FILE}")
