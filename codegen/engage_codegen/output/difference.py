"""Texts compared line by line, in linear time where the texts are long. Pure."""

import difflib
from collections.abc import Iterator, Sequence

MAX_LINES = 5_000
"""The longest texts of which the shortest difference is computed, which takes quadratic time."""


def compare_lines(
    old: Sequence[str], new: Sequence[str], old_name: str, new_name: str, limit: int = MAX_LINES
) -> Iterator[str]:
    """Yield a unified diff of lines without line ends; nothing for equal lines.

    A text of more than `limit` lines gives one hunk without context, from the first line that
    differs to the last.
    """
    if len(old) + len(new) <= 2 * limit:
        yield from difflib.unified_diff(old, new, old_name, new_name, lineterm="")
        return
    shorter = min(len(old), len(new))
    start = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    rest = shorter - start
    end = next((n for n in range(rest) if old[-n - 1] != new[-n - 1]), rest)
    deleted, added = old[start : len(old) - end], new[start : len(new) - end]
    if deleted or added:
        yield f"--- {old_name}"
        yield f"+++ {new_name}"
        ranges = (
            f"{start + bool(lines)},{len(lines)}" for lines in (deleted, added)
        )  # line 0 for nothing before the first line
        yield "@@ -{} +{} @@".format(*ranges)
        yield from (f"-{line}" for line in deleted)
        yield from (f"+{line}" for line in added)
