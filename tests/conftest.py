"""What the tests share: the command line in process, goldens, a sandbox, the corpora."""

import os
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

from engage_codegen.cli import app
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from tests.support.paths import CORPORA, TESTS
from tests.support.tool import Golden, Outcome, Tool

# A busy machine is no failure.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="write the expected files; read the diff"
    )


LONG = ("verify", "integrations", "render", "output", "sandbox", "docs")
"""The folders with the longest tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that all workers have something to do until the end."""
    folders = [TESTS / name for name in LONG]
    items.sort(key=lambda item: not any(folder in item.path.parents for folder in folders))


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Nothing of the machine's own configuration reaches a test, or a fixture of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("PIP_NO_COMPILE", "1")  # half of the time of an installation
        for name in list(os.environ):
            if name.startswith("ENGAGE_"):
                patch.delenv(name)
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tool(capsys: pytest.CaptureFixture[str]) -> Tool:
    """The command line: `tool("generate", "--schemas", folder)`."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = app.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with a file; with --update-goldens write the file instead."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-goldens"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
        assert text == path.read_bytes().decode("utf-8"), f"differs from {path}"

    return compare


@pytest.fixture(scope="session")
def engage() -> Generator[Sandbox]:
    """A sandbox with its example tenant, shared by tests that leave its schemas alone."""
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def tenant(engage: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The environment variables of the sandbox."""
    monkeypatch.setenv("ENGAGE_BASE_URL", engage.base_url)
    monkeypatch.setenv("ENGAGE_API_KEY", engage.api_key)
    monkeypatch.setenv("ENGAGE_USER_AGENT", "engage-codegen-tests/1.0")
    return engage


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Inputs that nobody here wrote."""
    if not CORPORA.is_dir():
        pytest.skip(f"no corpora at {CORPORA}")
    return CORPORA
