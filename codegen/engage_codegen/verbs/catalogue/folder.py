"""The folder of a site: each page is replaced or deleted only if it is as this tool wrote it."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...filesystem import read_bytes, replace_files, unreadable, unwritable
from ...schema.jsontext import digest

_MAX_BYTES = 50_000_000
_SIGNATURE = re.compile(rb"<!-- engage-codegen catalogue ([0-9a-f]{64}) -->\n?\Z")


@dataclass(frozen=True, slots=True)
class SiteResult:
    """What `write_site` did. `edited` are old pages that stay because somebody edited them."""

    written: tuple[Path, ...]
    deleted: tuple[Path, ...]
    edited: tuple[Path, ...]


def write_site(folder: Path, pages: Mapping[str, str], project: Path) -> SiteResult:
    """Write a site, and delete the pages of an earlier one that it no longer has.

    `folder` is an absolute path in `project`. Each page ends with its own digest, by which a later
    run recognizes what it may replace. Raises `InputError` before anything is written: for a link,
    for a file that this tool did not write, for a page that was edited, and for paths that differ
    only in case.
    """
    _refuse_case_collisions(pages)
    _refuse_links(folder, project)
    texts = {folder / path: _sign(text) for path, text in pages.items()}
    changed: dict[Path, str] = {}
    for path, text in texts.items():
        _refuse_links(path, project)
        if _replaces(path, text):
            changed[path] = text
    stale = [path for path in _existing_pages(folder) if path not in texts]
    contents = {path: _read(path) for path in stale}
    deleted = [path for path, data in contents.items() if data is not None and _is_ours(data)]
    edited = [
        path
        for path, data in contents.items()
        if data is not None and path not in deleted and _SIGNATURE.search(data)
    ]
    if changed:
        replace_files(changed, project)
    for path in deleted:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None
    return SiteResult(tuple(changed), tuple(deleted), tuple(edited))


def _sign(text: str) -> str:
    return f"{text}<!-- engage-codegen catalogue {digest(text)} -->\n"


def _is_ours(data: bytes) -> bool:
    """Return True for a page that nobody edited. Version control may have changed line ends."""
    data = data.replace(b"\r\n", b"\n")
    signature = _SIGNATURE.search(data)
    return signature is not None and digest(data[: signature.start()]) == signature[1].decode()


def _replaces(path: Path, text: str) -> bool:
    """Return True if a page has to be written, False if it is there already."""
    if not os.path.lexists(path):
        return True
    data = _read(path)
    if data == text.encode("utf-8"):
        return False
    if data is None or not _is_ours(data):
        is_page = data is not None and _SIGNATURE.search(data)
        raise InputError(
            "the page was edited by hand" if is_page else "the catalogue did not write this file",
            where=str(path),
            fix="move it away, or pass another --output-folder",
        )
    return True


def _read(path: Path) -> bytes | None:
    """Return the contents of a file; None for anything that cannot be one of ours."""
    with suppress(OSError):
        return read_bytes(path, _MAX_BYTES)
    return None


def _existing_pages(folder: Path) -> Iterator[Path]:
    """Yield the HTML files of a site and of its folders. Links are skipped."""
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            for page in _entries(Path(entry.path)):
                if page.name.endswith(".html") and page.is_file(follow_symlinks=False):
                    yield Path(page.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from None


def _refuse_links(path: Path, project: Path) -> None:
    """Raise `InputError` if a path below the project leads through a link."""
    for part in (path, *path.parents):
        if part.is_symlink():
            raise InputError(
                f"cannot be written: it is a link to {os.readlink(part)!r}, and links are not "
                "followed",
                where=str(part),
                fix="replace the link by a folder of the project",
            )
        if part == project or (part.exists() and part.samefile(project)):
            return


def _refuse_case_collisions(paths: Mapping[str, str]) -> None:
    owners: dict[str, str] = {}
    for path in sorted(paths):
        owner = owners.setdefault(path.lower(), path)
        if owner != path:
            raise InputError(
                f"the pages {owner} and {path} would be one file on Windows and macOS",
                where="the ids of schemas, or the names of targets",
                fix="rename one of them, or choose one target with --target",
            )
