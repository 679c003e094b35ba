"""A separate program: a JSON list of regular expressions on stdin -> a list of strings for each on
stdout.

Hypothesis collects constants from loaded modules and stores files. In a process of its own, equal
expressions always give equal strings.
"""

import json
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress

from hypothesis import HealthCheck, Phase, given, settings, strategies

_MAX_EXAMPLES = 25


def generate(regex: str, *, is_whole: bool) -> Sequence[str]:
    """Return strings that match as a whole, or in any part."""
    texts: list[str] = []

    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=_MAX_EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(strategies.from_regex(regex, fullmatch=is_whole))
    def collect(text: str) -> None:
        texts.append(text)

    # Without strings, the property is reported as valueless or the keyword as unreached.
    with suppress(Exception):
        collect()
    return texts


def main() -> None:
    """Generate the strings of each expression independently of the others."""
    warnings.simplefilter("ignore")
    regexes: list[str] = json.load(sys.stdin)
    strings = [
        [*generate(regex, is_whole=True), *generate(regex, is_whole=False)] for regex in regexes
    ]
    json.dump(strings, sys.stdout)


if __name__ == "__main__":
    main()
