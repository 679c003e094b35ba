"""The files that `init` adds to a repository, planned as whole files, old and new.

Nothing here writes. A file that cannot be edited safely stays, and a note says what to add to it.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

from .. import __version__
from ..config import HttpLibrary
from ..errors import InputError
from . import edits, jobs
from .project import Project, import_path, read_settings
from .repository import find_repository

_FILES = Path(__file__).parent / "files"
_HTTP_REQUIREMENTS: Mapping[HttpLibrary, str] = {
    "httpx": "httpx>=0.27,<1",
    "httpx2": "httpx2>=2.15.1,<3",
}
_PACKAGE_DATA = ("_snapshot/*.json", "INDEX.md", "py.typed")


@dataclass(frozen=True, slots=True)
class Target:
    """The settings of one package, or target. Paths are below the project's folder, with ``/``.

    `inputs` are the folders of contracts and of templates.
    """

    base_url: str
    schemas: tuple[str, ...]
    user_agent: str
    output: str
    http: HttpLibrary = "httpx"
    name: str = ""
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """What a repository is set up with.

    The first of the `targets` is written into a new section. `requirement` installs this tool; it
    is empty if no extra needs it.
    """

    targets: tuple[Target, ...]
    extras: Collection[str] = ()
    requirement: str = ""

    @property
    def outputs(self) -> list[str]:
        return [target.output for target in self.targets]

    @property
    def http_libraries(self) -> list[HttpLibrary]:
        """The libraries that the packages need."""
        return sorted({target.http for target in self.targets})

    @property
    def schemas(self) -> list[str]:
        return [path for target in self.targets for path in target.schemas]

    @property
    def inputs(self) -> list[str]:
        return sorted({path for target in self.targets for path in target.inputs})


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file with its old and its new text, and the additions that only the user can make."""

    path: str
    old: str | None
    new: str
    notes: str = ""

    @property
    def is_change(self) -> bool:
        return self.old != self.new


_Plan: TypeAlias = Callable[[Project, Setup], Iterator[FileChange]]


def plan_files(project: Project, setup: Setup) -> list[FileChange]:
    """Return the changes that are still missing; an empty list if everything is set up."""
    changes = [_plan_pyproject(project, setup), *_plan_prettier(project, setup)]
    for name in sorted(_PLANS.keys() & set(setup.extras)):
        changes += _PLANS[name](project, setup)
    return [change for change in changes if change.notes or change.is_change]


def needs_requirement(project: Project, extras: Collection[str]) -> bool:
    """Return True if one of the extras installs this tool."""
    is_hooked = "build" in extras and project.backend in ("hatchling", "setuptools")
    return is_hooked or bool({"pre-commit", "github", "gitlab"} & set(extras))


def read_text(project: Project, path: str) -> str | None:
    """Return the text of a file below the project, or None. Raises `InputError`."""
    data = read_settings(project.root / path)
    try:
        return None if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8", where=path, fix="save it as UTF-8") from None


