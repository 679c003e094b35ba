"""What a person waits for: a change under `--watch`, and a pull."""

import json
import queue
import statistics
import subprocess
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import inputs
from .inputs import PACKAGE
from .measure import Broken, Command, middle, run, surroundings
from .rows import Group, Measured, Options, Row
from .serving import Server, most_in_a_second, serving

_PATIENCE = 20.0
_STEP = 0.0005
_LATENCY = 0.1
_MANY = 60


def _said(process: subprocess.Popen[str]) -> "queue.Queue[str]":
    """The lines of a process as they come."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    return lines


@contextmanager
def _watching(folder: Path) -> Generator["queue.Queue[str]"]:
    command = inputs.tool(folder, "generate", "--watch")
    with subprocess.Popen(
        [str(it) for it in command.arguments],
        cwd=folder,
        env=surroundings(command.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _said(process)
        finally:
            process.kill()


def _until(lines: "queue.Queue[str]", start: str) -> None:
    try:
        while not (line := lines.get(timeout=_PATIENCE)).startswith(start):
            if line.startswith("error"):
                raise Broken(line)
    except queue.Empty:
        raise Broken(f"it never said {start!r}") from None


def _watch(options: Options) -> Iterator[Measured]:
    rounds = options.often(15)
    folder = inputs.project("watch", 15, of_files=True)
    run(inputs.tool(folder, "generate"))
    source, module = folder / "schemas" / "review.json", folder / PACKAGE / "review.py"
    took: list[float] = []
    with _watching(folder) as lines:
        _until(lines, "watching")
        for number in range(rounds + 1):
            schema = json.loads(source.read_text("utf-8"))
            schema["jsonSchema"]["properties"] |= {f"new{number}": {"type": "string"}}
            text = json.dumps(schema)
            began = time.perf_counter()
            source.write_text(text, "utf-8")
            while f"new{number}" not in module.read_text("utf-8"):
                if time.perf_counter() - began > _PATIENCE:
                    raise Broken("the module did not change")
                time.sleep(_STEP)
            took.append(time.perf_counter() - began)
            _until(lines, "watching")
            # An editor's next save is not in the same moment.
            time.sleep(0.2)
    slowest = {"ms, the slowest": max(took[1:]) * 1000}
    yield Measured("watch", statistics.median(took[1:]) * 1000, rounds=rounds, more=slowest)


def _pulling(folder: Path, server: Server) -> Command:
    command = inputs.tool(folder, "pull")
    variables = {"ENGAGE_BASE_URL": server.base_url, "ENGAGE_API_KEY": "bench"}

    def empty() -> None:
        for file in (folder / PACKAGE).rglob("*.json"):
            file.unlink()

    environment = {**command.environment, **variables}
    return Command(command.arguments, folder, environment, before=empty)


def _pull(options: Options) -> Iterator[Measured]:
    rounds = options.often(9)
    folder = inputs.project("pull", 0)
    schemas = inputs.write(folder / "tenant", inputs.schemas(15))
    with serving(delay=_LATENCY, schemas=schemas, is_tls=False) as server:
        runs = [run(_pulling(folder, server)) for _ in range(rounds + 1)][1:]
    more = {"ms of the processor": middle(runs) * 1000}
    yield Measured("pull", middle(runs, "wall") * 1000, rounds=rounds, more=more)


def _pull_pace(options: Options) -> Iterator[Measured]:
    rounds = options.often(9)
    folder = inputs.project("pull-pace", 0)
    schemas = inputs.write(folder / "tenant", inputs.schemas(_MANY))
    most: list[int] = []
    for _ in range(rounds):
        with serving(schemas=schemas, is_tls=False) as server:
            run(_pulling(folder, server))
            most.append(most_in_a_second(server.arrivals()))
    yield Measured("pull-pace", max(most), rounds=rounds)


GROUPS = (
    Group(
        (Row("watch", "a change under `generate --watch`, 15 schemas, on the clock", "", 150),),
        _watch,
    ),
    Group(
        (Row("pull", "`pull` of 15 schemas, answers after 100 ms, on the clock", "", 600),),
        _pull,
    ),
    Group(
        (
            Row(
                "pull-pace",
                f"`pull` of {_MANY} schemas, requests in any second, at most",
                "",
                50,
                "a second",
            ),
        ),
        _pull_pace,
    ),
)
