"""Strings that match patterns, from Hypothesis if it is installed. Every run gets the same ones."""

import importlib.util
import json
import os
import re
import subprocess  # nosec B404
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from ..model.regex import translate
from .values import Matching

_TIMEOUT = 300


def generate_strings(patterns: Iterable[str]) -> Matching:
    """Return a function that looks up strings for these patterns, those of a valid length first.

    Each pattern is read as JSON Schema defines it, and also as Python would read it. Mistakes are
    likely in strings that only one of the two matches.
    """
    readings = {pattern: _read_pattern(pattern) for pattern in patterns}
    strings = _run_hypothesis(sorted({regex for item in readings.values() for regex in item}))

    def matching(pattern: str, shortest: int, longest: int | None) -> Sequence[str]:
        texts = dict.fromkeys(
            text for regex in readings.get(pattern, ()) for text in strings.get(regex, ())
        )
        return sorted(texts, key=lambda text: not shortest <= len(text) <= (longest or len(text)))

    return matching


def _read_pattern(pattern: str) -> Sequence[str]:
    readings: list[str] = []
    for read in (translate, str):
        with suppress(ValueError, re.error, RecursionError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = read(pattern)
            re.compile(text)
            readings.append(text)
    return list(dict.fromkeys(readings))


def _run_hypothesis(regexes: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return strings for each expression.

    Returns none at all if Hypothesis is missing or takes too long, as it does for some expressions.
    """
    if not regexes or importlib.util.find_spec("hypothesis") is None:
        return {}
    program = Path(__file__).with_name("strings.py")
    with TemporaryDirectory(prefix="engage-codegen-", ignore_cleanup_errors=True) as folder:
        try:
            process = subprocess.run(  # noqa: S603  # nosec B603
                [sys.executable, "-P", str(program)],
                input=json.dumps(regexes),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=os.environ
                | {"HYPOTHESIS_STORAGE_DIRECTORY": folder, "HYPOTHESIS_NO_PLUGINS": "1"},
                timeout=_TIMEOUT,
                encoding="utf-8",
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return {}
    return dict(zip(regexes, cast("list[list[str]]", json.loads(process.stdout)), strict=True))
