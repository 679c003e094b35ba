"""A program of its own: regular expressions as a JSON list on stdin -> a list of strings for each
on stdout.

Hypothesis learns from the modules around it and keeps files. Here nothing is around it, and the
same expressions give the same strings.
"""

import json
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress

from hypothesis import HealthCheck, Phase, given, settings, strategies

_EACH = 25


def made(regex: str, *, is_whole: bool) -> Sequence[str]:
    """Strings that match, as a whole or somewhere in them."""
    found: list[str] = []

    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=_EACH,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(strategies.from_regex(regex, fullmatch=is_whole))
    def collect(text: str) -> None:
        found.append(text)

    # What it cannot do leaves a pattern without strings, which is told where it matters.
    with suppress(Exception):
        collect()
    return found


def main() -> None:
    """Made in the order of the list, so that none depends on what else is asked for."""
    warnings.simplefilter("ignore")
    regexes: list[str] = json.load(sys.stdin)
    json.dump([[*made(it, is_whole=True), *made(it, is_whole=False)] for it in regexes], sys.stdout)


if __name__ == "__main__":
    main()
