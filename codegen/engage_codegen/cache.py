"""What is remembered from run to run, outside of any repository.

The answers of datamodel-code-generator: importing and asking it takes longer than all the rest of a
small run. The key covers its version, ours and Python's; ``--no-cache`` does without, and proves
that nothing else is made.
"""

import json
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import cast

from platformdirs import user_cache_path

from . import __version__
from .model.ir import Code, Import
from .model.types import Annotation, Shape, Types
from .schema import digest

_NAMES = re.compile(r"[A-Za-z_][A-Za-z0-9_. ]*")


@contextmanager
def types() -> Generator[Types]:
    """The answers that are known; what is added to them is kept. A file that cannot be read or
    written is as good as none."""
    file = _file()
    known = _read(file)
    before = dict(known)
    yield known
    if known != before:
        _write(file, known)


def _file() -> Path:
    parts = [version("datamodel-code-generator"), __version__, *map(str, sys.version_info[:2])]
    return user_cache_path("engage-codegen") / f"types-{digest(' '.join(parts))[:16]}.json"


def _read(file: Path) -> Types:
    try:
        rows = _list(json.loads(file.read_text("utf-8")))
        return dict(_row(*_list(row)) for row in rows)
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return {}


def _row(kind: object, form: object, text: object, imports: object) -> tuple[Shape, Annotation]:
    return Shape(_text(kind), _text(form)), Annotation(
        Code(_name(text)),
        tuple(
            Import(Code(_name(module)), tuple(Code(_name(it)) for it in _list(names)))
            for module, names in map(_list, _list(imports))
        ),
    )


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return cast("list[object]", value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _name(value: object) -> str:
    """Whoever wrote the file: nothing but names gets from it into code."""
    if not _NAMES.fullmatch(_text(value)):
        raise ValueError
    return _text(value)


def _write(file: Path, known: Types) -> None:
    rows = [
        [shape.type, shape.format, it.text, [[one.module, one.names] for one in it.imports]]
        for shape, it in sorted(known.items())
    ]
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(rows), "utf-8")
        os.replace(temporary, file)
