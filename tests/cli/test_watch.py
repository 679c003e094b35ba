"""`generate --watch` generates after each change, and keeps the last good package."""

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

pytestmark = pytest.mark.slow

TASKS = ROOT / "codegen/engage_codegen/integrations/files/tasks.json"
MATCHER = json.loads(TASKS.read_text())["tasks"][-1]["problemMatcher"]
PROGRAM = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('engage_codegen', run_name='__main__')"
)


class RunningWatch:
    """A running watch, and the lines that it printed."""

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

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.01)

    def lines_after(self, change: Callable[[], object]) -> list[str]:
        """Make a change, and return the lines up to the end of the next round."""
        rounds, start = self.rounds, len(self.lines)
        change()
        self.wait_until(lambda: self.rounds > rounds)
        return self.lines[start:]

    @property
    def rounds(self) -> int:
        pattern = re.compile(MATCHER["background"]["endsPattern"])
        return sum(pattern.search(line) is not None for line in self.lines)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def watched(project: Path) -> Generator[RunningWatch]:
    (project / "schemas").mkdir()
    (project / "schemas/visit.json").write_text(json.dumps(envelope("visit")))
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "package"\nuser-agent = "a/1"\n'
    )
    watch = RunningWatch(project)
    try:
        watch.wait_until(lambda: watch.rounds == 1)
        yield watch
    finally:
        if watch.process.poll() is None:
            watch.stop()


def test_a_changed_schema_is_generated_at_once(watched: RunningWatch, project: Path) -> None:
    assert (project / "package/visit.py").exists()
    file = project / "schemas/visit.json"
    lines = watched.lines_after(
        lambda: file.write_text(json.dumps(envelope("visit", {"x": {"type": "string"}})))
    )
    assert re.search(MATCHER["background"]["beginsPattern"], lines[0])
    assert "schemas/visit.json" in lines[0]
    watched.wait_until(lambda: "x: str" in (project / "package/visit.py").read_text())
    other = project / "schemas/other.json"
    watched.lines_after(lambda: other.write_text(json.dumps(envelope("other"))))
    watched.wait_until((project / "package/other.py").exists)
    watched.lines_after(other.unlink)
    watched.wait_until(lambda: not (project / "package/other.py").exists())
    assert watched.stop() == 0
    assert watched.lines[-1] == "stopped"


@pytest.mark.parametrize("name", ["door.lock.json", "other.JSON", "sub/other.json"])
def test_every_file_that_generate_reads_is_watched(
    watched: RunningWatch, project: Path, name: str
) -> None:
    file = project / "schemas" / name
    file.parent.mkdir(exist_ok=True)
    watched.lines_after(lambda: file.write_text(json.dumps(envelope("other"))))
    watched.wait_until((project / "package/other.py").exists)
    changed = json.dumps(envelope("other", {"x": {"type": "string"}}))
    lines = watched.lines_after(lambda: file.write_text(changed))
    assert f"schemas/{name}" in lines[0]
    watched.wait_until(lambda: "x: str" in (project / "package/other.py").read_text())


def test_an_error_is_shown_on_its_line_and_keeps_the_last_good_package(
    watched: RunningWatch, project: Path
) -> None:
    before = (project / "package/visit.py").read_bytes()
    file = project / "schemas/visit.json"
    for bad in ("{", json.dumps(envelope("visit", {"x": {"type": "text"}}))):
        lines = watched.lines_after(partial(file.write_text, bad))
        pattern = MATCHER["pattern"]
        match = next(filter(None, (re.match(pattern["regexp"], line) for line in lines)))
        assert match[pattern["file"]] == "schemas/visit.json"
        assert match[pattern["severity"]] == "error"
        assert (project / "package/visit.py").read_bytes() == before
    file.write_text(json.dumps(envelope("visit", {"y": {"type": "string"}})))
    watched.wait_until(lambda: "y: str" in (project / "package/visit.py").read_text())


def test_a_changed_configuration_is_used_at_once(watched: RunningWatch, project: Path) -> None:
    file = project / "pyproject.toml"
    text = file.read_text()
    lines = watched.lines_after(lambda: file.write_text(text + "["))
    assert any("pyproject.toml:1:1: error EG501: " in line for line in lines)
    file.write_text(text + 'without = ["bulk"]\n')
    watched.wait_until(lambda: not (project / "package/bulk.py").exists())


def test_templates_and_contracts_are_watched(watched: RunningWatch, project: Path) -> None:
    (project / "own/once").mkdir(parents=True)
    (project / "contracts").mkdir()
    config = project / "pyproject.toml"
    keys = 'templates = "own"\ncontracts = "contracts"\n'
    watched.lines_after(lambda: config.write_text(config.read_text() + keys))
    template = project / "own/once/page.md.jinja"
    for text in ("first", "second"):
        source = f"{{# template contract 1.0 #}}\n{text}\n"
        lines = watched.lines_after(partial(template.write_text, source))
        assert "own/once/page.md.jinja" in lines[0]
        assert (project / "package/page.md").read_text() == f"{text}\n"
    watched.lines_after(template.unlink)
    assert not (project / "package/page.md").exists()
    contract = project / "contracts/visit.toml"
    watched.lines_after(lambda: contract.write_text('owner = "a"\n'))
    assert "``a``" in (project / "package/visit.py").read_text()


def test_a_folder_that_is_replaced_is_still_watched(watched: RunningWatch, project: Path) -> None:
    (project / "schemas").rename(project / "old")
    watched.wait_until(lambda: any("no such file" in line for line in watched.lines))
    (project / "schemas").mkdir()
    (project / "schemas/late.json").write_text(json.dumps(envelope("late")))
    watched.wait_until((project / "package/late.py").exists)
    (project / "schemas/later.json").write_text(json.dumps(envelope("later")))
    watched.wait_until((project / "package/later.py").exists)


def test_without_its_extra_the_option_names_what_to_install(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    monkeypatch.delitem(sys.modules, "engage_codegen.verbs.watch", raising=False)
    outcome = tool("generate", "--watch")
    assert outcome.code == 2
    assert "engage-codegen[watch]" in outcome.err
