"""A package whose schemas change in every way, and what is on the disk down to the time stamps."""

from pathlib import Path

from engage_codegen.config import Config
from engage_codegen.output.lockfile import LOCKFILE_PATH
from tests.support.packages import FileTree

WRITTEN = {
    *("INDEX.md", "visit_a.py", "visit_d.py", "_snapshot/Visit-a.json", "_snapshot/Visit-d.json"),
    LOCKFILE_PATH,
}
"""What a run from `Project.before` to `Project.after` writes."""

Marks = dict[str, tuple[bytes, int] | str]
"""Path -> contents and time stamp of a file, or a word for a folder or link."""


class Project:
    """A package that was generated from `before`; `after` has changes of every kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "package"
        self.before = Config(output=self.output, schemas=(folder / "before",))
        self.after = Config(output=self.output, schemas=(folder / "after",))

    @property
    def expected(self) -> FileTree:
        """The files of a package that is generated from `after`."""
        return read_marked(self.folder / "expected")


def mark_files(root: Path) -> Marks:
    """Return everything below a folder, with the time stamps of files."""
    marks: Marks = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            marks[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            marks[name] = "folder"
        else:
            marks[name] = (path.read_bytes(), path.stat().st_mtime_ns)
    return marks


def read_marked(root: Path) -> FileTree:
    """Return the files of `mark_files` without their time stamps."""
    return {name: mark[0] for name, mark in mark_files(root).items() if isinstance(mark, tuple)}
