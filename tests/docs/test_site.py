"""The site builds as `make docs` builds it, and every warning is an error."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.readers.pages import DOCS, blocks

pytestmark = pytest.mark.slow

NO_NETWORK = """
import socket

def refuse(*arguments):
    raise OSError("the build of the site must not use the network")

socket.socket.connect = socket.getaddrinfo = refuse
"""


def _build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command of the Makefile in a folder with `docs`."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (command,) = re.findall(r"^docs:.*\n\t\$\(RUN\)/python (.*)$", makefile, re.MULTILINE)
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    return subprocess.run(
        [sys.executable, *command.split()],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT / 'codegen'}"},
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with the sources of the site."""
    shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    return tmp_path


def test_the_site_has_every_page_and_needs_no_network(source: Path) -> None:
    done = _build(source)
    assert done.returncode == 0, done.stdout
    site = source / "build" / "docs"
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS).with_suffix(".html")).is_file(), page
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r"<(?:script|img|iframe)[^>]* src=\"https?:", text), page
        assert not re.search(r"<link [^>]*\bhref=\"https?:", text), page


def test_a_broken_link_or_lonely_page_fails_the_build(source: Path) -> None:
    (source / "docs" / "lonely.md").write_text(
        "# Lonely\n\n[no page](nowhere.md) [no heading](ci.md#no-such-heading)\n"
    )
    done = _build(source)
    assert done.returncode == 1
    for warning in ("nowhere.md", "no-such-heading", "isn't included in any toctree"):
        assert warning in done.stdout


def test_the_tables_of_contents_have_every_page_once() -> None:
    entries_of_all: list[str] = []
    for block in blocks("{toctree}"):
        page = ROOT / block.page
        entries = [line for line in block.text.splitlines() if line and line[0] != ":"]
        links = re.findall(r"^- \[.*?\]\((.*?)\.md\)", page.read_text("utf-8"), re.MULTILINE)
        assert links == entries, "GitHub shows the list, and the site shows the tree"
        entries_of_all += [(page.parent.relative_to(DOCS) / entry).as_posix() for entry in entries]
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    assert sorted(entries_of_all) == sorted(pages - {"index"})


def test_git_ignores_the_built_site() -> None:
    assert "build/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
