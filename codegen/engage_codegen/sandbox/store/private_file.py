"""The database file as the owner's alone: other users can neither read, write nor plant it."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from engage_codegen.errors import InputError

COMPANIONS = ("-wal", "-shm", "-journal")
"""The suffixes of the files beside a database from which SQLite reads pages."""

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700


def prepare_file(database: Path) -> None:
    """Create the file, and its folder, for the owner alone, or check those that exist.

    Modes and owners are not checked on Windows, which has others.

    Raises:
        InputError: Other users own the file, its folder, or a file that SQLite reads with it, or
            may write one of them; or the path is a link.
    """
    try:
        with suppress(FileExistsError):
            os.mkdir(database.parent, _PRIVATE_FOLDER)
        _refuse_foreign(database.parent, os.stat(database.parent), database)
        with suppress(FileExistsError):
            os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE))
        for path in _list_files(database):
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                raise _refusal(path, "it is a link, and links are not followed", database)
            if not stat.S_ISREG(status.st_mode):
                raise _refusal(path, "it is not a regular file", database)
            _refuse_foreign(path, status, database)
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise _refusal(Path(error.filename or database), reason, database) from None


def hide_from_others(database: Path) -> None:
    """Take the rights of other users away, which files of earlier versions gave them."""
    for path in _list_files(database):
        os.chmod(path, _PRIVATE)


def _list_files(database: Path) -> list[Path]:
    companions = [database.with_name(database.name + suffix) for suffix in COMPANIONS]
    return [database, *filter(os.path.lexists, companions)]


def find_foreign_rights(status: os.stat_result) -> str | None:
    """Say how other users could change a file or folder, or return None if they cannot."""
    if os.name == "nt":
        return None
    if status.st_uid not in (0, os.geteuid()):
        return f"it belongs to another user, {status.st_uid}"
    if status.st_mode & _OTHERS_MAY_WRITE:
        return f"other users may write to it, its mode is {stat.S_IMODE(status.st_mode):o}"
    return None


def _refuse_foreign(path: Path, status: os.stat_result, database: Path) -> None:
    if reason := find_foreign_rights(status):
        raise _refusal(path, reason, database)


def _refusal(path: Path, reason: str, database: Path) -> InputError:
    place = "" if path == database else f" because of {path}"
    return InputError(
        f"The sandbox cannot use this database file{place}: {reason}.",
        where=str(database),
        fix="Name a file in a folder that only you can write to, such as a folder that does not "
        "exist yet: the sandbox creates it for you alone.",
    )
