"""`generate` and `check` read the project and the tool, and no cache that others could fill."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT, SEEDS

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, sys

opened = set()

def listen(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes)):
        opened.add(os.path.realpath(os.fsdecode(arguments[0])))

sys.addaudithook(listen)
from engage_codegen.cli.app import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(opened)]))
"""


def read_files(project: Path, home: Path, *command: str) -> list[Path]:
    """Run a command and return every file and folder that it opens."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command],
        cwd=project,
        env={
            **{"PYTHONPATH": str(ROOT / "codegen"), "PATH": os.environ["PATH"]},
            **{
                "HOME": str(home),
                "XDG_CACHE_HOME": str(home / ".cache"),
                "TMPDIR": str(home.with_name("tmp")),
            },
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    code, paths = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    return [Path(path) for path in paths]


def test_generate_and_check_read_no_cache(tmp_path: Path) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    home.mkdir()
    temporary = tmp_path / "tmp"  # for what git prints, in a file without a name
    temporary.mkdir()
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\noutput = "package"\n'
    )
    shutil.copytree(SEEDS, project / "schemas")
    own = [project, temporary, ROOT / "codegen", ROOT / "templates"]
    interpreter = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]
    allowed = [path.resolve() for path in [*own, *map(Path, filter(None, interpreter))]]
    for command in (["generate"], ["generate", "--force"], ["check"]):
        for path in read_files(project, home, *command):
            is_allowed = any(path.is_relative_to(folder) for folder in allowed)
            # The tool looks for the configuration and the repository in the folders above.
            assert is_allowed or path.is_relative_to("/dev") or project.is_relative_to(path), path
        assert [*home.iterdir(), *temporary.iterdir()] == []
    assert {path.name for path in project.iterdir()} == {"pyproject.toml", "schemas", "package"}
