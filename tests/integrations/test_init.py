"""`init` adds files and settings to a repository, and changes nothing else."""

import io
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engage_codegen import __version__
from engage_codegen.cli import init as init_command
from engage_codegen.integrations import edits, requirement
from engage_codegen.integrations.scaffold import EXTRAS
from tests.support.tool import Tool, contents

pytestmark = pytest.mark.slow

URL = "https://acme.voyado.com"
PYPROJECT = '# mine\r\n[project]\r\nname = "a"  # name\r\ndependencies = [\r\n  "x",\r\n]\r\n'


def is_within(old: str, new: str) -> bool:
    """Return True if `new` is `old` with insertions and nothing else."""
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
def test_an_item_is_inserted_into_an_array(
    text: str, table: str, key: str, expected: str | None
) -> None:
    assert edits.insert_item(text, table, key, "i") == expected


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
def test_a_table_is_appended(text: str, expected: str | None) -> None:
    assert edits.append_table(text, "t.u", ["k = 1"]) == expected


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
def test_a_hook_is_appended_to_the_others(text: str) -> None:
    new = edits.append_repo(text, ITEM)
    assert new is not None
    assert is_within(text, new)
    assert yaml.safe_load(new)["repos"][-1] == {"repo": "local", "hooks": [{"id": "x"}]}


@pytest.mark.parametrize(
    "text", ["", "repos: []\n", "- a\n", "repos: [\n", "repos: {}\n", "a: 1\n"]
)
def test_a_file_of_hooks_with_another_layout_is_not_edited(text: str) -> None:
    assert edits.append_repo(text, ITEM) is None


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
def test_a_task_is_inserted_before_the_others(text: str) -> None:
    new = edits.insert_tasks(text, [TASK])
    assert new is not None
    assert is_within(text, new)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 1}', "{", '{"tasks": [], "b": {"tasks": []}}']
)
def test_a_file_of_tasks_with_another_layout_is_not_edited(text: str) -> None:
    assert edits.insert_tasks(text, [TASK]) is None


LINES = st.sampled_from(
    [
        *("[t]", "[t.u]", "[[v]]", "k = []", 'k = ["a"]', "k = [", "]", '"a",', "# c", ""),
        *("[x]  # y", '"""', "s = '''", "x = 1", "t = {}", "  k = [ ]  # z", '"k" = []'),
    ]
)


@settings(max_examples=300)
@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_an_addition_keeps_every_byte_of_any_file(lines: list[str], newline: str) -> None:
    text = newline.join(lines)
    for new in (edits.insert_item(text, "t", "k", "i"), edits.append_table(text, "t.u", ["k = 1"])):
        assert new is None or is_within(text, new)
        assert new is None or tomllib.loads(new)


FILE_EXTRAS = [name for name in EXTRAS if name != "build"]


def init(tool: Tool, *arguments: str) -> str:
    outcome = tool("init", "--base-url", URL, *arguments)
    assert outcome.code == 0, outcome.err
    return outcome.err


def test_a_new_project_gets_a_section_and_nothing_else(project: Path, tool: Tool) -> None:
    init(tool)
    text = (project / "pyproject.toml").read_text()
    assert tomllib.loads(text)["tool"]["engage-codegen"] == {
        "base-url": URL,
        "user-agent": f"{project.name}/1.0",
        "output": "engage_interactions",
        "required-version": __version__,
    }
    assert contents(project).keys() == {"pyproject.toml"}


