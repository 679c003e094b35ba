"""After a merge of two branches, `check` tells the truth and `generate` repairs the package."""

import itertools
import json
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from engage_codegen import pipeline
from engage_codegen.config import Config, load
from engage_codegen.errors import ConfigError
from engage_codegen.output import recipe, record
from engage_codegen.output.lockfile import LOCKFILE_PATH
from engage_codegen.render import package as rendering
from engage_codegen.render.format import format_module
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import ignore_progress
from tests.support.tenants import envelope
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

IDS = ("alpha", "delta", "gamma", "iota", "lambda", "omega", "sigma", "upsilon")
NEW_IDS = ("beta", "eta", "kappa", "nu", "pi", "tau", "zeta")
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]


@dataclass(frozen=True)
class State:
    """What decides a package: the properties of each schema, the configuration, the tool."""

    schemas: Mapping[str, tuple[str, ...]]
    renames: Mapping[str, str]
    dialect: str = "engage"
    version: str = "0.1.0"


Edit = Callable[[State, random.Random], State]


def add(state: State, dice: random.Random) -> State:
    new = dice.choice(NEW_IDS)
    return replace(state, schemas={**state.schemas, new: ("shop",)})


def remove(state: State, dice: random.Random) -> State:
    gone = dice.choice(IDS)
    return replace(state, schemas={k: v for k, v in state.schemas.items() if k != gone})


def change(state: State, dice: random.Random) -> State:
    key = dice.choice(IDS)
    changed = dice.choice([("shop", "till"), ("name", "shop", "size"), ("name",)])
    return replace(state, schemas={**state.schemas, key: changed})


def rename(state: State, dice: random.Random) -> State:
    key = dice.choice(IDS)
    return replace(state, renames={key: f"{key}_visit"})


def widen(state: State, _dice: random.Random) -> State:
    return replace(state, dialect="json-schema")


def upgrade(state: State, _dice: random.Random) -> State:
    return replace(state, version="0.2.0")


EDITS: dict[str, Edit] = {
    edit.__name__: edit for edit in (add, remove, change, rename, widen, upgrade)
}
START = State(dict.fromkeys(IDS, ("name", "shop")), {})
PAIRS = list(itertools.product(EDITS, EDITS))
SEEDS = range(8) if IS_FULL else range(1)


@contextmanager
def tool_of(version: str) -> Generator[None]:
    """Run another version of the tool, which writes one more comment into each module."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (pipeline, recipe, record):
            patch.setattr(module, "__version__", version)
        if version != START.version:

            def format_with_comment(source: str, template: str) -> str:
                return format_module(source, template) + f"# {version}\n"

            patch.setattr(rendering, "format_module", format_with_comment)
        yield


class Project:
    """A repository with a package that is generated from its snapshot."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "package"

    def config(self) -> Config:
        (config,) = load(file=self.root / "pyproject.toml", environ={}, flags={}, folder=self.root)
        return config

    def write(self, state: State, folder: Path) -> None:
        """Pull the schemas of a state, and generate."""
        lines = ["[tool.engage-codegen]", 'output = "package"', f'dialect = "{state.dialect}"']
        lines += ["[tool.engage-codegen.renames]"]
        lines += [f'"{key}" = "{name}"' for key, name in sorted(state.renames.items())]
        (self.root / "pyproject.toml").write_text("\n\n".join(lines) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for key, names in state.schemas.items():
            properties = {name: {"type": "string"} for name in names}
            (folder / f"{key}.json").write_text(json.dumps(envelope(key, properties)))
        with tool_of(state.version):
            source = FileSource([folder])
            pipeline.pull(self.config(), source, (), force=True, progress=ignore_progress)
            pipeline.generate(self.config())

    def git(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [*GIT, "-C", str(self.root), *arguments]
        return subprocess.run(command, capture_output=True, check=False)

    def commit(self) -> None:
        self.git("add", "-A")
        assert self.git("commit", "--allow-empty", "-qm", "x").returncode == 0


def package_texts(package: Path) -> dict[str, Any]:
    """Every file of a package; of the lock file what does not depend on the pull."""
    texts: dict[str, Any] = {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    lockfile = json.loads(texts.pop(LOCKFILE_PATH))
    for key, value in lockfile.items():
        if key.startswith("schema "):
            lockfile[key] = value.get("generated")
    return texts | {LOCKFILE_PATH: {k: v for k, v in lockfile.items() if v is not None}}


def from_scratch(project: Project, folder: Path) -> dict[str, Any]:
    """The package that the merged schemas and configuration give."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "package/_snapshot").mkdir(parents=True)
    shutil.copy(project.root / "pyproject.toml", folder)
    for path in (project.package / "_snapshot").glob("*.json"):
        if path.name != Path(LOCKFILE_PATH).name:
            shutil.copy(path, folder / "package/_snapshot")
    fresh = Project(folder)
    pipeline.generate(fresh.config())
    return package_texts(fresh.package)


def resolve(project: Project, dice: random.Random) -> bool:
    """Take either side of each generated file in conflict; False if an input is in conflict."""
    unmerged = project.git("diff", "--name-only", "--diff-filter=U", "-z").stdout.decode()
    paths = [path for path in unmerged.split("\0") if path]
    inputs = ("pyproject.toml", *(f"package/_snapshot/{key}.json" for key in (*IDS, *NEW_IDS)))
    if any(path in inputs for path in paths):
        return False
    for path in paths:
        side = dice.choice(["--ours", "--theirs"])
        if project.git("checkout", side, "--", path).returncode:  # this side deleted it
            (project.root / path).unlink(missing_ok=True)
    return True


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("left", "right"), PAIRS, ids=str)
def test_a_merge_is_judged_truthfully_and_repaired(
    left: str, right: str, seed: int, tmp_path: Path
) -> None:
    dice = random.Random(f"{left} {right} {seed}")
    project, schemas = Project(tmp_path / "project"), tmp_path / "schemas"
    project.root.mkdir()
    project.git("init", "-q", "-b", "main")
    project.write(START, schemas)
    project.commit()
    versions = [START.version]
    for branch, edit in (("left", left), ("right", right)):
        project.git("checkout", "-q", "-b", branch, "main")
        state = EDITS[edit](START, dice)
        versions.append(state.version)
        project.write(state, schemas)
        project.commit()
    is_clean = project.git("merge", "-q", "--no-edit", "left").returncode == 0
    if not is_clean and not resolve(project, dice):
        pytest.skip("git reports a conflict in an input")
    with tool_of(max(versions)):
        try:
            expected = from_scratch(project, tmp_path / "fresh")
        except ConfigError as error:  # One side renamed the schema that the other removed.
            for judge in (pipeline.check, pipeline.generate):
                with pytest.raises(ConfigError, match=re.escape(error.message)):
                    judge(project.config())
            return
        for file in pipeline.check(project.config()).unexpected:
            # The module of a schema that one side removed, kept by hand from the other.
            (project.package / file.path).unlink()
        result = pipeline.check(project.config())
        assert result.is_stale == (package_texts(project.package) != expected)
        if is_clean:
            assert not result.requires_force, "generate sees what check sees"
        # Only a mixture of both sides that somebody made by hand may look like a hand edit.
        pipeline.generate(project.config(), force=not is_clean)
        assert package_texts(project.package) == expected
        assert not pipeline.check(project.config()).is_stale
