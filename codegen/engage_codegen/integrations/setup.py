"""What `init` puts into a repository: a plan of whole files, old and new. Writes nothing itself."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from .. import __version__
from . import edits
from .project import Project

_FILES = Path(__file__).parent / "files"
_HTTPX = "httpx>=0.27,<1"
_DATA = ("_snapshot/*.json", "INDEX.md", "py.typed")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the section is to say; `output` is below the project's folder, with ``/``."""

    base_url: str
    schemas: str
    user_agent: str
    output: str


@dataclass(frozen=True, slots=True)
class Step:
    """A file and its new text; or, with `by_hand`, what only somebody else can add to it."""

    path: str
    old: str | None
    new: str
    by_hand: str = ""


def plan(project: Project, wanted: Wanted, extras: Collection[str]) -> list[Step]:
    """All that is missing, in the order of paths; nothing where all is there."""
    steps = [_pyproject(project, wanted, is_building="build" in extras)]
    for name in sorted(extras):
        if name in _EXTRAS:
            steps.append(_EXTRAS[name](project, wanted))
    if "vscode" in extras:
        steps += _editor_schemas(project, wanted)
    return [it for it in steps if it.by_hand or it.old != it.new]


def _pyproject(project: Project, wanted: Wanted, *, is_building: bool) -> Step:
    text, notes = project.text, list[str]()

    def add(new: str | None, otherwise: str) -> None:
        nonlocal text
        if new is None:
            notes.append(otherwise)
        text = text if new is None else new

    if not project.has_section:
        lines = _section(wanted)
        add(
            edits.with_table(text, "tool.engage-codegen", lines),
            "\n".join(["[tool.engage-codegen]", *lines]),
        )
    if "project" in project.document and not project.has_httpx:
        new = edits.with_item(text, "project", "dependencies", _HTTPX)
        add(new, f'"{_HTTPX}" among the dependencies')
    if project.backend == "setuptools" and "setuptools" not in _tool(project):
        package = _import_path(wanted.output)
        lines = [f"{json.dumps(package)} = {json.dumps(list(_DATA))}"]
        add(edits.with_table(text, "tool.setuptools.package-data", lines), "\n".join(lines))
    elif project.backend == "setuptools" and "_snapshot" not in project.text:
        notes.append(f"package-data for {_import_path(wanted.output)}: {', '.join(_DATA)}")
    if is_building and not project.requires_us:
        for new, otherwise in _building(project, text):
            add(new, otherwise)
            text = text if new is None else new
    return Step("pyproject.toml", project.text or None, text, "\n".join(notes))


def _section(wanted: Wanted) -> list[str]:
    values = {"base-url": wanted.base_url, "schemas": wanted.schemas}
    values |= {"user-agent": wanted.user_agent, "output": wanted.output}
    return [f"{key} = {json.dumps(value)}" for key, value in values.items() if value]


def _building(project: Project, text: str) -> Iterator[tuple[str | None, str]]:
    """The hook of the build backend, one addition after the other."""
    requirement = f"engage-codegen=={__version__}"
    if project.backend not in ("hatchling", "setuptools"):
        yield None, "a step before the build: engage-codegen check (see docs/build.md)"
        return
    if "build-system" in project.document:
        new = edits.with_item(text, "build-system", "requires", requirement)
    else:
        lines = [f'requires = ["setuptools>=77", "{requirement}"]']
        lines.append('build-backend = "setuptools.build_meta"')
        new = edits.with_table(text, "build-system", lines)
    yield new, f'"{requirement}" in requires of [build-system]'
    if project.backend == "hatchling":
        table = "tool.hatch.build.hooks.engage-codegen"
        yield edits.with_table(new or text, table, []), f"[{table}]"


def _tasks(project: Project, _wanted: Wanted) -> Step:
    path, ours = ".vscode/tasks.json", _file("tasks.json")
    old = _read(project, path)
    tasks = cast("list[dict[str, object]]", json.loads(ours)["tasks"])
    if old is None:
        return Step(path, None, ours)
    missing = [it for it in tasks if f'"{it["label"]}"' not in old]
    new = edits.with_tasks(old, missing) if missing else old
    labels = ", ".join(str(it["label"]) for it in missing)
    return Step(path, old, new or old, "" if new else f"the tasks {labels}")


def _editor_schemas(project: Project, wanted: Wanted) -> Iterator[Step]:
    """What completes and checks schema files and the configuration while they are typed."""
    for name in ("interaction.schema.json", "configuration.schema.json"):
        path = f".vscode/{name}"
        yield Step(path, _read(project, path), _file(name))
    folders = [wanted.schemas, f"{wanted.output}/_snapshot"]
    matches = [f"/{it}/*.json" for it in folders if it] + ["!**/codegen.lock.json"]
    entry = {"fileMatch": matches, "url": "./.vscode/interaction.schema.json"}
    text = json.dumps({"json.schemas": [entry]}, indent=2) + "\n"
    path, by_hand = ".vscode/settings.json", f"{text}(for schemas of the dialect engage)"
    old = _read(project, path)
    if old is None:
        yield Step(path, None, text)
    elif "interaction.schema.json" not in old:
        yield Step(path, old, old, by_hand)


def _pre_commit(project: Project, wanted: Wanted) -> Step:
    path = ".pre-commit-config.yaml"
    inputs = [wanted.output, *([wanted.schemas] if wanted.schemas else [])]
    files = "|".join(f"{re.escape(it)}/" for it in inputs)
    ours = _file("pre-commit-config.yaml").replace("@FILES@", files)
    old = _read(project, path)
    if old is None:
        return Step(path, None, ours)
    if "engage-codegen" in old:
        return Step(path, old, old)
    new = edits.with_repo(old, ours.removeprefix("repos:\n"))
    return Step(path, old, new or old, "" if new else ours)


def _job(path: str, source: str, also: str = "") -> Callable[[Project, Wanted], Step]:
    def step(project: Project, _wanted: Wanted) -> Step:
        old = _read(project, path)
        # One that is there may have been changed on purpose.
        return Step(path, old, _file(source) if old is None else old, also if old is None else "")

    return step


def _attributes(project: Project, wanted: Wanted) -> Step:
    path = ".gitattributes"
    old = _read(project, path)
    new = edits.with_line(old or "", f"{wanted.output}/** linguist-generated=true")
    return Step(path, old, new)


_EXTRAS: Mapping[str, Callable[[Project, Wanted], Step]] = {
    "vscode": _tasks,
    "pre-commit": _pre_commit,
    "github": _job(".github/workflows/engage-codegen.yml", "engage-codegen.github.yml"),
    "gitlab": _job(
        ".gitlab/engage-codegen.yml",
        "engage-codegen.gitlab.yml",
        "in .gitlab-ci.yml: include: [{local: .gitlab/engage-codegen.yml}]",
    ),
    "gitattributes": _attributes,
}
EXTRAS: Sequence[str] = (*_EXTRAS, "build")
"""What can be picked beside the section."""


def _file(name: str) -> str:
    return (_FILES / name).read_text("utf-8").replace("@VERSION@", __version__)


def _read(project: Project, path: str) -> str | None:
    file = project.root / path
    return file.read_bytes().decode("utf-8") if file.exists() else None


def _tool(project: Project) -> Mapping[str, object]:
    return cast("Mapping[str, object]", project.document.get("tool", {}))


def _import_path(output: str) -> str:
    return ".".join(Path(output.removeprefix("src/")).parts)