def test_every_byte_of_an_existing_file_stays(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_bytes(PYPROJECT.encode())
    (project / "pyproject.toml").chmod(0o640)
    init(tool, "--with", "build")
    data = (project / "pyproject.toml").read_bytes()
    assert is_within(PYPROJECT, data.decode())
    assert data.count(b"\n") == data.count(b"\r\n")
    assert (project / "pyproject.toml").stat().st_mode & 0o777 == 0o640


def test_a_second_time_there_is_nothing_to_do(project: Path, tool: Tool) -> None:
    options = [option for name in FILE_EXTRAS for option in ("--with", name)]
    init(tool, *options)
    before = contents(project)
    assert "nothing to do" in init(tool, *options)
    assert "nothing to do" in tool("init", *options).err, "the section has the other settings"
    assert contents(project) == before


def test_a_dry_run_shows_every_change_and_writes_nothing(project: Path, tool: Tool) -> None:
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


def test_an_addition_that_cannot_be_made_safely_is_printed_instead(
    project: Path, tool: Tool
) -> None:
    (project / "pyproject.toml").write_text(
        'tool = {ruff = {}}\n[project]\nname = "a"\nversion = "1"\ndynamic = ["dependencies"]\n'
    )
    (project / ".vscode").mkdir()
    (project / ".vscode/tasks.json").write_text("[]")
    (project / ".vscode/settings.json").write_text("{}")
    status = init(tool, "--with", "vscode")
    assert "add by hand:\n[tool.engage-codegen]" in status
    assert "the tasks engage: pull" in status
    assert '"url": "./.vscode/interaction.schema.json"' in status
    assert (project / ".vscode/tasks.json").read_text() == "[]"


def test_a_job_that_the_user_changed_stays(project: Path, tool: Tool) -> None:
    init(tool, "--with", "github")
    job = project / ".github/workflows/engage-codegen.yml"
    job.write_text("# mine\n")
    assert "nothing to do" in init(tool, "--with", "github")
    assert job.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--base-url"),
        (["--base-url", URL, "--output", "."], "package folder"),
        (["--base-url", URL, "--package", "1x"], "is no package name"),
        (["--base-url", URL, "--with", "emacs"], "emacs"),
        (["--base-url", "foo"], "foo"),
        (["--base-url", "https://a\nb"], "base URL"),
        (["--base-url", URL, "--user-agent", "Acme😀/1"], "user agent"),
        (["--schemas", "nowhere"], "no such file"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    project: Path, tool: Tool, arguments: list[str], message: str
) -> None:
    outcome = tool("init", *arguments)
    assert (outcome.code, message in outcome.err) == (2, True), outcome.err
    assert contents(project) == {}


def test_a_pyproject_toml_that_is_not_toml_is_refused(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text("[project\n")
    outcome = tool("init", "--base-url", URL)
    assert outcome.code == 2
    assert "pyproject.toml" in outcome.err


def test_the_tasks_share_one_problem_pattern(project: Path, tool: Tool) -> None:
    init(tool, "--with", "vscode")
    (entry,) = json.loads((project / ".vscode/settings.json").read_text())["json.schemas"]
    assert (project / entry["url"]).exists()
    assert entry["fileMatch"][0] == "/engage_interactions/_snapshot/*.json"
    tasks = json.loads((project / ".vscode/tasks.json").read_text())["tasks"]
    assert [task["label"] for task in tasks] == [
        f"engage: {name}"
        for name in ("pull", "generate", "check", "lint", "check --live", "diff", "watch")
    ]
    patterns = [task["problemMatcher"]["pattern"] for task in tasks if task["problemMatcher"]]
    assert patterns == [patterns[0]] * 5


def test_on_a_terminal_it_asks_for_unknown_settings(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init_command, "is_terminal", bool)
    choices = ["y" if name == "gitattributes" else "n" for name in EXTRAS]
    answers = [URL, "visits", "", "", *choices, "y"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    outcome = tool("init")
    assert outcome.code == 0, outcome.err
    section = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["engage-codegen"]
    assert (section["base-url"], section["output"]) == (URL, "visits")
    assert (project / ".gitattributes").read_text() == "visits/** linguist-generated=true\n"
    assert contents(project).keys() == {"pyproject.toml", ".gitattributes"}


def test_answering_no_writes_nothing(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init_command, "is_terminal", bool)
    answers = [URL, "", "", "", *("n" for _ in EXTRAS), "n"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    assert tool("init").code == 0
    assert contents(project) == {}


def wheel_of(project: Path) -> set[str]:
    """Return the files of the wheel that a project builds, with the backends installed here."""
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


@pytest.mark.parametrize(
    ("section", "before", "after"),
    [
        ('output = "a"', [], ["httpx>=0.27,<1"]),
        ('output = "a"\nhttp = "httpx2"', [], ["httpx2>=2.15.1,<3"]),
        (
            'output = "a"\nhttp = "httpx2"',
            ["httpx==0.28.1"],
            ["httpx==0.28.1", "httpx2>=2.15.1,<3"],
        ),
        ('output = "a"\nhttp = "httpx2"', ["HTTPX2"], ["HTTPX2"]),
        (
            'output = "a"\nhttp = "httpx2"',
            ["httpx2-jsfetch"],
            ["httpx2-jsfetch", "httpx2>=2.15.1,<3"],
        ),
        ('output = "a"', ["httpx2==2.16.2"], ["httpx2==2.16.2", "httpx>=0.27,<1"]),
        (
            '[tool.engage-codegen.targets.a]\noutput = "a"\nhttp = "httpx2"\n'
            '[tool.engage-codegen.targets.b]\noutput = "b"',
            [],
            ["httpx>=0.27,<1", "httpx2>=2.15.1,<3"],
        ),
    ],
)
def test_the_packages_get_the_http_libraries_that_they_need(
    section: str, before: list[str], after: list[str], project: Path, tool: Tool
) -> None:
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "acme"\nversion = "1"\ndependencies = {json.dumps(before)}\n'
        f'[tool.engage-codegen]\nbase-url = "{URL}"\nuser-agent = "a/1"\n{section}\n'
    )
    printed = init(tool)
    document = tomllib.loads((project / "pyproject.toml").read_text())
    assert sorted(document["project"]["dependencies"]) == sorted(after)
    if len(after) > len(before):
        # An optional part needs it, so it is no dependency of every package.
        assert "psycopg[binary]>=3.2" in printed
    if len(after) - len(before) == 2:
        assert "the package needs httpx and httpx2" in printed


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


def test_a_package_that_a_build_would_leave_out_is_reported(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "acme-shop"\nversion = "1"\n')
    (project / "acme_shop.py").touch()
    assert "py-modules = ['acme_shop']" in init(tool)


@pytest.mark.parametrize(
    "path", [".gitattributes", "pyproject.toml", ".github/workflows", ".vscode"]
)
def test_nothing_is_written_through_a_link_of_the_repository(
    tmp_path: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    project, home = tmp_path / "project", tmp_path / "home"
    (project / ".github").mkdir(parents=True)
    home.mkdir()
    (home / ".bashrc").write_text("# mine\n")
    monkeypatch.chdir(project)
    is_folder = path in (".github/workflows", ".vscode")
    Path(path).symlink_to(home if is_folder else home / ".bashrc")
    extras = ("--with", "gitattributes", "--with", "github", "--with", "vscode")
    outcome = tool("init", "--base-url", URL, "--install-from", REFERENCE, *extras)
    assert (outcome.code, "links are not followed" in outcome.err) == (2, True)
    assert contents(home) == {".bashrc": b"# mine\n"}
    assert {file.name for file in project.iterdir()} == {".github", path.partition("/")[0]}


def test_either_every_file_is_written_or_none(project: Path, tool: Tool) -> None:
    (project / ".vscode").touch()
    assert tool("init", "--base-url", URL, "--with", "vscode").code == 2
    assert contents(project) == {".vscode": b""}


@pytest.mark.parametrize("path", [".vscode/tasks.json", ".pre-commit-config.yaml"])
def test_a_file_that_is_not_utf_8_is_refused(project: Path, tool: Tool, path: str) -> None:
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).write_bytes(b"\xff\xfe\xe5")
    outcome = tool("init", "--base-url", URL, "--with", "vscode", "--with", "pre-commit")
    assert (outcome.code, path in outcome.err, "UTF-8" in outcome.err) == (2, True, True)


def test_an_option_that_contradicts_the_section_is_refused(project: Path, tool: Tool) -> None:
    init(tool)
    for more in (["--base-url", "https://b.voyado.com"], ["--output", "x"], ["--package", "x"]):
        outcome = tool("init", *more)
        assert (outcome.code, "change the value there" in outcome.err) == (2, True)


def test_a_subfolder_of_a_project_is_refused(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tool)
    (project / "src").mkdir()
    monkeypatch.chdir(project / "src")
    assert tool("init", "--base-url", URL).code == 2
    assert contents(project / "src") == {}


def test_hooks_and_attributes_name_the_packages_of_all_targets(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text(
        f'[tool.engage-codegen]\nbase-url = "{URL}"\nuser-agent = "a/1"\n'
        '[tool.engage-codegen.targets.a]\noutput = "pa"\n'
        '[tool.engage-codegen.targets.b]\noutput = "pb"\n'
    )
    assert tool("init", "--with", "pre-commit", "--with", "gitattributes").code == 0
    assert "pa/|pb/" in (project / ".pre-commit-config.yaml").read_text()
    assert (project / ".gitattributes").read_text().count("linguist-generated") == 2
    assert tool("init", "--with", "github").code == 0
    workflow = (project / ".github/workflows/engage-codegen.yml").read_text()
    for name in ("ENGAGE_API_KEY_A", "ENGAGE_API_KEY_B"):
        assert f"{name}: ${{{{ secrets.{name} }}}}" in workflow


@pytest.mark.parametrize(
    "text", ["repos:\n- repo: a\n  hooks: []   \n\n\n\nci:\n  x: 1\n", "repos:\n- repo: a"]
)
def test_appending_a_hook_removes_no_byte(text: str) -> None:
    new = edits.append_repo(text, ITEM)
    assert new is not None
    added = len(new) - len(text)
    assert any(new[:at] + new[at + added :] == text for at in range(len(text) + 1))


def section_of(project: Path) -> dict[str, object]:
    document = tomllib.loads((project / "pyproject.toml").read_text())
    section: dict[str, object] = document["tool"]["engage-codegen"]
    return section


def test_url_and_user_agent_come_from_the_environment(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_BASE_URL", "https://b.voyado.com/")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "AcmePOS/1.5")
    monkeypatch.setattr(init_command, "is_terminal", bool)
    answers = ["", "", *("n" for _ in EXTRAS), "y"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    assert tool("init").code == 0
    section = section_of(project)
    assert section["base-url"] == "https://b.voyado.com"
    assert section["user-agent"] == "AcmePOS/1.5"


def test_the_question_for_the_url_has_no_default(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init_command, "is_terminal", bool)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n\n"))
    assert tool("init").code != 0
    assert contents(project) == {}


@pytest.mark.parametrize(
    ("value", "is_refused"),
    [
        *((">=3.9", True), (">=3.10.4", True), ("<4", True), ("==3.10.*", True)),
        *((">=3.11", False), (">3.10.99,<4", False), ("~=3.12", False), ("nonsense", False)),
    ],
)
def test_a_project_for_older_pythons_is_refused(
    value: str, is_refused: bool, project: Path, tool: Tool
) -> None:
    text = f'[project]\nname = "a"\nversion = "1"\nrequires-python = "{value}"\n'
    (project / "pyproject.toml").write_text(text)
    outcome = tool("init", "--base-url", URL)
    assert outcome.code == (2 if is_refused else 0)
    if is_refused:
        assert "needs Python 3.11 or later" in outcome.err
        assert (project / "pyproject.toml").read_text() == text


def test_quiet_prints_nothing(project: Path, tool: Tool) -> None:
    outcome = tool("init", "--base-url", URL, "--with", "vscode", "--with", "github", "-q")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (project / ".vscode/tasks.json").exists()


def test_a_quiet_dry_run_still_shows_the_changes(project: Path, tool: Tool) -> None:
    assert "+[tool.engage-codegen]" in tool("init", "--base-url", URL, "--dry-run", "-q").out


def test_an_output_that_git_ignores_is_reported(project: Path, tool: Tool) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    (project / ".gitignore").write_text("engage_interactions/\n")
    assert "git ignores engage_interactions" in init(tool)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".prettierrc", "{}"),
        (".prettierignore", "dist/\n"),
        ("prettier.config.mjs", ""),
        ("package.json", '{"devDependencies": {"prettier": "3"}}'),
        (".pre-commit-config.yaml", "repos:\n- repo: https://example.com/mirrors-prettier\n"),
    ],
)
def test_prettier_is_told_to_ignore_the_snapshot(
    path: str, text: str, project: Path, tool: Tool
) -> None:
    (project / path).write_text(text)
    init(tool)
    lines = (project / ".prettierignore").read_text().splitlines()
    assert lines[-1] == "engage_interactions/_snapshot/"
    assert "nothing to do" in init(tool)


REFERENCE = "git+https://git.example.com/tools/engage-codegen@v0.1"
PIN_FILES = (
    "pyproject.toml",
    ".pre-commit-config.yaml",
    ".github/workflows/engage-codegen.yml",
    ".gitlab/engage-codegen.yml",
)
PINNED = [
    option for name in ("build", "pre-commit", "github", "gitlab") for option in ("--with", name)
]


@pytest.fixture
def hatch_project(project: Path) -> Path:
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "a"\nversion = "1"\n'
    )
    (project / "a").mkdir()
    (project / "a/__init__.py").touch()
    return project


def replace_requirement(monkeypatch: pytest.MonkeyPatch, default: str) -> None:
    """Let `init` require the tool as `default` unless a reference is passed."""
    parse = requirement.tool_requirement

    def tool_requirement(reference: str) -> str:
        return parse(reference) if reference else default

    monkeypatch.setattr(init_command, "tool_requirement", tool_requirement)


def pins_of(project: Path) -> set[str]:
    """Return the distinct requirements for the tool in the files of a project."""
    pin = re.compile(r"""engage-codegen(?:==| @ )[^"]+""")
    texts = [(project / path).read_text() for path in PIN_FILES]
    assert all(len(pin.findall(text)) == 1 for text in texts)
    return {pin.findall(text)[0] for text in texts}


def test_every_file_installs_the_tool_from_the_given_reference(
    hatch_project: Path, tool: Tool
) -> None:
    status = init(tool, *PINNED, "--install-from", REFERENCE)
    assert pins_of(hatch_project) == {f"engage-codegen @ {REFERENCE}"}
    assert "path of this machine" not in status
    for path in PIN_FILES[1:]:
        assert yaml.safe_load((hatch_project / path).read_text())


def test_without_an_index_no_requirement_needs_one(hatch_project: Path, tool: Tool) -> None:
    init(tool, *PINNED)
    (pin,) = pins_of(hatch_project)
    assert re.fullmatch(r"engage-codegen @ (file|git\+https|git\+ssh)://\S+", pin)


def test_a_reference_to_a_path_of_this_machine_is_reported(
    hatch_project: Path, tool: Tool, tmp_path: Path
) -> None:
    (tmp_path / "my clone").mkdir()
    status = init(tool, *PINNED, "--install-from", "my clone")
    assert pins_of(hatch_project) == {f"engage-codegen @ {(tmp_path / 'my clone').as_uri()}"}
    assert status.count("path of this machine") == 1


def test_with_an_index_every_file_names_the_version(
    hatch_project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirement, "IS_ON_INDEX", True)
    init(tool, *PINNED)
    assert pins_of(hatch_project) == {f"engage-codegen=={__version__}"}


@pytest.mark.parametrize("reference", ["nowhere", "git+https://a/$(x)", 'https://a/"', "ftp://a/b"])
def test_a_reference_that_pip_cannot_install_is_refused(
    reference: str, hatch_project: Path, tool: Tool
) -> None:
    before = contents(hatch_project)
    outcome = tool("init", "--base-url", URL, *PINNED, "--install-from", reference)
    assert (outcome.code, "--install-from" in outcome.err) == (2, True)
    assert contents(hatch_project) == before


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"url": "https://h/r", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "engage-codegen @ git+https://h/r@abc",
        ),
        ({"url": "https://h/e.whl", "archive_info": {}}, "engage-codegen @ https://h/e.whl"),
        ({"url": "file:///nowhere", "dir_info": {}}, "engage-codegen @ file:///nowhere"),
        ({"url": "https://h/$(x)", "archive_info": {}}, ""),
        (None, ""),
    ],
)
def test_the_tool_is_installed_from_where_it_came_from(
    record: object, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Distribution:
        def __init__(self, name: str) -> None:
            assert name == "engage-codegen"

        def read_text(self, name: str) -> str | None:
            return json.dumps(record) if record else None

    monkeypatch.setattr("importlib.metadata.distribution", Distribution)
    assert requirement.tool_requirement() == expected


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://user:secret@git.example.com/e.git", "git+https://git.example.com/e.git@"),
        ("git@git.example.com:group/e.git", "git+ssh://git@git.example.com/group/e.git@"),
        ("ssh://git@git.example.com/e", "git+ssh://git@git.example.com/e@"),
        ("/srv/e.git", "file://"),
    ],
)
def test_a_clone_is_named_by_its_remote_and_commit(
    remote: str, expected: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (
        ["init", "-q"],
        ["remote", "add", "origin", remote],
        [*identity, "commit", "-q", "--allow-empty", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=project, check=True)

    class Distribution:
        def __init__(self, name: str) -> None:
            assert name == "engage-codegen"

        def read_text(self, name: str) -> str:
            return json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}})

    monkeypatch.setattr("importlib.metadata.distribution", Distribution)
    assert requirement.tool_requirement().startswith(f"engage-codegen @ {expected}")
    assert "secret" not in requirement.tool_requirement()


