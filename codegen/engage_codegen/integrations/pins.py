"""The pins that `init` wrote into a repository, moved to this version of the tool."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .. import __version__
from . import edits
from .project import Project
from .repository import find_repository
from .requirement import NAME, is_local
from .scaffold import FileChange, read_text

_PIN = re.compile(rf"""{NAME}(==[^\s"',;\]]+| @ [^\s"',\]]+)""")


def plan_pins(
    project: Project, changes: Sequence[FileChange], requirement: str, *, is_explicit: bool
) -> list[FileChange]:
    """Return the changes, with the pins of all files moved to this version.

    A pin keeps its form, and one that other machines can install is not replaced by a folder of
    this machine. `is_explicit` says that the user passed the reference in `requirement`, which
    then replaces every pin.
    """
    recorded = str((project.section or {}).get("required-version", __version__))
    by_path = {change.path: change for change in changes}
    repository = find_repository(project.root)
    jobs = (repository.pre_commit, repository.github_job, repository.gitlab_job)
    for path in ("pyproject.toml", *jobs):
        old = read_text(project, path)
        change = by_path.get(path)
        if change is None and old is not None:
            change = FileChange(path, old, old)
        if change is not None:
            mover = _Mover(requirement, recorded, is_explicit)
            by_path[path] = mover.move_file(change)
    return [change for change in by_path.values() if change.notes or change.is_change]


@dataclass(slots=True)
class _Mover:
    """Moves the pins of one file, and notes those that only the user can move."""

    requirement: str
    recorded: str
    is_explicit: bool
    notes: list[str] = field(default_factory=list[str])

    def move_file(self, change: FileChange) -> FileChange:
        if change.path == "pyproject.toml":
            text = edits.replace_in_table(change.new, "build-system", self._move_pins)
            text = self._move_required_version(change.new if text is None else text)
        else:
            text = self._move_pins(change.new)
        return replace(change, new=text, notes="\n".join(filter(None, [change.notes, *self.notes])))

    def _move_required_version(self, text: str) -> str:
        if self.recorded == __version__:
            return text
        new = edits.replace_value(text, "tool.engage-codegen", "required-version", __version__)
        if new is None:
            self.notes.append(f'required-version = "{__version__}" instead of "{self.recorded}"')
        return text if new is None else new

    def _move_pins(self, text: str) -> str:
        return _PIN.sub(self._move_pin, text)

    def _move_pin(self, match: re.Match[str]) -> str:
        pin = match[0]
        if self.is_explicit:
            return self.requirement
        if match[1].startswith("=="):
            return f"{NAME}=={__version__}"
        if self.recorded == __version__ or pin == self.requirement:
            return pin
        if not self.requirement or (is_local(self.requirement) and not is_local(pin)):
            self.notes.append(
                f"a reference to engage-codegen {__version__} instead of {pin!r} (engage-codegen "
                "init --install-from URL replaces it)"
            )
            return pin
        return self.requirement
