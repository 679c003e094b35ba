"""The outbox: what a put costs beside SQLite itself."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from . import inputs
from .environments import python
from .measure import Command, told_often
from .rows import Group, Measured, Options, Row
from .serving import SCRIPTS


def _puts(durability: str, options: Options) -> Iterator[Measured]:
    rounds = options.often(9)
    folder = inputs.package(1)
    files = folder / "files"

    def empty() -> None:
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()

    arguments: list[str | Path] = [python("httpx"), SCRIPTS / "outbox.py", files, durability]
    seen = told_often(Command(arguments, folder, {"PYTHONPATH": str(folder)}, before=empty), rounds)
    floor = {"floor": seen["floor"] / seen["bare"]}
    yield Measured(f"outbox-{durability}", seen["ours"], seen["bare"], rounds=rounds, more=floor)


_BARE = "SQLite alone, a row of that size"

GROUPS = tuple(
    Group(
        (
            Row(
                f"outbox-{durability}",
                f"`put` into the outbox, {durability}, on the clock",
                _BARE,
                1.3,
                "µs",
            ),
        ),
        partial(_puts, durability),
    )
    for durability in ("flushed", "unflushed")
)