def test_an_unknown_origin_is_refused_where_a_file_needs_it(
    hatch_project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_requirement(monkeypatch, "")
    outcome = tool("init", "--base-url", URL, "--with", "github")
    assert (outcome.code, "--install-from URL" in outcome.err) == (2, True)
    assert tool("init", "--base-url", URL, "--with", "vscode").code == 0


def pin_older_version(project: Path, pin: str) -> None:
    """Rewrite the files as version 0.0.9 would have written them, with this pin."""
    for path in PIN_FILES:
        file = project / path
        text = re.sub(r"""engage-codegen(==| @ )[^"]+""", pin, file.read_text())
        text = text.replace(f'required-version = "{__version__}"', 'required-version = "0.0.9"')
        file.write_text(text)


@pytest.mark.parametrize(
    ("old", "options", "new"),
    [
        ("engage-codegen==0.0.9", [], f"engage-codegen=={__version__}"),
        ("engage-codegen @ file:///old", [], "engage-codegen @ file:///new"),
        ("engage-codegen==0.0.9", ["--install-from", REFERENCE], f"engage-codegen @ {REFERENCE}"),
    ],
)
def test_a_second_init_moves_every_pin_to_its_version(
    old: str,
    options: list[str],
    new: str,
    hatch_project: Path,
    tool: Tool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    init(tool, *PINNED, "--install-from", REFERENCE)
    pin_older_version(hatch_project, old)
    replace_requirement(monkeypatch, "engage-codegen @ file:///new")
    assert tool("init", *options).code == 0
    assert pins_of(hatch_project) == {new}
    assert section_of(hatch_project)["required-version"] == __version__
    assert "nothing to do" in tool("init").err


def test_a_url_is_not_replaced_by_a_path_of_this_machine(
    hatch_project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tool, *PINNED, "--install-from", REFERENCE)
    pin_older_version(hatch_project, f"engage-codegen @ {REFERENCE}")
    replace_requirement(monkeypatch, "engage-codegen @ file:///new")
    outcome = tool("init")
    assert pins_of(hatch_project) == {f"engage-codegen @ {REFERENCE}"}
    assert outcome.err.count("--install-from URL replaces it") == len(PIN_FILES)
    assert section_of(hatch_project)["required-version"] == __version__


def test_pins_outside_of_the_files_of_init_stay(hatch_project: Path, tool: Tool) -> None:
    init(tool)
    file = hatch_project / "pyproject.toml"
    text = file.read_text().replace(f'"{__version__}"', '"0.0.9"')
    text += '[dependency-groups]\ndev = ["engage-codegen==0.0.9"]\n'
    file.write_text(text)
    assert tool("init").code == 0
    assert 'dev = ["engage-codegen==0.0.9"]' in file.read_text()
    assert section_of(hatch_project)["required-version"] == __version__


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[t]\nk = "a"  # why\n', '[t]\nk = "b"  # why\n'),
        ("[t]\nj = 1\nk = 'a'\n[u]\nk = 'a'\n", "[t]\nj = 1\nk = \"b\"\n[u]\nk = 'a'\n"),
        ('[u]\nk = "a"\n[t]\n', None),
        ("[t]\nk = 1\n", None),
        ('t.k = "a"\n', None),
        ('x = """\n[t]\nk = "a"\n"""\n[t]\nk = "a"\n', None),
    ],
)
def test_a_value_is_replaced_in_its_table_only(text: str, expected: str | None) -> None:
    assert edits.replace_value(text, "t", "k", "b") == expected


