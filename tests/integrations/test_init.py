"""`init`: what it adds to a repository, and that nothing else changes."""

import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen.cli import init as init_command
from engage_codegen.integrations import edits
from engage_codegen.integrations.scaffold import EXTRAS as PICKS
from tests.support.tool import Tool, contents

URL = "https://acme.voyado.com"
PYPROJECT = '# mine\r\n[project]\r\nname = "a"  # name\r\ndependencies = [\r\n  "x",\r\n]\r\n'


def is_within(old: str, new: str) -> bool:
    """Whether new is old with insertions of whole runs and nothing else."""
    rest = iter(new)
    return all(character in rest for character in old)


@pytest.mark.parametrize(
    ("text", "table", "key", "expected"),
    [
        ("[t]\nk = []\n", "t", "k", '[t]\nk = ["i"]\n'),
        ('[t]\nk = ["a"]\n', "t", "k", '[t]\nk = ["i", "a"]\n'),
        (
            '[t]\nk = [  # why\n    "a",\n]\n',
            "t",
            "k",
            '[t]\nk = [  # why\n    "i",\n    "a",\n]\n',
        ),
        ("[t]\n", "t", "k", '[t]\nk = ["i"]\n'),
        ("[t] # c\r\nx = 1\r\n", "t", "k", '[t] # c\r\nk = ["i"]\r\nx = 1\r\n'),
        ("[a]\nk = []\n[t]\nk = []\n", "t", "k", '[a]\nk = []\n[t]\nk = ["i"]\n'),
        ('[t.u]\nk = ["a"]\n', "t.u", "k", '[t.u]\nk = ["i", "a"]\n'),
        ("[t]\nk = [\n]\n", "t", "k", '[t]\nk = ["i"\n]\n'),
        ('t = {k = ["a"]}\n', "t", "k", None),
        ('[t]\n"k" = ["a"]\n', "t", "k", None),
        ('[t]\nk = "a"\n', "t", "k", None),
        ("[t\n", "t", "k", None),
        ("", "t", "k", None),
        ('x = """\n[t]\nk = [\n"""\n[t]\nk = []\n', "t", "k", None),
    ],
)
def test_an_item_is_added_to_an_array(
    text: str, table: str, key: str, expected: str | None
) -> None:
    assert edits.with_item(text, table, key, "i") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "[t.u]\nk = 1\n"),
        ("a = 1", "a = 1\n\n[t.u]\nk = 1\n"),
        ("[t]\r\na = 1\r\n", "[t]\r\na = 1\r\n\r\n[t.u]\r\nk = 1\r\n"),
        ("[[x]]\na = 1\n", "[[x]]\na = 1\n\n[t.u]\nk = 1\n"),
        ("t = {a = 1}\n", None),
        ("[t.u]\na = 1\n", None),
        ("no toml", None),
    ],
)
def test_a_table_is_added_at_the_end(text: str, expected: str | None) -> None:
    assert edits.with_table(text, "t.u", ["k = 1"]) == expected


ITEM = "  - repo: local\n    hooks:\n      - id: x\n"


@pytest.mark.parametrize(
    "text",
    [
        "repos:\n- repo: a\n  hooks:\n  - id: b\n",
        "repos:\n  - repo: a\n    hooks: [{id: b}]\n# end\n",
        "repos:  # mine\n    - repo: a\n      hooks: []\n\nci:\n  skip: [b]\n",
        "ci: {}\nrepos:\n- repo: a\n",
    ],
)
def test_a_hook_is_added_to_the_others(text: str) -> None:
    new = edits.with_repo(text, ITEM)
    assert new is not None
    assert is_within(text, new)
    assert yaml.safe_load(new)["repos"][-1] == {"repo": "local", "hooks": [{"id": "x"}]}


@pytest.mark.parametrize(
    "text", ["", "repos: []\n", "- a\n", "repos: [\n", "repos: {}\n", "a: 1\n"]
)
def test_a_file_of_hooks_that_is_written_otherwise_is_left_alone(text: str) -> None:
    assert edits.with_repo(text, ITEM) is None


TASK = {"label": "x", "args": ["a"]}


