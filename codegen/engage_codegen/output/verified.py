"""Which packages with files of the project's templates passed `verify` on this machine.

A package cannot say that of itself, and a branch cannot bring it along: the record is an empty file
in the cache of the user, named by a digest of every module, schema and contract of the package.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .. import __version__
from ..schema.jsontext import digest
from .lockfile import LOCKFILE_PATH, Lockfile, contract_path, snapshot_path


def record_verified(lockfile: Lockfile, read: Callable[[str], bytes]) -> None:
    """Record that a package passed. Without a cache of the user, nothing is recorded."""
    path = _record_of(lockfile, read)
    if path is not None:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch()


def is_verified(lockfile: Lockfile, read: Callable[[str], bytes]) -> bool:
    """Return True if exactly this package passed."""
    path = _record_of(lockfile, read)
    return path is not None and path.is_file()


def _record_of(lockfile: Lockfile, read: Callable[[str], bytes]) -> Path | None:
    paths = {path for path in lockfile.written_files if path.endswith((".py", ".pyi"))}
    for key, module in lockfile.modules.items():
        paths |= {snapshot_path(key), *([contract_path(key)] if module.contract else [])}
    try:
        lines = [f"{path} {digest(read(path))}\n" for path in sorted({*paths, LOCKFILE_PATH})]
        folder = _cache()
    except (OSError, RuntimeError):
        return None
    return folder / "verified" / digest(f"{__version__}\n{''.join(lines)}")


def _cache() -> Path:
    """Return the folder of this tool in the cache of the user. Raises `RuntimeError`."""
    name = "LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME"
    cache = os.environ.get(name, "")
    base = Path(cache) if os.path.isabs(cache) else Path.home() / ".cache"
    return base / "engage-codegen"
