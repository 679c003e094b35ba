"""Projects of users set up, generate, build and run a package with the installed tool."""

import itertools
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from engage_codegen.inspection.packages import find_packages
from engage_codegen.sandbox.server import Sandbox
from tests.support.environments import create_environment, run
from tests.support.once import make_once
from tests.support.paths import SCRIPTS, SEEDS, TESTS
from tests.support.tiers import IS_FULL

pytestmark = [pytest.mark.slow, pytest.mark.network]
CONSUMERS = TESTS / "consumers"
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
Run = Callable[..., str]


@pytest.fixture
def tool(tenant: Sandbox) -> Run:
    """The installed command, with the environment variables of the sandbox."""
    command = SCRIPTS / "engage-codegen"

    def call(*arguments: str, cwd: Path, fails: bool = False) -> str:
        return run(command, *arguments, cwd=cwd, fails=fails)

    return call


def copy_project(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONSUMERS / name, tmp_path / name))


def build(project: Path, *, fails: bool = False) -> str:
    """Build a wheel with the backends and the tool of this environment."""
    command = "-m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist ."
    return run(sys.executable, *command.split(), cwd=project, fails=fails)


@pytest.fixture
def prepared(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Callable[[str], Path]:
    """Copies a project whose build has the hook, with a package from the files in `../schemas` of
    its git repository."""

    def make(name: str, folder: Path) -> None:
        project = copy_project(name, folder)
        shutil.copytree(SEEDS, folder / "schemas")
        run("git", "init", "-q", cwd=folder)
        command = SCRIPTS / "engage-codegen"
        run(command, *"init --schemas ../schemas --with build".split(), cwd=project)
        run(command, "generate", cwd=project)

    def copy(name: str) -> Path:
        original = make_once(tmp_path_factory, f"prepared-{name}", partial(make, name))
        return Path(shutil.copytree(original, tmp_path, dirs_exist_ok=True), name)

    return copy


@pytest.mark.parametrize(
    ("name", "package", "program", "schema"),
    [
        ("shop", "src/acme_shop/engage_interactions", "acme-shop", "productReview"),
        ("service", "till/engage_interactions", "till", "favourite"),
    ],
)
def test_a_package_can_be_set_up_built_installed_and_used_to_send(
    name: str, package: str, program: str, schema: str, tenant: Sandbox, tool: Run, tmp_path: Path
) -> None:
    project = copy_project(name, tmp_path)
    before = (project / "pyproject.toml").read_text()
    extras = "vscode pre-commit github gitlab gitattributes build".split()
    options = [option for extra in extras for option in ("--with", extra)]
    printed = tool("init", "--base-url", tenant.base_url, *options, cwd=project)
    assert f'+output = "{package}"' in printed
    after = (project / "pyproject.toml").read_text()
    rest = iter(after.splitlines())
    assert all(line in rest for line in before.splitlines() if "= [" not in line), (
        "the lines keep their order"
    )
    assert "nothing to do" in tool("init", *options, cwd=project)
    tool("pull", cwd=project)

    failure = build(project, fails=True)
    assert "engage-codegen generate" in failure, "the hook names the missing command"
    tool("generate", cwd=project)
    build(project)
    shutil.rmtree(project / "build", ignore_errors=True)
    (wheel,) = (project / "dist").glob("*.whl")
    (shipped,) = find_packages(str(wheel))
    assert schema in shipped.schemas
    assert shipped.doubts == {}

    programs = create_environment(tmp_path / "venv", wheel)
    sent = run(programs / program, CONTACT, cwd=tmp_path).strip()
    with tenant.store.transaction() as stored:
        interaction = stored.get_interaction(sent)
    assert interaction is not None
    assert interaction.schema_id == schema

    module = project / package / "repair.py"
    module.write_text(module.read_text() + "\nedited = True\n")
    assert "edited by hand" in build(project, fails=True)


def test_a_build_can_generate_instead(tenant: Sandbox, tool: Run, tmp_path: Path) -> None:
    project = copy_project("shop", tmp_path)
    tool("init", "--base-url", tenant.base_url, "--with", "build", cwd=project)
    tool("pull", cwd=project)
    file = project / "pyproject.toml"
    file.write_text(file.read_text().replace("base-url", 'build = "generate"\nbase-url'))
    build(project)
    assert (project / "src/acme_shop/engage_interactions/repair.py").exists()


@pytest.mark.parametrize("name", ["shop", "service"])
def test_a_source_distribution_builds_without_the_schema_files(
    name: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    prepared: Callable[[str], Path],
) -> None:
    project = prepared(name)
    command = "-m build --no-isolation --sdist --wheel --outdir dist ."
    run(sys.executable, *command.split(), cwd=project)
    shutil.rmtree(tmp_path / "schemas")
    (sdist,) = (project / "dist").glob("*.tar.gz")
    unpacked = tmp_path_factory.mktemp("unpacked")  # not in the repository
    shutil.unpack_archive(sdist, unpacked, filter="data")
    (source,) = unpacked.iterdir()
    build(source)


@pytest.mark.parametrize("name", ["shop", "service"])
def test_a_build_of_sdist_and_wheel_fails_while_the_package_is_stale(
    name: str, prepared: Callable[[str], Path]
) -> None:
    project = prepared(name)
    next(project.rglob("repair.py")).unlink()
    command = "-m build --no-isolation --outdir dist ."
    output = run(sys.executable, *command.split(), cwd=project, fails=True)
    assert "engage-codegen generate" in output


@pytest.mark.parametrize("name", ["shop", "service"])
def test_a_build_that_generates_includes_the_package(
    name: str, prepared: Callable[[str], Path]
) -> None:
    project = prepared(name)
    shutil.rmtree(next(project.rglob("repair.py")).parent)
    file = project / "pyproject.toml"
    file.write_text(file.read_text().replace("schemas =", 'build = "generate"\nschemas =', 1))
    build(project)
    (wheel,) = (project / "dist").glob("*.whl")
    (shipped,) = find_packages(str(wheel))
    assert shipped.doubts == {}


def test_a_project_without_the_hook_builds_while_the_package_is_missing(
    tool: Run, tmp_path: Path
) -> None:
    project = copy_project("service", tmp_path)
    tool("init", "--base-url", "https://acme.voyado.com", cwd=project)
    build(project)


def test_a_script_sends_after_three_commands(tenant: Sandbox, tool: Run, tmp_path: Path) -> None:
    project = copy_project("script", tmp_path)
    tool("init", "--base-url", tenant.base_url, cwd=project)
    tool("pull", cwd=project)
    tool("generate", cwd=project)
    sent = run(sys.executable, "send.py", CONTACT, cwd=project).strip()
    with tenant.store.transaction() as stored:
        assert stored.get_interaction(sent) is not None


RULES = ["engage_interactions/", "**/engage_interactions/*", "*.py"]
ACTIONS = ["check", "generate"]
PAIRS = [*zip(RULES, [*ACTIONS, *ACTIONS], strict=False)]
"""Each rule and each action once or twice."""


@pytest.mark.parametrize(
    ("rule", "action"), [*itertools.product(RULES, ACTIONS)] if IS_FULL else PAIRS
)
def test_hatchling_includes_a_package_that_git_ignores(
    rule: str, action: str, prepared: Callable[[str], Path]
) -> None:
    project = prepared("shop")
    file = project / "pyproject.toml"
    file.write_text(file.read_text().replace("schemas =", f'build = "{action}"\nschemas =', 1))
    (project / ".gitignore").write_text(f"{rule}\n")
    build(project)
    (wheel,) = (project / "dist").glob("*.whl")
    (shipped,) = find_packages(str(wheel))
    assert shipped.doubts == {}


def test_hatchling_fails_if_an_ignored_package_cannot_be_included(
    prepared: Callable[[str], Path],
) -> None:
    project = prepared("shop")
    (project / ".gitignore").write_text("engage_interactions/\n")
    with (project / "pyproject.toml").open("a") as file:
        file.write("[tool.hatch.build]\nskip-excluded-dirs = true\n")
    assert "remove skip-excluded-dirs" in build(project, fails=True)