@pytest.mark.parametrize(
    "text",
    [
        '{"tasks": []}',
        '{\n  // c "tasks": [\n  "version": "2.0.0",\n  "tasks": [\n    {"label": "a"},\n  ],\n}\n',
        '{"tasks": [{"label": "a // b /* c */ ,] "} /* d */]}',
        '{\r\n"tasks": [\r\n{"label": "a"}\r\n]}\r\n',
    ],
)
def test_a_task_is_added_to_the_others(text: str) -> None:
    new = edits.with_tasks(text, [TASK])
    assert new is not None
    assert is_within(text, new)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 1}', "{", '{"tasks": [], "b": {"tasks": []}}']
)
def test_a_file_of_tasks_that_is_written_otherwise_is_left_alone(text: str) -> None:
    assert edits.with_tasks(text, [TASK]) is None


LINES = st.sampled_from(
    [
        *("[t]", "[t.u]", "[[v]]", "k = []", 'k = ["a"]', "k = [", "]", '"a",', "# c", ""),
        *("[x]  # y", '"""', "s = '''", "x = 1", "t = {}", "  k = [ ]  # z", '"k" = []'),
    ]
)


@settings(max_examples=300)
@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_file_nothing_of_it_changes(lines: list[str], newline: str) -> None:
    text = newline.join(lines)
    for new in (edits.with_item(text, "t", "k", "i"), edits.with_table(text, "t.u", ["k = 1"])):
        assert new is None or is_within(text, new)
        assert new is None or tomllib.loads(new)


EXTRAS = "vscode pre-commit github gitlab gitattributes".split()


def init(tool: Tool, *arguments: str) -> str:
    outcome = tool("init", "--base-url", URL, *arguments)
    assert outcome.code == 0, outcome.err
    return outcome.err


def test_a_new_project_gets_a_section_and_no_more(project: Path, tool: Tool) -> None:
    init(tool)
    text = (project / "pyproject.toml").read_text()
    assert tomllib.loads(text)["tool"]["engage-codegen"] == {
        "base-url": URL,
        "user-agent": f"{project.name}/1.0",
        "output": "engage_interactions",
    }
    assert contents(project).keys() == {"pyproject.toml"}


def test_every_byte_that_was_there_stays(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_bytes(PYPROJECT.encode())
    (project / "pyproject.toml").chmod(0o640)
    init(tool, "--with", "build")
    data = (project / "pyproject.toml").read_bytes()
    assert is_within(PYPROJECT, data.decode())
    assert data.count(b"\n") == data.count(b"\r\n")
    assert (project / "pyproject.toml").stat().st_mode & 0o777 == 0o640


def test_a_second_time_there_is_nothing_to_do(project: Path, tool: Tool) -> None:
    picked = [it for extra in EXTRAS for it in ("--with", extra)]
    init(tool, *picked)
    before = contents(project)
    assert "nothing to do" in init(tool, *picked)
    assert "nothing to do" in tool("init", *picked).err, "the section says the rest"
    assert contents(project) == before


def test_a_dry_run_shows_all_and_writes_nothing(project: Path, tool: Tool) -> None:
    outcome = tool("init", "--base-url", URL, "--with", "vscode", "--dry-run")
    assert "+[tool.engage-codegen]" in outcome.out
    assert "+++ .vscode/tasks.json" in outcome.out
    assert contents(project) == {}


@pytest.mark.parametrize(
    ("files", "output"),
    [
        ({"src/acme/__init__.py": ""}, "src/acme/engage_interactions"),
        ({"acme/__init__.py": ""}, "acme/engage_interactions"),
        ({"acme/__init__.py": "", "tests/__init__.py": ""}, "acme/engage_interactions"),
        ({"a/__init__.py": "", "b/__init__.py": ""}, "engage_interactions"),
        ({"src/a.py": ""}, "src/engage_interactions"),
        ({"main.py": ""}, "engage_interactions"),
    ],
)
def test_the_package_goes_where_it_can_be_imported(
    project: Path, tool: Tool, files: dict[str, str], output: str
) -> None:
    for path, text in files.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    init(tool)
    section = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["engage-codegen"]
    assert section["output"] == output


def test_what_cannot_be_added_is_said(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text(
        'tool = {ruff = {}}\n[project]\nname = "a"\nversion = "1"\ndynamic = ["dependencies"]\n'
    )
    (project / ".vscode").mkdir()
    (project / ".vscode/tasks.json").write_text("[]")
    (project / ".vscode/settings.json").write_text("{}")
    said = init(tool, "--with", "vscode")
    assert "add by hand:\n[tool.engage-codegen]" in said
    assert "the tasks engage: pull" in said
    assert '"url": "./.vscode/interaction.schema.json"' in said
    assert (project / ".vscode/tasks.json").read_text() == "[]"


def test_a_job_that_somebody_changed_stays(project: Path, tool: Tool) -> None:
    init(tool, "--with", "github")
    job = project / ".github/workflows/engage-codegen.yml"
    job.write_text("# mine\n")
    assert "nothing to do" in init(tool, "--with", "github")
    assert job.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--base-url"),
        (["--base-url", URL, "--output", "."], "package folder"),
        (["--base-url", URL, "--package", "1x"], "cannot be imported"),
        (["--base-url", URL, "--with", "emacs"], "emacs"),
        (["--base-url", "foo"], "foo"),
        (["--base-url", "https://a\nb"], "base URL"),
        (["--base-url", URL, "--user-agent", "Acme😀/1"], "user agent"),
        (["--schemas", "nowhere"], "no such file"),
    ],
)
def test_what_cannot_be_set_up(project: Path, tool: Tool, arguments: list[str], said: str) -> None:
    outcome = tool("init", *arguments)
    assert (outcome.code, said in outcome.err) == (2, True), outcome.err
    assert contents(project) == {}


