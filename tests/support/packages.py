"""Small generated packages for tests: schemas on the disk, and the files of a package."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engage_codegen import pipeline
from engage_codegen.config import Config, load
from engage_codegen.output.lockfile import LOCKFILE_PATH
from engage_codegen.sources.files import FileSource
from engage_codegen.sources.interface import ignore_progress
from tests.support.paths import SEEDS
from tests.support.tenants import envelope

FileTree = dict[str, bytes]
"""Files below a folder: path with ``/`` -> contents."""


def write_schema(folder: Path, schema_id: str, *properties: str) -> None:
    """Write a schema file whose properties are strings."""
    value = envelope(schema_id, {name: {"type": "string"} for name in properties})
    (folder / f"{schema_id}.json").write_text(json.dumps(value), encoding="utf-8")


def write_schemas(folder: Path, schemas: Mapping[str, Sequence[str]]) -> Path:
    """Create a folder with a file for each schema id, and return it."""
    folder.mkdir()
    for schema_id, properties in schemas.items():
        write_schema(folder, schema_id, *properties)
    return folder


def read_tree(root: Path) -> FileTree:
    """Return the regular files below a folder, links and caches excluded."""
    paths = (
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts
    )
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


class Package:
    """A package in `output`. `config` generates it from `schemas`, `offline` from its snapshot."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "package"
        self.schemas = folder / "schemas"
        self.config = Config(output=self.output, schemas=(self.schemas,))
        self.offline = Config(output=self.output)

    def generate(self, *, force: bool = False) -> FileTree:
        """Generate from the schema files, and return the files of the package."""
        pipeline.generate(self.config, force=force)
        return read_tree(self.output)

    def pull(self, *only: str, force: bool = False) -> pipeline.PullResult:
        """Pull the schema files into the snapshot."""
        source = FileSource((self.schemas,))
        return pipeline.pull(self.offline, source, only, force=force, progress=ignore_progress)

    def edit_lockfile(self, edit: Callable[[dict[str, Any]], object]) -> None:
        """Apply `edit` to the JSON of the lock file."""
        path = self.output / LOCKFILE_PATH
        value: dict[str, Any] = json.loads(path.read_bytes())
        edit(value)
        path.write_text(json.dumps(value), encoding="utf-8")


def generate_package(output: Path, library: str) -> None:
    """Generate the package of the example schemas for an HTTP library, by a configuration file."""
    file = output.parent / "pyproject.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f'[tool.engage-codegen]\nhttp = "{library}"\noutput = "{output.name}"\n'
        'schemas = "seed/schemas"\ncontracts = "seed/contracts"\n'
    )
    shutil.copytree(SEEDS.parent, output.parent / "seed", dirs_exist_ok=True)
    (config,) = load(file=file, environ={}, flags={}, folder=output.parent)
    pipeline.generate(config)


def use_contracts(folder: Path) -> None:
    """Give a project the contracts of the example tenant, by a configuration file."""
    shutil.copytree(SEEDS.parent / "contracts", folder / "contracts")
    with (folder / "pyproject.toml").open("a") as file:
        file.write('[tool.engage-codegen]\ncontracts = "contracts"\n')


def run_with_package(folder: Path, code: str, **environment: str) -> str:
    """Run a program that can import the package in a folder, and return what it prints.

    It trusts what the environment of the machine says of certificates only if `environment` does.
    """
    variables = {key: value for key, value in os.environ.items() if not key.startswith("SSL_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={**variables, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
