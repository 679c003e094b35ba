"""Repositories whose files cannot be read, never end, or mean more than they say."""

import io
import json
import os
import random
import stat
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from tests.support.attacks.traps import TRAPS

PLACES = (
    "pyproject.toml",
    "schemas/visit.json",
    "schemas/other.json",
    "package/visit.py",
    "package/extra.py",
    "package/INDEX.md",
    "package/_snapshot/visit.json",
    "package/_snapshot/other.json",
    "package/_snapshot/codegen.lock.json",
    "package/__pycache__/visit.cpython-311.pyc",
    "package/.engage-codegen-7/journal.json",
    "app/shop.py",
    "app/more.py",
    ".gitignore",
    ".gitattributes",
    ".prettierignore",
    ".pre-commit-config.yaml",
    ".vscode/tasks.json",
    ".github/workflows/engage-codegen.yml",
    "package.json",
    "dist/acme.whl",
    "PKG-INFO",
)
"""The files that commands read."""

_NESTED = 100_000
_SECTION = '[tool.engage-codegen]\noutput = "package"\nschemas = "schemas"\n'
_CALL = "from package.visit import Visit\n"


def _bomb(levels: int) -> str:
    """Return YAML of a few lines that stands for 9 to the power of `levels` values."""
    lines = ["repos: []", "l0: &l0 x"]
    for level in range(levels):
        lines.append(f"l{level + 1}: &l{level + 1} [{', '.join([f'*l{level}'] * 9)}]")
    return "\n".join(lines)


def _schema(properties: Mapping[str, object]) -> str:
    body = {"type": "object", "properties": properties}
    return json.dumps({"id": "visit", "displayName": "Visit", "jsonSchema": body})


_TEXT: Mapping[str, Callable[[], str]] = {
    "empty": lambda: "",
    "nested JSON": lambda: "[" * _NESTED + "]" * _NESTED,
    "nested objects": lambda: '{"a":' * _NESTED,
    "many values": lambda: "[" + "[]," * 600_000 + "[]]",
    "unfinished comments": lambda: '{"tasks": [' + "/*" * 400_000,
    "long number": lambda: "9" * 900_000,
    "many properties": lambda: _schema({f"p{n}": {"type": "string"} for n in range(20_000)}),
    "long pattern": lambda: _schema({"p": {"type": "string", "pattern": "(a|b)*" * 5_000}}),
    "slow pattern": lambda: _schema({"p": {"type": "string", "pattern": "^(a+)+$"}}),
    "long enum": lambda: _schema(
        {"p": {"type": "string", "enum": [str(n) for n in range(99_999)]}}
    ),
    "one id": lambda: json.dumps([json.loads(_schema({}))] * 5_000),
    "nested TOML": lambda: _SECTION + "a = " + "[" * _NESTED,
    "long TOML key": lambda: _SECTION + ".".join(["a"] * 200_000) + " = 1",
    "many targets": lambda: (
        _SECTION
        + "".join(f'[tool.engage-codegen.targets.t{n}]\noutput = "t{n}"\n' for n in range(10_000))
    ),
    "the whole disk": lambda: _SECTION.replace('"schemas"', '"/"'),
    "many paths": lambda: _SECTION.replace('"schemas"', json.dumps(["schemas"] * 50_000)),
    "YAML bomb": lambda: _bomb(30),
    "nested YAML": lambda: "repos: [" * 20_000,
    "hex": lambda: f"# coding: hex\n{_CALL}",
    "punycode": lambda: f"# coding: punycode\n{_CALL}" + "#" * 200_000,
    "doubling names": lambda: _CALL + "a = Visit\n" + "a = b.x\na = b.y\nb = a.x\nb = a.y\n" * 20,
    "nested code": lambda: _CALL + "-" * _NESTED + "1",
    "many calls": lambda: _CALL + "Visit();" * 30_000,
    "many lines": lambda: "x\n" * 2_000_000,
    "metadata": lambda: "Metadata-Version: 2.1\nName: acme\nVersion: 1\n",
}


def _write_text(text: Callable[[], str]) -> Callable[[Path], None]:
    return lambda path: _discard(path.write_text(text()))


def _discard(_value: object) -> None:
    return None


def _write_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _nest_folders(path: Path) -> None:
    """Nest folders as deep as the system's longest path allows."""
    while len(str(path)) < 4000:
        path.mkdir()
        path /= "d" * 10


@cache
def _wheel(method: int, *, is_damaged: bool = False) -> bytes:
    """Return a small wheel with a long lock file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as wheel:
        wheel.writestr("acme/_snapshot/codegen.lock.json", b"[" + b" " * 30_000_000 + b"]")
    data = bytearray(buffer.getvalue())
    if is_damaged:
        data[70:100] = b"\xff" * 30
    return bytes(data)


def _write_wheel(method: int, *, is_damaged: bool = False) -> Callable[[Path], None]:
    return lambda path: _discard(path.write_bytes(_wheel(method, is_damaged=is_damaged)))


KINDS: Mapping[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "folder": lambda path: path.mkdir(),
    "nested folders": _nest_folders,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "/proc/kmsg": lambda path: path.symlink_to("/proc/kmsg"),
    "the disk": lambda path: path.symlink_to("/"),
    "itself": lambda path: path.symlink_to(path.name),
    "nothing": lambda path: path.symlink_to("nowhere"),
    "sparse file": _write_sparse,
    "bytes": lambda path: _discard(path.write_bytes(b"\xff\xfe\x00" * 1000)),
    "deflated lock": _write_wheel(zipfile.ZIP_DEFLATED),
    "damaged deflate": _write_wheel(zipfile.ZIP_DEFLATED, is_damaged=True),
    "damaged bzip2": _write_wheel(zipfile.ZIP_BZIP2, is_damaged=True),
    "damaged LZMA": _write_wheel(zipfile.ZIP_LZMA, is_damaged=True),
    **{name: _write_text(text) for name, text in _TEXT.items()},
}
"""What stands in a place instead of the expected file."""


VICTIM = "victim.txt"
"""A file beside the repository, to which links lead."""


def plant_at(folder: Path, place: str, kind: str) -> None:
    """Put something unreadable in the place of a file."""
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        return
    path.unlink(missing_ok=True)
    if kind == VICTIM:
        path.symlink_to(folder.parent / VICTIM)
    else:
        KINDS[kind](path)


def draw_traps(number: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the places with their kinds, and the code traps, of the repository of a number."""
    dice = random.Random(number)
    places = dice.sample(PLACES, dice.randint(1, 3))
    code = dice.sample(sorted(TRAPS), dice.randint(0, 3))
    return [(place, dice.choice([*KINDS, VICTIM])) for place in places], code
