"""Strings for patterns, made by Hypothesis where it is installed. The same ones in every run."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from ..model.regex import translate
from .values import Matching

_SECONDS = 300


def strings(patterns: Iterable[str]) -> Matching:
    """What finds strings for these patterns, those first that are as long as is allowed.

    A pattern is read in both ways: as Python would, where it can, and as JSON Schema means it. What
    only one of them matches lies where mistakes are.
    """
    readings = {pattern: _readings(pattern) for pattern in patterns}
    made = _made(sorted({regex for each in readings.values() for regex in each}))

    def matching(pattern: str, shortest: int, longest: int | None) -> Sequence[str]:
        found = dict.fromkeys(
            text for regex in readings.get(pattern, ()) for text in made.get(regex, ())
        )
        return sorted(found, key=lambda it: not shortest <= len(it) <= (longest or len(it)))

    return matching


def _readings(pattern: str) -> Sequence[str]:
    readings: list[str] = []
    for read in (translate, str):
        with suppress(ValueError, re.error, RecursionError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = read(pattern)
            re.compile(text)
            readings.append(text)
    return list(dict.fromkeys(readings))


def _made(regexes: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """None, also where it takes too long: some expressions do."""
    if not regexes or importlib.util.find_spec("hypothesis") is None:
        return {}
    program = Path(__file__).with_name("strings.py")
    with TemporaryDirectory(prefix="engage-codegen-", ignore_cleanup_errors=True) as folder:
        try:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-P", str(program)],
                input=json.dumps(regexes),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=os.environ
                | {"HYPOTHESIS_STORAGE_DIRECTORY": folder, "HYPOTHESIS_NO_PLUGINS": "1"},
                timeout=_SECONDS,
                encoding="utf-8",
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return {}
    return dict(zip(regexes, cast("list[list[str]]", json.loads(done.stdout)), strict=True))