class _Pyproject:
    """The text of a pyproject.toml while it is edited, and the notes for what has to be added by
    hand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.notes: list[str] = []

    def apply(self, new: str | None, note: str) -> None:
        """Continue with the new text. If it is None, the edit was not safe, and the note stays."""
        if new is None:
            self.notes.append(note)
        else:
            self.text = new

    def append_table(self, name: str, lines: Sequence[str]) -> None:
        note = "\n".join([f"[{name}]", *lines])
        self.apply(edits.append_table(self.text, name, lines), note)


def _plan_pyproject(project: Project, setup: Setup) -> FileChange:
    file = _Pyproject(project.text)
    target = setup.targets[0]
    if project.section is None:
        file.append_table("tool.engage-codegen", _section_lines(target))
    for library in setup.http_libraries:
        if "project" in project.document and not project.depends_on(library):
            _add_dependency(project, _HTTP_REQUIREMENTS[library], file)
    file.notes += project.describe_missing_package(target.output)
    if project.backend == "setuptools":
        _add_package_data(project, target.output, file)
    if "build" in setup.extras and not project.requires_tool:
        _add_build_hook(project, setup.requirement, file)
    return FileChange("pyproject.toml", project.text or None, file.text, "\n".join(file.notes))


def _add_dependency(project: Project, requirement: str, file: _Pyproject) -> None:
    new = None
    if "dependencies" not in project.dynamic:
        new = edits.insert_item(file.text, "project", "dependencies", requirement)
    file.apply(new, f'"{requirement}" to the dependencies')


def _section_lines(target: Target) -> list[str]:
    schemas = target.schemas[0] if len(target.schemas) == 1 else list(target.schemas)
    values = {
        "base-url": target.base_url,
        "schemas": schemas,
        "user-agent": target.user_agent,
        "output": target.output,
        "required-version": __version__,
    }
    return [f"{key} = {json.dumps(value)}" for key, value in values.items() if value]


def _add_package_data(project: Project, output: str, file: _Pyproject) -> None:
    """setuptools leaves files out that are not modules, unless they are listed."""
    package = import_path(output)
    if project.accepts_setuptools_table:
        lines = [f"{json.dumps(package)} = {json.dumps(list(_PACKAGE_DATA))}"]
        file.append_table("tool.setuptools.package-data", lines)
    elif "_snapshot" not in project.text:
        file.notes.append(f"package-data for {package}: {', '.join(_PACKAGE_DATA)}")


def _add_build_hook(project: Project, requirement: str, file: _Pyproject) -> None:
    if project.backend not in ("hatchling", "setuptools"):
        file.notes.append("a step before the build: engage-codegen check (see docs/build.md)")
        return
    if "build-system" in project.document:
        new = edits.insert_item(file.text, "build-system", "requires", requirement)
    else:
        lines = [
            f"requires = {json.dumps(['setuptools>=77', requirement])}",
            'build-backend = "setuptools.build_meta"',
        ]
        new = edits.append_table(file.text, "build-system", lines)
    file.apply(new, f"{json.dumps(requirement)} to the key requires of [build-system]")
    if project.backend == "hatchling":
        file.append_table("tool.hatch.build.hooks.engage-codegen", [])


def _plan_prettier(project: Project, setup: Setup) -> Iterator[FileChange]:
    """Exclude the snapshots, because JSON has no comment by which prettier would skip a file."""
    if project.uses_prettier:
        lines = [f"{output}/_snapshot/" for output in setup.outputs]
        yield _append_lines(project, ".prettierignore", lines)


def _plan_vscode(project: Project, setup: Setup) -> Iterator[FileChange]:
    yield _plan_tasks(project)
    for kind in ("interaction", "configuration", "contract"):
        name = f"{kind}.schema.json"
        path = f".vscode/{name}"
        yield FileChange(path, read_text(project, path), _template(name))
    folders = [*setup.schemas, *(f"{output}/_snapshot" for output in setup.outputs)]
    patterns = [
        f"/{path}" if (project.root / path).is_file() else f"/{path}/*.json" for path in folders
    ]
    patterns.append("!**/codegen.lock.json")
    association = {"fileMatch": patterns, "url": "./.vscode/interaction.schema.json"}
    text = json.dumps({"json.schemas": [association]}, indent=2) + "\n"
    path = ".vscode/settings.json"
    old = read_text(project, path)
    if old is None:
        yield FileChange(path, None, text)
    elif "interaction.schema.json" not in old:
        yield FileChange(path, old, old, f"{text}(for schemas of the dialect engage)")


def _plan_tasks(project: Project) -> FileChange:
    path, template = ".vscode/tasks.json", _template("tasks.json")
    old = read_text(project, path)
    if old is None:
        return FileChange(path, None, template)
    tasks = cast("list[dict[str, object]]", json.loads(template)["tasks"])
    missing = [task for task in tasks if f'"{task["label"]}"' not in old]
    new = edits.insert_tasks(old, missing) if missing else old
    labels = ", ".join(str(task["label"]) for task in missing)
    return FileChange(path, old, new or old, "" if new else f"the tasks {labels}")


def _plan_pre_commit(project: Project, setup: Setup) -> Iterator[FileChange]:
    repository = find_repository(project.root)
    path = repository.pre_commit
    files = "|".join(
        re.escape(file) + ("$" if (project.root / file).is_file() else "/")
        for file in [*setup.outputs, *setup.schemas, *setup.inputs]
    )
    template = _template("pre-commit-config.yaml", setup.requirement).replace("@FILES@", files)
    template = repository.adapt_pre_commit(template)
    old = read_text(project, path)
    if old is None:
        yield FileChange(path, None, template)
    elif repository.hook_mark not in old:
        new = edits.append_repo(old, template.removeprefix("repos:\n"))
        yield FileChange(path, old, new or old, "" if new else template)


def _plan_github(project: Project, setup: Setup) -> Iterator[FileChange]:
    repository = find_repository(project.root)
    path, names = repository.github_job, [target.name for target in setup.targets]
    template = _template("engage-codegen.github.yml", setup.requirement)
    old = read_text(project, path)
    if old is None:
        yield FileChange(path, None, repository.adapt_github(jobs.make_github_job(template, names)))
    else:  # it may have been changed on purpose
        missing = jobs.find_targets_without_key(old, names)
        yield FileChange(path, old, old, jobs.make_github_steps(template, missing))


def _plan_gitlab(project: Project, setup: Setup) -> Iterator[FileChange]:
    repository = find_repository(project.root)
    path = repository.gitlab_job
    if read_text(project, path) is None:
        template = _template("engage-codegen.gitlab.yml", setup.requirement)
        job = jobs.make_gitlab_job(template, [target.name for target in setup.targets])
        text = repository.adapt_gitlab(job)
        notes = f"in .gitlab-ci.yml: include: [{{local: {repository.gitlab_include}}}]"
        yield FileChange(path, None, text, notes)


def _plan_attributes(project: Project, setup: Setup) -> Iterator[FileChange]:
    lines = [f"{output}/** linguist-generated=true" for output in setup.outputs]
    yield _append_lines(project, ".gitattributes", lines)


def _append_lines(project: Project, path: str, lines: Sequence[str]) -> FileChange:
    old = read_text(project, path)
    new = old or ""
    for line in lines:
        new = edits.append_line(new, line)
    return FileChange(path, old, new)


def _template(name: str, requirement: str = "") -> str:
    return (_FILES / name).read_text("utf-8").replace("@REQUIREMENT@", requirement)


_PLANS: Mapping[str, _Plan] = {
    "vscode": _plan_vscode,
    "pre-commit": _plan_pre_commit,
    "github": _plan_github,
    "gitlab": _plan_gitlab,
    "gitattributes": _plan_attributes,
}
EXTRAS: Sequence[str] = (*_PLANS, "build")
"""The choices of ``init --with``."""
