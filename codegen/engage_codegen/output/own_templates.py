"""The templates of a project on the disk: bounded, and only what lies in their folder."""

import os
from pathlib import Path

from ..errors import InputError, Location
from ..filesystem import read_bytes, unreadable, walk
from ..render.own.sources import NO_TEMPLATES, OwnTemplates

_MAX_FILES, _MAX_TEMPLATE_BYTES = 200, 100_000


def read_templates(folder: Path | None) -> OwnTemplates:
    """Return the templates of a folder; none without a folder.

    Names that begin with a dot are skipped. Raises `InputError`.
    """
    if folder is None:
        return NO_TEMPLATES
    if not folder.is_dir():
        raise InputError(
            "there is no folder of templates",
            where=str(folder),
            fix="create it with engage-codegen templates copy, or correct `templates`",
            location=Location(str(folder), "", 1, 1),
        )
    texts: dict[str, str] = {}
    for base, folders, names in walk(folder, limit=_MAX_FILES):
        folders[:] = sorted(name for name in folders if name[:1] != ".")
        for name in folders:
            _refuse_link(Path(base) / name)
        for name in sorted(names):
            if name[:1] != ".":
                path = Path(base) / name
                texts[path.relative_to(folder).as_posix()] = _read(path)
    return OwnTemplates(dict(sorted(texts.items())), os.fspath(folder))


def _read(path: Path) -> str:
    _refuse_link(path)
    try:
        text = read_bytes(path, _MAX_TEMPLATE_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise InputError(
            "the template is not UTF-8",
            where=str(path),
            fix="save it as UTF-8",
            location=Location(str(path), "", 1, 1),
        ) from None
    return text.replace("\r\n", "\n")


def _refuse_link(path: Path) -> None:
    """Raise `InputError` for a link: what it leads to would be copied into the package."""
    if path.is_symlink():
        raise InputError(
            "a template cannot be a link",
            where=str(path),
            fix="replace the link by the file",
            location=Location(str(path), "", 1, 1),
        )
