"""Templates of a project: generated, checked, named, and refused where they say nothing."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from engage_codegen import verify
from engage_codegen.output.lockfile import LOCKFILE_PATH
from engage_codegen.sandbox.server import Sandbox
from engage_codegen.verify import templates as templates_check
from engage_codegen.verify.results import CheckerResult
from tests.support.packages import read_tree, write_schemas
from tests.support.tool import Tool

LINE = "{# template contract 1.0 #}\n"
TWIN = LINE + "NAME = {{ record.title | literal }}\n"
ORIGINAL = '{% include "original/module.py.jinja" %}\n'
PAGE = LINE + "{% for record in package.records %}\n# {{ record.title | cell }}\n{% endfor %}\n"


@pytest.fixture
def shop(project: Path) -> Path:
    """A project with two schemas and three templates."""
    write_schemas(project / "schemas", {"door": ["width"], "visit": ["place"]})
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\noutput = "package"\nschemas = "schemas"\ntemplates = "own"\n'
    )
    write(project, "each/twin.py.jinja", TWIN)
    write(project, "once/page.md.jinja", PAGE)
    write(
        project, "module.py.jinja", LINE + '# License\n{% include "original/module.py.jinja" %}\n'
    )
    return project


def check_nothing(_output: Path, _paths: Iterable[str]) -> tuple[CheckerResult, ...]:
    return ()


def write(project: Path, name: str, text: str) -> Path:
    path = project / "own" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_are_generated_checked_and_deleted_with_their_template(
    shop: Path, tool: Tool
) -> None:
    assert tool("generate").code == 0
    files = read_tree(shop / "package")
    assert b'NAME = "Title of door"' in files["door_twin.py"]
    assert b"# License" in files["visit.py"]
    assert files["page.md"] == b"# Title of door\n# Title of visit\n"
    assert tool("generate").err.startswith("up to date")
    outcome = tool("check")
    assert (outcome.code, outcome.err) == (0, "up to date\n")
    for name in ("each/twin.py.jinja", "once/page.md.jinja", "module.py.jinja"):
        (shop / "own" / name).unlink()
    assert tool("check").code == 1
    assert tool("generate").code == 0
    assert not {"door_twin.py", "page.md"} & read_tree(shop / "package").keys()
    assert b"own_files" not in (shop / "package" / LOCKFILE_PATH).read_bytes()
    assert tool("check").out == ""


def test_a_changed_template_makes_the_package_stale_and_diff_shows_it(
    shop: Path, tool: Tool
) -> None:
    assert tool("generate").code == 0
    write(shop, "each/twin.py.jinja", TWIN + "MORE = 1\n")
    outcome = tool("check")
    assert outcome.code == 1
    assert "+MORE = 1" in outcome.out
    assert "door_twin.py" in outcome.out
    assert tool("generate").code == 0
    assert tool("check").code == 0


def test_a_schema_that_is_gone_takes_its_files_along(shop: Path, tool: Tool) -> None:
    assert tool("generate").code == 0
    (shop / "schemas" / "door.json").unlink()
    assert tool("generate").code == 0
    files = read_tree(shop / "package")
    assert not [path for path in files if path.startswith("door")]
    assert files["page.md"] == b"# Title of visit\n"


@pytest.mark.parametrize("path", ["door_twin.py", "page.md", "door.py"])
def test_an_edited_file_is_never_overwritten(path: str, shop: Path, tool: Tool) -> None:
    assert tool("generate").code == 0
    (shop / "package" / path).write_text("edited\n")
    write(shop, "each/twin.py.jinja", TWIN + "MORE = 1\n")
    write(shop, "once/page.md.jinja", PAGE + "more\n")
    write(shop, "module.py.jinja", LINE + '# More\n{% include "original/module.py.jinja" %}\n')
    outcome = tool("generate")
    assert outcome.code == 1
    assert "edited by hand" in outcome.out
    assert tool("generate", "--force").code == 0


def test_a_file_that_nobody_made_is_still_unexpected(shop: Path, tool: Tool) -> None:
    assert tool("generate").code == 0
    (shop / "package" / "other_twin.py").write_text("")
    outcome = tool("check")
    assert outcome.code == 1
    assert "EG407" in outcome.out
    assert "other_twin.py" in outcome.out
    assert "package/door_twin.py" not in outcome.out


def test_the_lock_file_has_the_digests_and_its_own_word_decides_nothing(
    shop: Path, tool: Tool
) -> None:
    assert tool("generate").code == 0
    path = shop / "package" / LOCKFILE_PATH
    value = json.loads(path.read_bytes())
    digests = value["engage-codegen"]["own_templates"]
    assert digests.keys() == {"each/twin.py.jinja", "once/page.md.jinja", "module.py.jinja"}
    del value["engage-codegen"]["own_templates"]
    path.write_text(json.dumps(value))
    assert tool("check").code == 1


def test_check_names_the_files_of_each_template(shop: Path, tool: Tool) -> None:
    assert tool("generate").code == 0
    lines = [line for line in tool("check").out.splitlines() if "EG410" in line]
    assert [line.partition(":")[0] for line in lines] == [
        "own/each/twin.py.jinja",
        "own/module.py.jinja",
        "own/once/page.md.jinja",
    ]
    assert lines[0].endswith("made door_twin.py, visit_twin.py")


def test_the_index_can_be_a_template_too(shop: Path, tool: Tool) -> None:
    index = write(shop, "INDEX.md.jinja", LINE + "All {{ package.records | names }}\n| `x` |\n")
    assert tool("generate").code == 2  # records have no names
    index.write_text(LINE + "All\n| `x` |\n")
    assert tool("generate").code == 0
    assert (shop / "package" / "INDEX.md").read_text() == "All\n| `x` |\n"
    assert tool("generate").err.startswith("up to date")
    assert tool("check").code == 0
    index.write_text(LINE + "Nothing\n")
    assert tool("generate").code == 0
    index.unlink()
    assert tool("generate").code == 0
    assert tool("check").code == 0


WRONG_NAMES = {
    "modul.py.jinja": "did you mean 'module.py.jinja'",
    "twin.py.jinja": "replaces no template",
    "client.py.jinja": "replaces no template",
    "each/twin.py": "ends in .jinja",
    "README.md": "ends in .jinja",
    "eech/twin.py.jinja": "no folder",
    "each/more/twin.py.jinja": "no folder",
    "each/twin.jinja": "with an extension",
    "each/t-win.py.jinja": "name of a module",
    "once/class.py.jinja": "name of a module",
    "once/1.py.jinja": "name of a module",
    "once/con.md.jinja": "with an extension",
    "once/a b.md.jinja": "with an extension",
    "once/evil.pyc.jinja": "extension that a template cannot make",
    "once/evil.so.jinja": "extension that a template cannot make",
    "once/evil.pth.jinja": "extension that a template cannot make",
    "once/evil.PY.jinja": "extension that a template cannot make",
    "once/testing.py.jinja": "the place of a file",
    "once/outbox.py.jinja": "the place of a file",
    "once/__init__.py.jinja": "the place of a file",
    "once/INDEX.md.jinja": "the place of a file",
    "once/index.md.jinja": "the place of a file",
    "once/door.py.jinja": "the place of a file",
    "once/door.pyi.jinja": "the place of a file",
    "once/door_twin.py.jinja": "the place of a file",
    "once/_runtime.py.jinja": "the place of a file",
}


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_a_name_that_says_nothing_is_an_error_at_its_file(
    name: str, shop: Path, tool: Tool
) -> None:
    path = write(shop, name, LINE)
    outcome = tool("check")
    assert outcome.code == 2
    assert "EG511" in outcome.out
    assert WRONG_NAMES[name] in outcome.out
    (shop / "without.toml").write_text('[tool.engage-codegen]\nwithout = ["testing"]\n')
    path.unlink()
    assert tool("generate").code == 0


def test_two_schemas_and_a_template_that_want_one_file(shop: Path, tool: Tool) -> None:
    write_schemas(shop / "schemas" / "more", {"doorTwin": ["a"]})
    outcome = tool("generate")
    assert outcome.code == 2
    assert "own/each/twin.py.jinja" in outcome.out
    assert not (shop / "package").exists()


@pytest.mark.parametrize("folder", ["..", "../other", "/etc", "link"])
def test_the_folder_lies_in_the_repository(folder: str, shop: Path, tool: Tool) -> None:
    (shop.parent / "other").mkdir(exist_ok=True)
    (shop / "link").symlink_to(shop.parent / "other")
    file = shop / "pyproject.toml"
    file.write_text(file.read_text().replace('"own"', f'"{folder}"'))
    outcome = tool("check")
    assert outcome.code == 2
    assert "leads out of the repository" in outcome.out


def test_a_missing_folder_is_an_error(shop: Path, tool: Tool) -> None:
    shutil.rmtree(shop / "own")
    outcome = tool("generate")
    assert outcome.code == 2
    assert "no folder of templates" in outcome.out


@pytest.mark.parametrize("name", ["each/secret.md.jinja", "_secret.jinja", "once"])
def test_a_link_is_refused(name: str, shop: Path, tool: Tool) -> None:
    secret = shop.parent / "secret"
    secret.mkdir(exist_ok=True)
    (secret / "a.md.jinja").write_text(LINE + "SECRET")
    if name == "once":
        shutil.rmtree(shop / "own" / "once")
        (shop / "own" / "once").symlink_to(secret)
    else:
        (shop / "own" / name).symlink_to(secret / "a.md.jinja")
    outcome = tool("check")
    assert outcome.code == 2
    assert "cannot be a link" in outcome.out
    assert "SECRET" not in outcome.out


@pytest.mark.parametrize("data", [b"\xff\xfe", b"x" * 100_001])
def test_an_unreadable_template_is_an_error(data: bytes, shop: Path, tool: Tool) -> None:
    (shop / "own" / "each" / "twin.py.jinja").write_bytes(data)
    outcome = tool("check")
    assert outcome.code == 2
    assert "own/each/twin.py.jinja" in outcome.out


def test_line_ends_and_a_byte_order_mark_change_nothing(shop: Path, tool: Tool) -> None:
    assert tool("generate").code == 0
    path = shop / "own" / "each" / "twin.py.jinja"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert tool("check").code == 0


MISTAKES = {
    "{{ record.titel | literal }}": "no attribute 'titel'",
    "{{ recrod.title | literal }}": "'recrod' is undefined",
    "x = {{ record.title }}": "without a filter",
    "x = {{ record.title | upper }}": "No filter named 'upper'",
    "{% for f in record.fields %}": "Unexpected end of template",
    "x = (": "never closed",
    "return": "",
    "{% include '_missing.jinja' %}": "no template '_missing.jinja'",
    "x = {{ record.fields | literal }}": "cannot be used for a list",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_at_its_line(mistake: str, shop: Path, tool: Tool) -> None:
    write(shop, "each/twin.py.jinja", f"{TWIN}{mistake}\n")
    outcome = tool("templates", "check", "--output-format", "json")
    (finding,) = json.loads(outcome.out)["findings"]
    assert outcome.code == 2
    assert finding["code"] == "EG511"
    assert MISTAKES[mistake] in finding["message"]
    assert finding["file"].startswith("own")
    if mistake not in ("x = (", "return"):
        assert finding["line"] in (3, 4)


def test_copy_writes_the_template_and_the_version_and_overwrites_nothing(
    shop: Path, tool: Tool
) -> None:
    assert tool("templates", "copy", "_class.py.jinja").code == 0
    path = shop / "own" / "_class.py.jinja"
    assert path.read_text().startswith(LINE)
    shutil.rmtree(shop / "own" / "each")
    (shop / "own" / "module.py.jinja").unlink()
    plain = shop / "plain"
    assert tool("generate").code == 0
    config = shop / "plain.toml"
    config.write_text('[tool.engage-codegen]\noutput = "plain"\nschemas = "schemas"\n')
    assert tool("generate", "--config", config).code == 0
    assert (shop / "package" / "door.py").read_bytes() == (plain / "door.py").read_bytes()
    path.write_text("mine")
    outcome = tool("templates", "copy", "_class.py.jinja")
    assert outcome.code == 2
    assert "exists already" in outcome.out
    assert path.read_text() == "mine"
    assert "did you mean 'module.py.jinja'" in tool("templates", "copy", "modul.py.jinja").out
    assert tool("templates", "copy").code == 2


def test_copy_needs_a_folder_in_the_configuration(project: Path, tool: Tool) -> None:
    (project / "pyproject.toml").write_text("[tool.engage-codegen]\n")
    outcome = tool("templates", "copy", "module.py.jinja")
    assert outcome.code == 2
    assert 'templates = "engage_templates"' in outcome.out


def test_templates_check_says_what_a_template_takes_over(
    shop: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates_check, "check_types", check_nothing)
    write(shop, "_sender.py.jinja", LINE + '{% include "original/_sender.py.jinja" %}\n')
    write(shop, "_part.jinja", LINE)
    outcome = tool("templates", "check")
    assert outcome.code == 0
    assert "module.py.jinja: takes over checks of values, wire names, senders" in outcome.out
    assert "_sender.py.jinja: takes over senders" in outcome.out
    assert "each/twin.py.jinja: adds <module>_twin.py" in outcome.out
    assert "_part.jinja: a partial" in outcome.out
    assert len(templates_check.draw_schemas()) >= 10


def test_templates_check_finds_what_a_type_checker_finds(shop: Path, tool: Tool) -> None:
    write(shop, "each/twin.py.jinja", LINE + "NAME: int = {{ record.title | literal }}\n")
    outcome = tool("templates", "check")
    assert outcome.code == 1
    assert "drawn_0_twin.py" in outcome.out


def test_preflight_doubts_the_files_until_verify_has_passed(
    shop: Path, tool: Tool, engage: Sandbox, tenant: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "check_types", check_nothing)
    file = shop / "pyproject.toml"
    file.write_text(file.read_text().replace('schemas = "schemas"\n', ""))
    assert tool("pull").code == tool("generate").code == 0
    outcome = tool("preflight", "package")
    assert outcome.code == 1
    assert "UNKNOWN" in outcome.out
    assert "SAFE" not in outcome.out
    assert "repair.py, repair_twin.py" in outcome.out
    assert "'once/page.md.jinja' of the project made page.md" in outcome.err
    assert tool("verify").code == 0
    outcome = tool("preflight", "package")
    assert outcome.code == 0
    assert "UNKNOWN" not in outcome.out
    assert "'once/page.md.jinja' of the project made page.md" in outcome.err
    write(shop, "each/twin.py.jinja", TWIN + "MORE = 1\n")
    assert tool("generate").code == 0
    assert tool("preflight", "package").code == 1
    # What the lock file says of itself does not help.
    lockfile = shop / "package" / LOCKFILE_PATH
    value = json.loads(lockfile.read_bytes())
    del value["engage-codegen"]["own_templates"]
    lockfile.write_text(json.dumps(value))
    assert tool("preflight", "package").code == 1


def test_verify_refuses_what_a_template_broke(
    shop: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "check_types", check_nothing)
    assert tool("generate").code == tool("verify").code == 0
    write(
        shop,
        "_encode.py.jinja",
        LINE + "        payload[{{ field.name | literal }} + 'x'] = {{ field.encoded_value }}\n",
    )
    assert tool("generate").code == 0
    assert tool("verify").code == 1


def test_init_adds_the_folder_to_the_hook(shop: Path, tool: Tool) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    assert tool("init", "--yes", "--with", "pre-commit").code == 0
    assert "|own/" in (shop / ".pre-commit-config.yaml").read_text()
