"""What `init` puts into a repository: a plan of whole files, old and new. Writes nothing itself."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from .. import __version__
from ..errors import InputError
from . import edits
from .project import Project

_FILES = Path(__file__).parent / "files"
_HTTPX = "httpx>=0.27,<1"
_DATA = ("_snapshot/*.json", "INDEX.md", "py.typed")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the section is to say; paths are below the project's folder, with ``/``, those of
    several sources with colons between them. `also` are the other targets."""

    base_url: str
    schemas: str
    user_agent: str
    output: str
    also: tuple["Wanted", ...] = ()

    @property
    def outputs(self) -> list[str]:
        """The packages of all targets."""
        return [it.output for it in (self, *self.also)]

    @property
    def sources(self) -> list[str]:
        """The files and folders of schemas of all targets."""
        return [path for it in (self, *self.also) for path in it.schemas.split(":") if path]


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
        is_dynamic = "dependencies" in project.dynamic
        new = None if is_dynamic else edits.with_item(text, "project", "dependencies", _HTTPX)
        add(new, f'"{_HTTPX}" among the dependencies')
    notes += project.left_out(wanted.output)
    if project.backend == "setuptools" and project.takes_tables:
        package = _import_path(wanted.output)
        lines = [f"{json.dumps(package)} = {json.dumps(list(_DATA))}"]
        add(edits.with_table(text, "tool.setuptools.package-data", lines), "\n".join(lines))
    elif project.backend == "setuptools" and "_snapshot" not in project.text:
        notes.append(f"package-data for {_import_path(wanted.output)}: {', '.join(_DATA)}")
    if is_building and not project.requires_tool:
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
    folders = [*wanted.sources, *(f"{it}/_snapshot" for it in wanted.outputs)]
    is_file = {it for it in folders if (project.root / it).is_file()}
    matches = [f"/{it}" if it in is_file else f"/{it}/*.json" for it in folders]
    matches.append("!**/codegen.lock.json")
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
    paths = [*wanted.outputs, *wanted.sources]
    is_file = {it for it in paths if (project.root / it).is_file()}
    files = "|".join(re.escape(it) + ("$" if it in is_file else "/") for it in paths)
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
    new = old or ""
    for output in wanted.outputs:
        new = edits.with_line(new, f"{output}/** linguist-generated=true")
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
    try:
        return (project.root / path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InputError(reason, where=path, fix="check the path") from None
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8", where=path, fix="save it as UTF-8") from None


def _import_path(output: str) -> str:
    return ".".join(Path(output.removeprefix("src/")).parts)
