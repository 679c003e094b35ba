"""Generated packages, for each test a copy of its own."""

import functools
import os
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from engage_codegen import pipeline
from engage_codegen.config import PARTS, Config
from engage_codegen.render.env import environment
from engage_codegen.render.format import format_module
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import ignore_progress
from tests.output.kills import Job
from tests.output.projects import Project
from tests.support.packages import Package, read_tree, write_schemas


@pytest.fixture(scope="session")
def fast_rendering() -> Generator[None]:
    """Compile each template and format each text once: these tests render few modules often."""
    with pytest.MonkeyPatch.context() as patch:
        place = "engage_codegen.render.package"
        patch.setattr(f"{place}.environment", functools.cache(environment))
        patch.setattr(f"{place}.format_module", functools.cache(format_module))
        yield


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory, fast_rendering: None) -> Path:
    folder = tmp_path_factory.mktemp("original")
    write_schemas(folder / "schemas", {"Visit-b": ["shop"], "Visit-d": ["shop", "cashier"]})
    Package(folder).generate()
    return folder


@pytest.fixture
def package(original: Path, tmp_path: Path, fast_rendering: None) -> Package:
    """A package with two schemas that is up to date."""
    shutil.copytree(original, tmp_path / "project")
    return Package(tmp_path / "project")


@pytest.fixture(scope="session")
def original_changing(tmp_path_factory: pytest.TempPathFactory, fast_rendering: None) -> Path:
    folder = tmp_path_factory.mktemp("changing")
    project = Project(folder)
    write_schemas(folder / "before", {f"Visit-{letter}": ["shop"] for letter in "abc"})
    after = {"Visit-a": ["cashier"], "Visit-c": ["shop"], "Visit-d": ["x"]}
    write_schemas(folder / "after", after)
    pipeline.generate(project.after)
    shutil.copytree(project.output, folder / "expected")
    shutil.rmtree(project.output)
    pipeline.generate(project.before)
    return folder


@pytest.fixture
def changing(original_changing: Path, tmp_path: Path, fast_rendering: None) -> Project:
    """A package whose schemas changed in every way since it was generated."""
    shutil.copytree(original_changing, tmp_path / "changing")
    return Project(tmp_path / "changing")


BEFORE = {f"Visit-{letter}": ["shop", "spent"] for letter in "acegik"}
AFTER = {key: names for key, names in BEFORE.items() if key != "Visit-e"} | {
    "Visit-a": ["shop", "spent", "cashier"],
    "Visit-f": ["shop"],
    "Visit-i": ["counter"],
}
RAM = "/dev/shm"


@pytest.fixture(scope="module")
def scratch() -> Generator[Path]:
    """A folder in memory, where the system has such a place: hundreds of packages come and go."""
    with tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module", params=["generate", "first generate", "pull", "after pull"])
def job(request: pytest.FixtureRequest, scratch: Path, fast_rendering: None) -> Generator[Job]:
    """Runs that add, change and delete files. A kill is no power cut, so nothing is flushed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", int)
        yield make_job(request.param, scratch / request.param)


def make_job(name: str, folder: Path) -> Job:
    folder.mkdir()
    before = write_schemas(folder / "before", BEFORE)
    after = write_schemas(folder / "after", AFTER)
    output, saved = folder / "package", folder / "saved"
    offline = Config(output=output, without=PARTS)
    config = replace(offline, schemas=(after,))

    def pull() -> object:
        source = FileSource((after,))
        return pipeline.pull(offline, source, (), force=False, progress=ignore_progress)

    if name != "first generate":
        pipeline.generate(replace(offline, schemas=(before,)))
    if name == "after pull":
        pull()
    if name in ("pull", "after pull"):
        config = offline
    run = pull if name == "pull" else functools.partial(pipeline.generate, config)
    if output.exists():
        shutil.copytree(output, saved)
    old = read_tree(output)
    run()
    new = read_tree(output)
    return Job(output, saved, run, config, old, new, current=old if run is pull else new)