def test_a_broken_file_is_named(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text("[project\n")
    outcome = tool("init", "--base-url", URL)
    assert outcome.code == 2
    assert "pyproject.toml" in outcome.err


def test_the_tasks_are_json_with_one_pattern(project: Path, tool: Tool) -> None:
    init(tool, "--with", "vscode")
    (entry,) = json.loads((project / ".vscode/settings.json").read_text())["json.schemas"]
    assert (project / entry["url"]).exists()
    assert entry["fileMatch"][0] == "/engage_interactions/_snapshot/*.json"
    tasks = json.loads((project / ".vscode/tasks.json").read_text())["tasks"]
    assert [it["label"] for it in tasks] == [
        f"engage: {it}" for it in "pull generate check lint watch".split()
    ]
    patterns = [it["problemMatcher"]["pattern"] for it in tasks if it["problemMatcher"]]
    assert patterns == [patterns[0]] * 3


def test_on_a_terminal_it_asks(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_command, "is_terminal", bool)
    answers = [URL, "visits", "", "", *("y" if it == "gitattributes" else "n" for it in PICKS), "y"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    outcome = tool("init")
    assert outcome.code == 0, outcome.err
    section = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["engage-codegen"]
    assert (section["base-url"], section["output"]) == (URL, "visits")
    assert (project / ".gitattributes").read_text() == "visits/** linguist-generated=true\n"
    assert contents(project).keys() == {"pyproject.toml", ".gitattributes"}


def test_a_no_writes_nothing(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_command, "is_terminal", bool)
    answers = [URL, "", "", "", *("n" for _ in PICKS), "n"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    assert tool("init").code == 0
    assert contents(project) == {}


def wheel_of(project: Path) -> set[str]:
    """The files of the wheel that a project builds, with the backends of this environment."""
    command = [sys.executable, *"-m pip wheel -q --no-build-isolation --no-deps -w dist .".split()]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (project / "dist").glob("*.whl")
    with ZipFile(wheel) as file:
        return set(file.namelist())


SETUP_PY = 'from setuptools import setup\nsetup(name="acme", version="1", packages=["acme"])\n'


def test_a_project_of_setup_py_builds_as_before(project: Path, tool: Tool) -> None:
    (project / "setup.py").write_text(SETUP_PY)
    (project / "acme").mkdir()
    (project / "acme/__init__.py").touch()
    assert "package-data" in init(tool)
    assert "acme/__init__.py" in wheel_of(project)


@pytest.mark.parametrize("backend", ["hatchling.build", "setuptools.build_meta"])
def test_dynamic_dependencies_stay_dynamic(project: Path, tool: Tool, backend: str) -> None:
    (project / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["{backend[:10]}"]\nbuild-backend = "{backend}"\n'
        '[project]\nname = "acme"\nversion = "1"\ndynamic = ["dependencies"]\n'
    )
    assert "httpx" in init(tool)
    document = tomllib.loads((project / "pyproject.toml").read_text())
    assert "dependencies" not in document["project"]


@pytest.mark.parametrize(
    ("files", "output"),
    [
        (["src/acme/shop/__init__.py"], "src/acme/shop/engage_interactions"),
        (["acme/__init__.py", "scripts/__init__.py"], "acme/engage_interactions"),
        (["lib/acme_shop/__init__.py"], "lib/acme_shop/engage_interactions"),
        (["acme/__init__.py", "acme/inner/__init__.py"], "acme/engage_interactions"),
    ],
)
def test_namespaces_and_helpers_are_told_from_packages(
    project: Path, tool: Tool, files: list[str], output: str
) -> None:
    for path in files:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).touch()
    init(tool)
    section = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["engage-codegen"]
    assert section["output"] == output


def test_a_package_that_a_build_would_leave_out_is_said(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "acme-shop"\nversion = "1"\n')
    (project / "acme_shop.py").touch()
    assert "py-modules = ['acme_shop']" in init(tool)


def test_a_link_stays_a_link(project: Path, tool: Tool) -> None:
    (project / "real").mkdir()
    (project / "real/pyproject.toml").write_text("# mine\n")
    (project / "pyproject.toml").symlink_to("real/pyproject.toml")
    init(tool)
    assert (project / "pyproject.toml").is_symlink()
    assert "base-url" in (project / "real/pyproject.toml").read_text()


def test_all_is_written_or_nothing(project: Path, tool: Tool) -> None:
    (project / ".vscode").touch()
    assert tool("init", "--base-url", URL, "--with", "vscode").code == 2
    assert contents(project) == {".vscode": b""}


@pytest.mark.parametrize("path", [".vscode/tasks.json", ".pre-commit-config.yaml"])
def test_a_file_that_is_not_utf_8_is_named(project: Path, tool: Tool, path: str) -> None:
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).write_bytes(b"\xff\xfe\xe5")
    outcome = tool("init", "--base-url", URL, "--with", "vscode", "--with", "pre-commit")
    assert (outcome.code, path in outcome.err, "UTF-8" in outcome.err) == (2, True, True)


def test_what_is_set_up_already_is_not_silently_kept(project: Path, tool: Tool) -> None:
    init(tool)
    for more in (["--base-url", "https://b.voyado.com"], ["--output", "x"], ["--package", "x"]):
        outcome = tool("init", *more)
        assert (outcome.code, "change it there" in outcome.err) == (2, True)


def test_a_subfolder_of_a_project_is_refused(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tool)
    (project / "src").mkdir()
    monkeypatch.chdir(project / "src")
    assert tool("init", "--base-url", URL).code == 2
    assert contents(project / "src") == {}


def test_all_targets_get_into_hooks_and_attributes(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text(
        f'[tool.engage-codegen]\nbase-url = "{URL}"\nuser-agent = "a/1"\n'
        '[tool.engage-codegen.targets.a]\noutput = "pa"\n'
        '[tool.engage-codegen.targets.b]\noutput = "pb"\n'
    )
    assert tool("init", "--with", "pre-commit", "--with", "gitattributes").code == 0
    assert "pa/|pb/" in (project / ".pre-commit-config.yaml").read_text()
    assert (project / ".gitattributes").read_text().count("linguist-generated") == 2


@pytest.mark.parametrize(
    "text", ["repos:\n- repo: a\n  hooks: []   \n\n\n\nci:\n  x: 1\n", "repos:\n- repo: a"]
)
def test_a_hook_is_inserted_and_no_byte_goes(text: str) -> None:
    new = edits.with_repo(text, ITEM)
    assert new is not None
    added = len(new) - len(text)
    assert any(new[:at] + new[at + added :] == text for at in range(len(text) + 1))
