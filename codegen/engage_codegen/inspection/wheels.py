"""Files inside a wheel, which may be damaged, or made to fill the memory."""

import lzma
import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ..errors import InputError
from ..filesystem import MAX_BYTES, open_file
from ..schema.text import quote

_MAX_TOTAL_BYTES = 100_000_000
_MAX_DIRECTORY_BYTES = 5_000_000
_END = struct.Struct("<4s4H2LH")
_END_64, _END_MARK = b"PK\x06\x07", b"PK\x05\x06"
_DAMAGES = (
    *(BadZipFile, EOFError, MemoryError, NotImplementedError, OverflowError),
    *(RuntimeError, ValueError, lzma.LZMAError, struct.error, zlib.error),
)


class Wheel:
    """An open wheel. Its paths have ``/``."""

    def __init__(self, path: Path, archive: ZipFile) -> None:
        self._archive = archive
        self._entries = {entry.filename: entry for entry in archive.infolist()}
        if sum(entry.file_size for entry in self._entries.values()) > _MAX_TOTAL_BYTES:
            raise _too_large(path, f"{_MAX_TOTAL_BYTES:,} bytes")
        self.paths = [name for name in self._entries if not name.endswith("/")]

    def read(self, path: str) -> bytes:
        """Return the contents of a file.

        Raises `FileNotFoundError`, and `OSError` for a file that is too large or that is packed
        in another way than wheels are.
        """
        entry = self._entries.get(path)
        if entry is None:
            raise FileNotFoundError(path)
        if entry.file_size > MAX_BYTES:
            raise OSError(f"{path} is larger than {MAX_BYTES:,} bytes")
        if not _is_plain(entry):
            raise OSError(f"{path} is not compressed by the method deflate")
        with self._archive.open(entry) as file:
            return file.read(MAX_BYTES)


@contextmanager
def open_wheel(path: Path) -> Generator[Wheel]:
    """Open a wheel for the duration of the block.

    Raises `InputError` for one that cannot be read, also in the block.
    """
    try:
        with BufferedReader(open_file(path)) as file:
            _refuse_many(path, file)
            with ZipFile(file) as archive:
                yield Wheel(path, archive)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}", where=str(path), fix="check the path"
        ) from None
    except _DAMAGES:
        raise InputError(
            f"{quote(str(path))} is not a wheel", where=str(path), fix="build it again"
        ) from None


def _is_plain(entry: ZipInfo) -> bool:
    """Return True if a file cannot become large before its size is checked."""
    return entry.compress_type in (ZIP_STORED, ZIP_DEFLATED)


def _refuse_many(path: Path, file: BinaryIO) -> None:
    """Raise `InputError` for a long table of contents, which `ZipFile` reads as a whole."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - (1 << 16) - 20))
    tail = file.read()
    start = tail.rfind(_END_MARK)
    if start < 0 or len(tail) - start < _END.size:
        return  # no ZIP
    length = _END.unpack_from(tail, start)[5]
    # The format for more than 65,535 files has the length elsewhere.
    if length > _MAX_DIRECTORY_BYTES or tail[max(0, start - 20) : start].startswith(_END_64):
        raise _too_large(path, "50,000 files")


def _too_large(path: Path, limit: str) -> InputError:
    return InputError(f"the wheel has more than {limit}", where=str(path), fix="check the path")
