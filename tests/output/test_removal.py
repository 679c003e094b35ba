"""More than one module is only deleted if `pull` or the caller said so."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from engage_codegen import pipeline
from engage_codegen.config import Config
from engage_codegen.errors import RemovalError
from engage_codegen.schema.envelope import Schema
from engage_codegen.sources.interface import ignore_progress
from tests.support.tenants import envelope
from tests.support.tool import Tool

IDS = ("one", "two", "three", "four")


class StoredSource:
    """A tenant with these schemas."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._schemas = {key: Schema(key, key, {"type": "object"}, "tenant") for key in ids}

    def fetch(self, only: object, progress: object) -> dict[str, Schema]:
        del only, progress
        return self._schemas


def write_schemas(folder: Path, ids: Iterable[str]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for schema_id in ids:
        (folder / f"{schema_id}.json").write_text(json.dumps(envelope(schema_id)))
    return folder


def module_names(output: Path) -> set[str]:
    return {name for name in IDS if (output / f"{name}.py").exists()}


def pull(config: Config, ids: Iterable[str]) -> None:
    pipeline.pull(config, StoredSource(ids), (), force=False, progress=ignore_progress)


@pytest.mark.parametrize("remaining", [IDS[:2], IDS[:1]])
def test_files_that_are_gone_do_not_delete_several_modules(
    project: Path, tool: Tool, remaining: tuple[str, ...]
) -> None:
    folder = write_schemas(project / "schemas", IDS)
    command = ("generate", "--schemas", folder, "--output", "package")
    assert tool(*command).code == 0
    write_schemas(folder, remaining)
    outcome = tool(*command, "--force")
    assert (outcome.code, module_names(project / "package")) == (1, set(IDS))
    assert "error EG409" in outcome.out
    assert all(f"{name}.py" in outcome.out for name in set(IDS) - set(remaining))
    assert tool(*command, "--allow-removal").code == 0
    assert module_names(project / "package") == set(remaining)


def test_one_module_is_deleted_with_its_schema(project: Path, tool: Tool) -> None:
    folder = write_schemas(project / "schemas", IDS)
    command = ("generate", "--schemas", folder, "--output", "package")
    tool(*command)
    write_schemas(folder, IDS[:3])
    assert tool(*command).code == 0
    assert module_names(project / "package") == set(IDS[:3])


def test_what_pull_removed_needs_no_permission(tmp_path: Path) -> None:
    config = Config(output=tmp_path / "package", base_url="https://acme.voyado.com")
    pull(config, IDS)
    pipeline.generate(config)
    pull(config, IDS[:1])
    pipeline.generate(config)
    assert module_names(config.output) == set(IDS[:1])


@pytest.mark.parametrize("has_pulled", [True, False])
def test_snapshot_files_that_no_pull_removed_are_missed(tmp_path: Path, has_pulled: bool) -> None:
    config = Config(output=tmp_path / "package", base_url="https://acme.voyado.com")
    if has_pulled:
        pull(config, IDS)
    else:
        (tmp_path / "package").mkdir()
        write_schemas(tmp_path / "package" / "_snapshot", IDS)
        (tmp_path / "package" / "_snapshot" / "codegen.lock.json").write_text(
            '{"engage-codegen": {"format": 2, "version": "", "config": "", "templates": ""},'
            ' "files": {}}'
        )
    pipeline.generate(config)
    for name in IDS[:2]:
        (config.output / "_snapshot" / f"{name}.json").unlink()
    with pytest.raises(RemovalError, match=r"2 modules.*_snapshot/: one\.py, two\.py"):
        pipeline.generate(config)
    pipeline.generate(config, allow_removal=True)
    assert module_names(config.output) == set(IDS[2:])
