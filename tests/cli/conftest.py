"""What the tests of the command line share."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from engage_codegen import __version__
from tests.support.paths import TESTS
from tests.support.tenants import envelope
from tests.support.tiers import draw
from tests.support.tool import Golden, Outcome, Tool, run_process

ErrorGolden = Callable[[str, Outcome], None]


@pytest.fixture
def package(project: Path, tool: Tool) -> Path:
    """A package of the schema `visit` from the folder `schemas`, as `pyproject.toml` says."""
    (project / "schemas").mkdir()
    (project / "schemas" / "visit.json").write_text(json.dumps(envelope("visit")))
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\noutput = "package"\nschemas = "schemas"\n'
    )
    assert tool("generate").code == 0
    return project / "package"


PROCESS = pytest.param("entry-point", marks=pytest.mark.slow)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select tests that start a process for each command: `make test` takes a few per module."""
    processes = [item for item in items if "[entry-point" in item.name]
    left_out = {*processes} - {*draw(processes, 2, lambda item: item.path)}
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


@pytest.fixture(params=["in-process", PROCESS])
def command(request: pytest.FixtureRequest, tool: Tool) -> Tool:
    """The command line, once in this process and once as a process of its own."""
    return tool if request.param == "in-process" else run_process


@pytest.fixture
def error_golden(golden: Golden, project: Path) -> ErrorGolden:
    """Compare the exit code, stdout and stderr of a command with a file in `tests/errors`."""

    def compare(name: str, outcome: Outcome) -> None:
        text = f"exit code {outcome.code}\n"
        for stream, content in (("stdout", outcome.out), ("stderr", outcome.err)):
            text += f"{stream}:\n{content}" if content else ""
        text = text.replace(str(project), "<project>").replace(__version__, "<version>")
        text = re.sub(r"127\.0\.0\.1:\d+", "<tenant>", text)
        golden(TESTS / "errors" / f"{name}.txt", text)

    return compare