@pytest.mark.parametrize("folder", ["pos", "services/pos", "odd name's/pos"])
def test_in_a_sub_folder_the_files_of_ci_go_where_they_are_read(
    folder: str, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", project], check=True)
    (project / ".pre-commit-config.yaml").write_text("repos:\n  - repo: local\n    hooks: []\n")
    name = re.sub(r"[^A-Za-z0-9]", "-", folder)
    for below in (folder, "other"):
        (project / below).mkdir(parents=True)
        monkeypatch.chdir(project / below)
        extras = [f"--with={extra}" for extra in ("github", "gitlab", "pre-commit")]
        options = ("--yes", "--base-url", URL, "--install-from", "https://acme.com/tool.whl")
        assert tool("init", *options, *extras).code == 0
        assert "nothing to do" in tool("init", *options, *extras).err
        assert {path.name for path in Path().iterdir()} == {"pyproject.toml"}
    github = yaml.safe_load(
        (project / f".github/workflows/engage-codegen-{name}.yml").read_text("utf-8")
    )
    assert github["defaults"] == {"run": {"working-directory": folder}}
    gitlab = yaml.safe_load((project / f".gitlab/engage-codegen-{name}.yml").read_text("utf-8"))
    assert list(gitlab) == [f"engage-codegen-{name}"]
    (job,) = gitlab.values()
    assert job["script"][0].startswith("cd ")
    shell = subprocess.run(["sh", "-c", f"{job['script'][0]} && pwd"], cwd=project, text=True,
                           check=True, capture_output=True)  # fmt: skip
    assert shell.stdout == f"{project / folder}\n"
    _, *hooks = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = hooks[0]["hooks"]
    assert shlex.split(hook["entry"])[-1] == f"{folder}/pyproject.toml"
    assert re.search(hook["files"], f"{folder}/pyproject.toml")
    assert not re.search(hook["files"], "other/pyproject.toml")
    assert [len(repo["hooks"]) for repo in hooks] == [1, 1]


def test_a_byte_order_mark_in_pyproject_is_kept(project: Path, tool: Tool) -> None:
    mark = b"\xef\xbb\xbf"
    (project / "pyproject.toml").write_bytes(mark + b'[project]\nname = "a"\nversion = "1"\n')
    assert tool("init", "--yes", "--base-url", URL).code == 0
    text = (project / "pyproject.toml").read_bytes()
    assert text.startswith(mark + b"[project]")
    assert b"[tool.engage-codegen]" in text
    assert "no snapshot" in tool("generate").out
