"""The distributions of a commit have the same bytes wherever they are built, and an SBOM."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from engage_codegen.integrations.jobs import make_github_job
from tests.support.environments import copy_checkout, run
from tests.support.paths import ROOT, SCRIPTS
from tests.support.readers.pages import blocks
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

NEW_YEAR = 1_704_067_200
"""The first second of 2024, UTC."""


def build(source: Path, folder: Path, environ: Mapping[str, str], umask: int = 0o022) -> None:
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    subprocess.run(
        command,
        cwd=source,
        env={**inherited, **environ},
        umask=umask,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def copy_differently(folder: Path) -> Path:
    """Return a copy of the checkout with other times, modes and creation order of its files."""
    original, copy = copy_checkout(folder), folder / "copy"
    for path in sorted(original.rglob("*"), reverse=True):
        target = copy / path.relative_to(original)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            shutil.copyfile(path, target)
            target.chmod(0o600 | (path.stat().st_mode & 0o100))
            os.utime(target, (NEW_YEAR, NEW_YEAR + len(path.name)))
    for path in copy.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    return copy


def test_other_times_modes_orders_and_languages_give_the_same_bytes(
    wheel: Path, tmp_path: Path
) -> None:
    environ = {"TZ": "Pacific/Auckland", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7"}
    build(copy_differently(tmp_path), tmp_path / "dist", environ, umask=0o077)
    names = {path.name for path in wheel.parent.iterdir()}
    assert names == {path.name for path in (tmp_path / "dist").iterdir()}
    assert len(names) == 2
    for name in names:
        assert (tmp_path / "dist" / name).read_bytes() == (wheel.parent / name).read_bytes(), name


def test_the_date_of_the_commit_changes_the_dates_and_nothing_else(
    wheel: Path, tmp_path: Path
) -> None:
    source = copy_checkout(tmp_path)
    build(source, tmp_path / "dist", {"SOURCE_DATE_EPOCH": str(NEW_YEAR), "TZ": "Asia/Tokyo"})
    with zipfile.ZipFile(tmp_path / "dist" / wheel.name) as new, zipfile.ZipFile(wheel) as old:
        assert {entry.date_time for entry in new.infolist()} == {(2024, 1, 1, 0, 0, 0)}
        assert new.namelist() == old.namelist()
        for name in new.namelist():
            assert new.read(name) == old.read(name), name
    (sdist,) = wheel.parent.glob("*.tar.gz")
    path = tmp_path / "dist" / sdist.name
    with tarfile.open(path) as new_archive, tarfile.open(sdist) as old_archive:
        assert {member.mtime for member in new_archive} == {NEW_YEAR}
        assert {(member.uid, member.gid, member.uname) for member in new_archive} == {(0, 0, "")}
        assert new_archive.getnames() == old_archive.getnames()
    with gzip.open(path) as stream:
        stream.read(1)
        assert getattr(stream, "mtime", None) == NEW_YEAR


def find_scanner(name: str) -> str:
    command = shutil.which(name, path=f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
    if command is None:
        pytest.skip(f"{name} is not installed")
    return command


@pytest.mark.parametrize("name", ["bandit", "codespell", "zizmor"])
def test_the_scanner_of_make_check_has_no_findings(name: str) -> None:
    (recipe,) = re.findall(
        r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    (line,) = [line for line in recipe.splitlines() if f"$(RUN)/{name}" in line]
    run("sh", "-c", line.replace(f"$(RUN)/{name}", find_scanner(name)), cwd=ROOT)


def test_the_scanner_has_no_findings_in_other_workflows(tmp_path: Path) -> None:
    template = ROOT / "codegen/engage_codegen/integrations/files/engage-codegen.github.yml"
    workflows = [make_github_job(template.read_text("utf-8"), ["a", "brand-b"])]
    workflows += [block.text for block in blocks("yaml") if "runs-on:" in block.text]
    assert len(workflows) >= 2
    files = [tmp_path / f"{number}.yml" for number in range(len(workflows))]
    for file, text in zip(files, workflows, strict=True):
        file.write_text(text)
    run(find_scanner("zizmor"), "--quiet", "--offline", *files, cwd=tmp_path)


PINS = re.compile(r"(?:uses: *|\b)([\w-]+/[\w./-]+)@([0-9a-f]{40}|v\d[\w.]*)\b(?: *# *(v[\d.]+))?")
IMAGES = re.compile(r"^\s*(?:FROM|image:) +(\S+)", re.MULTILINE)


def tracked_texts() -> dict[str, str]:
    suffixes = {".yml", ".yaml", ".md", ".py", ".toml", ""}
    names = run("git", "ls-files", cwd=ROOT).splitlines() if (ROOT / ".git").exists() else []
    return {
        name: (ROOT / name).read_text("utf-8")
        for name in names
        if Path(name).suffix in suffixes and not name.startswith("tests/")
    }


def test_every_action_has_one_commit_and_every_image_an_exact_tag() -> None:
    texts = tracked_texts()
    if not texts:
        pytest.skip("not a repository")
    pins = {
        (name, match[1], match[2], match[3])
        for name, text in texts.items()
        for match in PINS.finditer(text)
        if match[1].startswith(("actions/", "github/", "docker/", "pypa/", "astral-sh/"))
    }
    assert len({action for _, action, _, _ in pins}) >= 2
    for name, action, commit, tag in pins:
        assert re.fullmatch(r"[0-9a-f]{40}", commit), (name, action)
        assert tag, (name, action)
        assert {pin[2:] for pin in pins if pin[1] == action} == {(commit, tag)}, action
    images = [(name, image) for name, text in texts.items() for image in IMAGES.findall(text)]
    images = [(name, image) for name, image in images if not name.endswith(".py")]
    assert len(images) >= 4
    for name, image in images:
        if image.startswith("registry.example.com/"):  # of a reader
            continue
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+-[\w.-]+", image), (name, image)


@pytest.mark.network
@pytest.mark.skipif(not IS_FULL, reason="installs the tool twice; make test-full runs it")
def test_a_release_has_distributions_and_an_sbom(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path)
    shutil.copy(ROOT / ".gitignore", checkout)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    run("git", "init", "-q", cwd=checkout)
    run("git", "add", "-A", cwd=checkout)
    run("git", *identity, "commit", "-q", "-m", "release", cwd=checkout)
    (checkout / "codegen" / "engage_codegen" / "uncommitted.py").write_text("")
    run("make", "release", f"PYTHON={sys.executable}", cwd=checkout)
    (wheel,) = (checkout / "dist").glob("*.whl")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if "uncommitted" in name]
    (sbom,) = (checkout / "dist").glob("*.cdx.json")
    document = json.loads(sbom.read_text("utf-8"))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    component = document["metadata"]["component"]
    version = wheel.name.split("-")[1]
    assert (component["name"], component["version"]) == ("engage-codegen", version)
    names = {component["name"].lower() for component in document["components"]}
    assert {"black", "click", "httpx", "fastapi", "jsonschema_rs", "watchfiles"} <= names
    assert all(component["purl"].startswith("pkg:pypi/") for component in document["components"])
    assert "pip" not in names
