"""Where a source tree calls the classes and senders of a generated package."""

import ast
import io
import os
import re
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from ..findings.finding import Place, shown_path
from ..output.snapshot import Generated

_READ = "from_payload"
_SKIPPED = frozenset(["node_modules", "__pycache__", "site-packages"])


@dataclass(frozen=True, slots=True)
class Site:
    """One call. `name` is the class or function; `passes` are the attributes that it gives to the
    class by name, `is_open` whether it may give others as well (``**values``, ``from_payload``)."""

    schema_id: str
    name: str
    place: Place
    passes: frozenset[str] = frozenset()
    is_open: bool = False
    is_send: bool = False


@dataclass(slots=True)
class Usage:
    """The calls in the order of files and lines, and the files that are no Python of ours."""

    sites: list[Site] = field(default_factory=list[Site])
    unread: list[str] = field(default_factory=list[str])


def find(paths: Sequence[Path], output: Path, made: Mapping[str, Generated]) -> Usage:
    """The calls in files and folders, but for those in the package itself, which lies in `output`
    and was made of the schemas of `made`, by id.

    A package is known by its path, as far as an import has it. Hidden files and folders,
    environments and caches are skipped. What reaches a class under a name that is no import and no
    plain alias of one (`functools.partial`, `dataclasses.replace`, subclasses) is not found.
    Raises `InputError` for a path that is not there.
    """
    targets = _targets(made)
    usage = Usage()
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise InputError("no such file or folder", where=str(path), fix="check the path")
        for file in _files(path, output):
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
            try:
                usage.sites += _read(file, output, targets)
            except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
                usage.unread.append(shown_path(file))
    return usage


def _read(file: Path, output: Path, targets: "_Targets") -> list[Site]:
    source = file.read_bytes()
    if output.name.encode() not in source:
        return []
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    text = source.decode(encoding)
    with warnings.catch_warnings(action="ignore"):
        tree = ast.parse(text)
    package = output.parts
    return [
        Site(
            called.schema_id,
            called.name,
            Place(shown_path(file), "", call.lineno, _column(text, call)),
            frozenset(it.arg for it in call.keywords if it.arg and _is_given(it)),
            called.is_read or any(it.arg is None for it in call.keywords),
            called.is_send,
        )
        for call, called in _calls(tree, targets, package)
    ]


_Targets = Mapping[tuple[str, str], tuple[str, bool]]
"""Module and name -> the id of the schema, and whether it is a sender."""


def _targets(made: Mapping[str, Generated]) -> _Targets:
    found: dict[tuple[str, str], tuple[str, bool]] = {}
    for schema_id, it in made.items():
        found[it.module, it.class_name] = (schema_id, False)
        for sender in (f"send_{it.module}", f"send_{it.module}_async"):
            found[it.module, sender] = (schema_id, True)
    return found


def _files(path: Path, output: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        if "pyvenv.cfg" in names or os.path.abspath(folder) == str(output):
            folders.clear()
            continue
        folders[:] = sorted(it for it in folders if it[0] != "." and it not in _SKIPPED)
        files = [Path(folder, it) for it in sorted(names) if it[0] != "." and it.endswith(".py")]
        yield from (it for it in files if it.is_file())


@dataclass(frozen=True, slots=True)
class _Called:
    schema_id: str
    name: str
    is_read: bool
    is_send: bool


def _calls(
    tree: ast.Module, targets: _Targets, package: Sequence[str]
) -> Iterator[tuple[ast.Call, _Called]]:
    bound = _bindings(tree, targets)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda it: (it.lineno, it.col_offset)):
        for parts in _dotted(call.func, bound):
            is_read = parts[-1:] == (_READ,)
            name = parts[:-1] if is_read else parts
            if len(name) < 3 or not _is_in(package, name[:-2]):
                continue
            target = targets.get((name[-2], name[-1]))
            if target:
                shown = f"{name[-1]}.{_READ}" if is_read else name[-1]
                yield call, _Called(target[0], shown, is_read, target[1])
                break


def _is_in(package: Sequence[str], dotted: Sequence[str]) -> bool:
    """Whether a dotted name can be that of the package: its end is, as far as either goes. What is
    above a folder ``src`` is no part of a name."""
    path = list(package)
    if "src" in path:
        path = path[len(path) - path[::-1].index("src") :]
    length = min(len(path), len(dotted))
    return path[-length:] == list(dotted[-length:])


_Bound = dict[str, set[tuple[str, ...]]]
"""What a name of a file may stand for: the dotted names of all its imports."""


def _bindings(tree: ast.Module, targets: _Targets) -> _Bound:
    bound: _Bound = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                name = alias.asname or parts[0]
                bound.setdefault(name, set()).add(parts if alias.asname else parts[:1])
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                if alias.name != "*":
                    name = alias.asname or alias.name
                    bound.setdefault(name, set()).add((*module, alias.name))
                    continue
                for own, name in targets:
                    if module[-1:] == (own,):
                        bound.setdefault(name, set()).add((*module, name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)):
            for it in node.targets:
                if isinstance(it, ast.Name):
                    bound.setdefault(it.id, set()).update(_dotted(node.value, bound))
    return bound


def _dotted(node: ast.expr, bound: _Bound) -> list[tuple[str, ...]]:
    """The dotted names that an expression may stand for."""
    behind: list[str] = []
    while isinstance(node, ast.Attribute):
        behind.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return []
    return [(*parts, *reversed(behind)) for parts in sorted(bound.get(node.id, ()))]


def _is_given(keyword: ast.keyword) -> bool:
    """Whether an argument puts something into the payload: None and UNSET leave it out."""
    value = keyword.value
    is_none = isinstance(value, ast.Constant) and value.value is None
    named = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
    return not is_none and named != "UNSET"


_LINES = re.compile(r"\r\n|\r|\n")


def _column(text: str, call: ast.Call) -> int:
    """`ast` counts bytes of UTF-8 from 0, editors characters from 1."""
    line = _LINES.split(text)[call.lineno - 1]
    return len(line.encode()[: call.col_offset].decode().removeprefix("\ufeff")) + 1
