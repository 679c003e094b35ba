"""`generate --watch`: a change is made at once, bad input leaves the last good output."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.tenants import envelope
from tests.support.tool import Tool

TASKS = ROOT / "codegen/engage_codegen/integrations/files/tasks.json"
MATCHER = json.loads(TASKS.read_text())["tasks"][-1]["problemMatcher"]
PROGRAM = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('engage_codegen', run_name='__main__')"
)


class Watched:
    """A watch that runs, and the lines that it said."""

    def __init__(self, project: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "generate", "--watch"],
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.01)

    def after(self, change: Callable[[], object]) -> list[str]:
        """The lines of the rounds that a change brings, up to the end of one that saw it."""
        rounds, start = self.rounds, len(self.lines)
        change()
        self.until(lambda: self.rounds > rounds)
        return self.lines[start:]

    @property
    def rounds(self) -> int:
        return sum(re.search(MATCHER["background"]["endsPattern"], it) is not None
                   for it in self.lines)  # fmt: skip

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def watched(project: Path) -> Generator[Watched]:
    (project / "schemas").mkdir()
    (project / "schemas/visit.json").write_text(json.dumps(envelope("visit")))
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "package"\nuser-agent = "a/1"\n'
    )
    made = Watched(project)
    try:
        made.until(lambda: made.rounds == 1)
        yield made
    finally:
        if made.process.poll() is None:
            made.stop()


def test_a_change_of_a_schema_is_made(watched: Watched, project: Path) -> None:
    assert (project / "package/visit.py").exists()
    file = project / "schemas/visit.json"
    told = watched.after(
        lambda: file.write_text(json.dumps(envelope("visit", {"x": {"type": "string"}})))
    )
    assert re.search(MATCHER["background"]["beginsPattern"], told[0])
    assert "schemas/visit.json" in told[0]
    watched.until(lambda: "x: str" in (project / "package/visit.py").read_text())
    other = project / "schemas/other.json"
    watched.after(lambda: other.write_text(json.dumps(envelope("other"))))
    watched.until((project / "package/other.py").exists)
    watched.after(other.unlink)
    watched.until(lambda: not (project / "package/other.py").exists())
    assert watched.stop() == 0
    assert watched.lines[-1] == "stopped"


def test_bad_input_leaves_the_last_good_output(watched: Watched, project: Path) -> None:
    before = (project / "package/visit.py").read_bytes()
    file = project / "schemas/visit.json"
    for bad in ("{", json.dumps(envelope("visit", {"x": {"type": "text"}}))):
        told = watched.after(partial(file.write_text, bad))
        found = [match for it in told if (match := re.match(MATCHER["pattern"]["regexp"], it))]
        assert found[0][MATCHER["pattern"]["file"]] == "schemas/visit.json"
        assert found[0][MATCHER["pattern"]["severity"]] == "error"
        assert any(it.startswith("error: ") for it in told)
        assert (project / "package/visit.py").read_bytes() == before
    file.write_text(json.dumps(envelope("visit", {"y": {"type": "string"}})))
    watched.until(lambda: "y: str" in (project / "package/visit.py").read_text())


def test_a_change_of_the_configuration_is_made(watched: Watched, project: Path) -> None:
    file = project / "pyproject.toml"
    text = file.read_text()
    assert any("not TOML" in it for it in watched.after(lambda: file.write_text(text + "[")))
    file.write_text(text + 'without = ["bulk"]\n')
    watched.until(lambda: not (project / "package/bulk.py").exists())


def test_a_folder_that_is_replaced_is_still_watched(watched: Watched, project: Path) -> None:
    (project / "schemas").rename(project / "old")
    watched.until(lambda: any("no such file" in it for it in watched.lines))
    (project / "schemas").mkdir()
    (project / "schemas/late.json").write_text(json.dumps(envelope("late")))
    watched.until((project / "package/late.py").exists)
    (project / "schemas/later.json").write_text(json.dumps(envelope("later")))
    watched.until((project / "package/later.py").exists)


def test_without_its_extra_it_says_what_is_missing(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    monkeypatch.delitem(sys.modules, "engage_codegen.watch", raising=False)
    outcome = tool("generate", "--watch")
    assert outcome.code == 2
    assert "engage-codegen[watch]" in outcome.err
