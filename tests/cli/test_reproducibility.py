"""The same schemas give the same bytes, wherever they come from and whoever generates."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from engage_codegen.sandbox.server import Sandbox
from tests.support.packages import use_contracts
from tests.support.paths import ROOT, SEEDS
from tests.support.tenants import answering, holding
from tests.support.tool import Tool, contents

pytestmark = pytest.mark.slow

COMMITTED = ROOT / "generated" / "engage_interactions"
LOCKFILE = "_snapshot/codegen.lock.json"


def contents_without_origin(package: Path) -> dict[str, bytes | None]:
    """Return the files of a package. The origin of the schemas is left out of the lock file."""
    files = contents(package)
    files[LOCKFILE] = re.sub(rb'"origin": "[^"]*", ', b"", files[LOCKFILE] or b"")
    return files


def shuffle(value: Mapping[str, object], rng: random.Random) -> dict[str, object]:
    """Return an object with the keys of all levels in another order."""
    items = list(value.items())
    rng.shuffle(items)
    return {
        key: shuffle(cast("dict[str, object]", item), rng) if isinstance(item, dict) else item
        for key, item in items
    }


def test_the_committed_package_is_generated_from_the_sandbox(
    project: Path, tool: Tool, tenant: Sandbox
) -> None:
    use_contracts(project)
    assert tool("pull", "--output", "engage_interactions").code == 0
    assert tool("generate", "--output", "engage_interactions").code == 0
    generated = contents_without_origin(project / "engage_interactions")
    assert generated == contents_without_origin(COMMITTED)


def test_a_tenant_and_files_give_the_same_bytes_except_for_the_recorded_origin(
    project: Path, tool: Tool, tenant: Sandbox
) -> None:
    assert tool("pull", "--output", "live").code == 0
    assert tool("generate", "--output", "live").code == 0
    assert tool("generate", "--output", "local", "--schemas", SEEDS).code == 0
    exported = [json.loads(path.read_text()) for path in SEEDS.iterdir()]
    (project / "export.json").write_text(json.dumps(exported))
    assert tool("generate", "--output", "exported", "--schemas", "export.json").code == 0
    live, local = (contents_without_origin(project / name) for name in ("live", "local"))
    assert live == local
    assert contents(project / "local") == contents(project / "exported")
    assert f'"origin": "{tenant.base_url}"' in (project / "live" / LOCKFILE).read_text()
    assert '"origin": "files"' in (project / "local" / LOCKFILE).read_text()


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_schemas_and_keys_does_not_matter(
    seed: int, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_contracts(project)
    rng = random.Random(seed)
    schemas = [json.loads(path.read_text()) for path in SEEDS.iterdir()]
    rng.shuffle(schemas)
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")
    answers = holding(*[shuffle(schema, rng) for schema in schemas])
    with answering(answers) as tenant:
        assert tool("pull", "--base-url", tenant.base_url, "--output", "package").code == 0
    assert tool("generate", "--output", "package").code == 0
    package = contents_without_origin(project / "package")
    assert package == contents_without_origin(COMMITTED)


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONHASHSEED": "0"},
        {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kathmandu"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "COLUMNS": "40"},
        {"PYTHONOPTIMIZE": "2"},
        {"ENGAGE_CODEGEN_WITHOUT": "bulk", "ENGAGE_CODEGEN_DIALECT": "json-schema"},
        {"ENGAGE_CODEGEN_RENAMES": '{"repair": "mending"}'},
    ],
    ids=",".join,
)
def test_the_environment_does_not_matter(settings: dict[str, str], project: Path) -> None:
    use_contracts(project)
    subprocess.run(
        [
            *(sys.executable, "-m", "engage_codegen", "generate"),
            *("--schemas", SEEDS, "--output", "package"),
        ],
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
    )
    package = contents_without_origin(project / "package")
    assert package == contents_without_origin(COMMITTED)


def test_settings_of_other_tools_do_not_matter(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text(
        "[tool.black]\nline-length = 40\nskip-string-normalization = true\n"
        "[tool.datamodel-codegen]\nsnake-case-field = true\n"
    )
    use_contracts(project)
    assert tool("generate", "--schemas", SEEDS, "--output", "package").code == 0
    package = contents_without_origin(project / "package")
    assert package == contents_without_origin(COMMITTED)


def test_a_package_can_move_without_becoming_stale(
    project: Path, package: Path, command: Tool
) -> None:
    shutil.move(package, project / "moved")
    assert command("check", "--output", "moved").code == 0
