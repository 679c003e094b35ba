"""The tool in repositories that are not this one, used as their people would use it."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engage_codegen.inspection.packages import find
from engage_codegen.sandbox.server import Sandbox
from tests.support.paths import SEEDS, TESTS

CONSUMERS = TESTS / "consumers"
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
Run = Callable[..., str]


def run(*command: object, cwd: Path, environ: Mapping[str, str] = {}, fails: bool = False) -> str:
    """Both streams of a command that has to succeed, or to fail."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(it) for it in command],
        cwd=cwd,
        env={**environment, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert bool(done.returncode) == fails, done.stdout
    return done.stdout


@pytest.fixture
def tool(tenant: Sandbox) -> Run:
    """The installed command, with the key of a local Engage."""
    command = Path(sys.executable).with_name("engage-codegen")

    def call(*arguments: str, cwd: Path, fails: bool = False) -> str:
        return run(command, *arguments, cwd=cwd, fails=fails)

    return call


def copied(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONSUMERS / name, tmp_path / name))


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def built(project: Path, *, fails: bool = False) -> str:
    """A wheel, by the backends and with the tool of this environment."""
    command = "-m pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist ."
    return run(sys.executable, *command.split(), cwd=project, fails=fails)


def installed(wheel: Path, folder: Path) -> Path:
    """The programs of an environment that has this wheel and what it needs, and no tool."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    return programs


@pytest.mark.parametrize(
    ("name", "package", "program", "schema"),
    [
        ("shop", "src/acme_shop/engage_interactions", "acme-shop", "productReview"),
        ("service", "till/engage_interactions", "till", "favourite"),
    ],
)
def test_a_package_is_set_up_built_installed_and_sends(
    name: str, package: str, program: str, schema: str, tenant: Sandbox, tool: Run, tmp_path: Path
) -> None:
    project = copied(name, tmp_path)
    before = (project / "pyproject.toml").read_text()
    extras = "vscode pre-commit github gitlab gitattributes build".split()
    picked = [it for extra in extras for it in ("--with", extra)]
    told = tool("init", "--base-url", tenant.base_url, *picked, cwd=project)
    assert f'+output = "{package}"' in told
    after = (project / "pyproject.toml").read_text()
    rest = iter(after.splitlines())
    assert all(line in rest for line in before.splitlines() if "= [" not in line), "in their order"
    assert "nothing to do" in tool("init", *picked, cwd=project)
    tool("pull", cwd=project)

    failure = built(project, fails=True)
    assert "engage-codegen generate" in failure, "the hook says what is missing"
    tool("generate", cwd=project)
    built(project)
    shutil.rmtree(project / "build", ignore_errors=True)
    (wheel,) = (project / "dist").glob("*.whl")
    (artefact,) = find(str(wheel))
    assert schema in artefact.schemas
    assert artefact.doubts == {}

    programs = installed(wheel, tmp_path / "venv")
    sent = run(programs / program, CONTACT, cwd=tmp_path).strip()
    with tenant.store.transaction() as stored:
        found = stored.get_interaction(sent)
    assert found is not None
    assert found.schema_id == schema

    module = project / package / "repair.py"
    module.write_text(module.read_text() + "\nedited = True\n")
    assert "edited by hand" in built(project, fails=True)


def test_a_build_can_generate_instead(tenant: Sandbox, tool: Run, tmp_path: Path) -> None:
    project = copied("shop", tmp_path)
    tool("init", "--base-url", tenant.base_url, "--with", "build", cwd=project)
    tool("pull", cwd=project)
    file = project / "pyproject.toml"
    file.write_text(file.read_text().replace("base-url", 'build = "generate"\nbase-url'))
    built(project)
    assert (project / "src/acme_shop/engage_interactions/repair.py").exists()


@pytest.mark.parametrize("name", ["shop", "service"])
def test_a_source_distribution_builds_without_what_it_was_made_from(
    name: str, tmp_path: Path, tool: Run
) -> None:
    project = copied(name, tmp_path)
    seeds = SEEDS
    shutil.copytree(seeds, tmp_path / "elsewhere")
    tool("init", "--schemas", "../elsewhere", "--with", "build", cwd=project)
    tool("generate", cwd=project)
    command = "-m build --no-isolation --sdist --wheel --outdir dist ."
    run(sys.executable, *command.split(), cwd=project)
    shutil.rmtree(tmp_path / "elsewhere")
    (sdist,) = (project / "dist").glob("*.tar.gz")
    unpacked = tmp_path / "unpacked"
    shutil.unpack_archive(sdist, unpacked, filter="data")
    (source,) = unpacked.iterdir()
    built(source)


@pytest.mark.parametrize("name", ["shop", "service"])
def test_a_plain_build_of_both_fails_while_the_package_is_stale(
    name: str, tmp_path: Path, tool: Run
) -> None:
    project = copied(name, tmp_path)
    seeds = SEEDS
    shutil.copytree(seeds, tmp_path / "schemas")
    tool("init", "--schemas", "../schemas", "--with", "build", cwd=project)
    tool("generate", cwd=project)
    next(project.rglob("repair.py")).unlink()
    command = "-m build --no-isolation --outdir dist ."
    said = run(sys.executable, *command.split(), cwd=project, fails=True)
    assert "engage-codegen generate" in said


@pytest.mark.parametrize("name", ["shop", "service"])
def test_a_build_that_generates_takes_the_package_along(
    name: str, tmp_path: Path, tool: Run
) -> None:
    project = copied(name, tmp_path)
    seeds = SEEDS
    shutil.copytree(seeds, tmp_path / "schemas")
    tool("init", "--schemas", "../schemas", "--with", "build", cwd=project)
    file = project / "pyproject.toml"
    file.write_text(file.read_text().replace("schemas =", 'build = "generate"\nschemas =', 1))
    built(project)
    (wheel,) = (project / "dist").glob("*.whl")
    (artefact,) = find(str(wheel))
    assert artefact.doubts == {}


def test_a_project_without_the_hook_is_left_alone(tool: Run, tmp_path: Path) -> None:
    project = copied("service", tmp_path)
    tool("init", "--base-url", "https://acme.voyado.com", cwd=project)
    built(project)


def test_a_script_sends_after_three_commands(tenant: Sandbox, tool: Run, tmp_path: Path) -> None:
    project = copied("script", tmp_path)
    tool("init", "--base-url", tenant.base_url, cwd=project)
    tool("pull", cwd=project)
    tool("generate", cwd=project)
    sent = run(sys.executable, "send.py", CONTACT, cwd=project).strip()
    with tenant.store.transaction() as stored:
        assert stored.get_interaction(sent) is not None
