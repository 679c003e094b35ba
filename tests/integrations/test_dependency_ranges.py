"""Every version of black and datamodel-code-generator that pyproject.toml allows writes the same
bytes.

Each pair of versions is installed from a package index into an environment of its own, together
with the tool. `make test-full` takes all pairs, `make test` the oldest. The newest pair is in the
environment of all other tests.
"""

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.environments import create_environment, run
from tests.support.paths import ROOT, TESTS
from tests.support.tiers import IS_FULL
from tests.support.tool import contents

pytestmark = pytest.mark.slow

BLACK = ("24.1.0", "24.10.0", "25.12.0", "26.10.1")
GENERATOR = ("0.60.0", "0.70.0", "0.80.0", "0.89.0")
PAIRS = [
    *zip(BLACK, GENERATOR, strict=True),
    (BLACK[0], GENERATOR[-1]),
    (BLACK[-1], GENERATOR[0]),
]
CASES = sorted(case for case in (TESTS / "cases").iterdir() if (case / "expected").exists())

GENERATE_ALL = """\
import sys
from pathlib import Path
from engage_codegen.cli.app import run

for case in sys.argv[1:]:
    config = Path(case, "pyproject.toml")
    config.touch()
    if not config.read_bytes():
        config.write_text("[tool.engage-codegen]\\n")
    run(["generate", "-q", "--config", str(config), "--output", f"{case}/package",
         "--schemas", f"{case}/schemas"])
"""


@pytest.fixture(scope="module")
def index() -> None:
    """Skips the test without a package index."""
    command = [sys.executable, "-m", "pip", "index", "versions", "black", "--retries", "0"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("no package index can be reached")


def generate_all(python: Path, folder: Path) -> dict[str, dict[str, bytes | None]]:
    """Return the package of every golden case, as the tool of that Python writes it."""
    for case in CASES:
        target = folder / case.name
        target.mkdir(parents=True)
        for path, data in contents(case).items():
            if data is None:
                (target / path).mkdir()
            else:
                (target / path).write_bytes(data)
    cases = [folder / case.name for case in CASES]
    run(python, "-c", GENERATE_ALL, *cases, cwd=folder)
    return {case.name: contents(case / "package") for case in cases}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes | None]]:
    """The package of every golden case, written in the environment of the tests."""
    packages = generate_all(Path(sys.executable), tmp_path_factory.mktemp("packages"))
    assert sum(map(bool, packages.values())) > 10
    return packages


@pytest.mark.network
@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(("black", "generator"), PAIRS if IS_FULL else PAIRS[:1])
def test_a_pair_of_versions_writes_the_same_bytes(
    black: str,
    generator: str,
    wheel: Path,
    packages: dict[str, dict[str, bytes | None]],
    tmp_path: Path,
) -> None:
    pins = [f"black=={black}", f"datamodel-code-generator=={generator}"]
    programs = create_environment(tmp_path / "venv", wheel, *pins)
    assert generate_all(programs / "python", tmp_path / "cases") == packages


SANDBOX_TEST = """\
from engage_codegen.sandbox.testing import engage_sandbox

def test_sandbox(engage_sandbox):
    assert engage_sandbox.base_url.startswith("http://")
"""


@pytest.mark.network
@pytest.mark.usefixtures("index")
def test_a_project_that_pins_black_25_can_use_the_tool_and_the_fixture_of_the_sandbox(
    wheel: Path, packages: dict[str, dict[str, bytes | None]], tmp_path: Path
) -> None:
    packages_of_shop = (f"{wheel}[sandbox]", "pytest", "black==25.1.0")
    python = create_environment(tmp_path / "venv", *packages_of_shop) / "python"
    assert generate_all(python, tmp_path / "cases") == packages
    (tmp_path / "test_shop.py").write_text(SANDBOX_TEST)
    assert "1 passed" in run(python, "-m", "pytest", "-q", "test_shop.py", cwd=tmp_path)


def test_the_ranges_are_those_that_were_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = {
        requirement.name: requirement.specifier
        for requirement in map(Requirement, project["dependencies"])
    }
    for name, versions in (("black", BLACK), ("datamodel-code-generator", GENERATOR)):
        specifier = requirements[name]
        assert all(map(specifier.contains, versions))
        oldest = Version(versions[0])
        assert str(specifier).count(f">={oldest.major}.{oldest.minor}") == 1
        assert metadata.version(name) == versions[-1], "the newest version runs all other tests"
