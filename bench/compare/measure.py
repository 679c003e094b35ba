"""Whole processes in alternation, by the operating system's own accounting of each."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

WARM_UP = 1

Figure = Literal["cpu", "wall", "memory"]


class Broken(Exception):
    """A measurement could not be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One run: seconds of user and system time, seconds on the clock, MiB at its largest."""

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `before` is done before each run, and is not part of it."""

    arguments: Sequence[str | Path]
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    code: int = 0
    before: Callable[[], object] = lambda: None


def surroundings(more: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the caller's environment but where programs are."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"LANG": "C.UTF-8"} | dict(more)


def run(command: Command) -> Usage:
    """Raises `Broken` where it ends with another code than it should."""
    command.before()
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(it) for it in command.arguments],
            cwd=command.folder,
            env=surroundings(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != command.code:
            output.seek(0)
            said = output.read().decode("utf-8", "replace").strip()
            raise Broken(f"exit code {process.returncode}: {said[-300:]}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Usage(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / unit)


def alternate(
    commands: Sequence[Command], rounds: int, warm_up: int = WARM_UP
) -> list[list[Usage]]:
    """All in turn, round by round: what the machine does besides befalls them alike."""
    made = [[run(command) for command in commands] for _ in range(warm_up + rounds)][warm_up:]
    return [list(it) for it in zip(*made, strict=True)]


def told(command: Command) -> dict[str, float]:
    """What a script measured in itself: the JSON object that it prints."""
    command.before()
    done = subprocess.run(
        [str(it) for it in command.arguments],
        cwd=command.folder,
        env=surroundings(command.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Broken(f"exit code {done.returncode}: {done.stderr.strip()[-300:]}")
    return cast(dict[str, float], json.loads(done.stdout))


def told_often(command: Command, rounds: int) -> dict[str, float]:
    """The medians over several processes; within each the script alternates."""
    runs = [told(command) for _ in range(rounds)]
    return {name: statistics.median(it[name] for it in runs) for name in runs[0]}


def middle(runs: Iterable[Usage], of: Figure = "cpu") -> float:
    """The median of one figure."""
    return statistics.median(cast(float, getattr(it, of)) for it in runs)
