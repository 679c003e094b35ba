"""No command hangs, fills the memory, executes, writes outside or sends a key in any repository."""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engage_codegen.cli import app
from tests.support.attacks.hostile import VICTIM, draw_traps, plant_at
from tests.support.attacks.traps import plant, sprung
from tests.support.paths import ROOT
from tests.support.tenants import Tenant, answering, envelope, holding
from tests.support.tiers import IS_FULL
from tests.support.tool import contents

pytestmark = pytest.mark.slow

COMMANDS = (
    ["lint"],
    ["lint", "--fix", "schemas"],
    ["lint", "package/_snapshot"],
    ["generate"],
    ["generate", "--force"],
    ["check"],
    ["check", "--live", "--usage", "."],
    ["list"],
    ["diff", "snapshot", "schemas", "--usage", "app"],
    ["diff", "package", "git:HEAD"],
    ["explain", "visit", "--usage", "app"],
    [
        *("init", "--yes", "--install-from", "https://example.com/tool.whl", "--with", "vscode"),
        *("--with", "pre-commit", "--with", "github", "--with", "gitattributes", "--with", "build"),
    ],
    ["preflight", "package"],
    ["preflight", "dist/acme.whl"],
    ["preflight", "."],
    ["pull"],
    ["push"],
    ["verify"],
)
NUMBERS = range(1_000)
CPU_SECONDS, ADDRESS_SPACE = 10, 500_000_000
SECRET = "the-secret-key"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A harmless repository with a package, its wheel, a caller and files of CI."""
    folder = tmp_path_factory.mktemp("template") / "checkout"
    for name in ("schemas", "app", "dist"):
        (folder / name).mkdir(parents=True)
    (folder / "schemas/visit.json").write_text(json.dumps(envelope("visit")))
    (folder / "app/shop.py").write_text('from package.visit import Visit\nVisit(name="a")\n')
    (folder / ".pre-commit-config.yaml").write_text("repos:\n  - repo: local\n    hooks: []\n")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "acme"\nversion = "1"\n[tool.engage-codegen]\noutput = "package"\n'
        'schemas = "schemas"\nbase-url = "https://attacker.example"\nuser-agent = "a/1"\n'
    )
    assert app.run(["generate", "-q", "--config", str(folder / "pyproject.toml")]) == 0
    with zipfile.ZipFile(folder / "dist/acme.whl", "w") as wheel:
        for path, data in contents(folder / "package").items():
            if data is not None:
                wheel.writestr(f"package/{path}", data)
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def proxy() -> Iterator[Tenant]:
    """What every request would go through: it notes all of them."""
    with answering({}) as server:
        yield server


@pytest.fixture
def checkout(template: Path, tmp_path: Path) -> Path:
    """A copy of the repository, beside a file that nobody may touch."""
    folder = tmp_path / "checkout"
    shutil.copytree(template, folder)
    (tmp_path / "home").mkdir()
    (tmp_path / VICTIM).write_text("mine")
    return folder


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def run_limited(
    checkout: Path, command: list[str], proxy: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in the checkout, within the limits of the system."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(checkout.parent / "home"),
        "TMPDIR": str(checkout.parent / "home"),
        "PYTHONPATH": str(ROOT / "codegen"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "1",
        "ENGAGE_API_KEY": SECRET,
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy),
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "engage_codegen", *command],
        cwd=checkout,
        env=variables | environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        preexec_fn=_limit,
        check=False,
        timeout=300,
    )


def assert_harmless(checkout: Path, command: list[str], proxy: Tenant, traps: object) -> None:
    before = contents(checkout.parent / "home")
    requests = len(proxy.requests)
    done = run_limited(checkout, command, proxy.base_url)
    case = f"{command} with {traps}: exit code {done.returncode}\n{done.stdout[-3000:]}"
    assert done.returncode in range(6), case
    assert "Traceback" not in done.stdout, case
    assert "internal error" not in done.stdout, case
    assert SECRET not in done.stdout, case
    assert sprung(checkout) == set(), case
    assert len(proxy.requests) == requests, case
    assert (checkout.parent / VICTIM).read_text() == "mine", case
    assert contents(checkout.parent / "home") == before, case
    assert {path.name for path in checkout.parent.iterdir()} == {"checkout", "home", VICTIM}, case


def test_the_repository_is_fine_without_traps(checkout: Path, proxy: Tenant) -> None:
    done = run_limited(checkout, ["check", "--usage", "app", "--live"], proxy.base_url)
    assert done.returncode == 2, "the tenant of a checked-in file gets no key"
    with answering(holding(envelope("visit"))) as tenant:
        variables = {"ENGAGE_BASE_URL": tenant.base_url, "NO_PROXY": "127.0.0.1"}
        done = run_limited(checkout, ["check", "--live"], proxy.base_url, **variables)
    assert done.returncode == 0, done.stdout
    done = run_limited(checkout, ["lint"], proxy.base_url)
    assert done.returncode == 0, done.stdout


CASES = NUMBERS if IS_FULL else random.Random(3).sample(NUMBERS, 12)


@pytest.mark.parametrize("number", CASES)
def test_no_combination_of_traps_harms(checkout: Path, proxy: Tenant, number: int) -> None:
    files, code = draw_traps(number)
    plant(checkout, code)
    for place, kind in files:
        plant_at(checkout, place, kind)
    command = COMMANDS[number % len(COMMANDS)]
    if command == ["verify"]:  # a package that is as it should be is type-checked for a minute
        plant_at(checkout, "package/extra.py", "pipe")
    assert_harmless(checkout, command, proxy, (files, code))
