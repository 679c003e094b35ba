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
from typing import TypeAlias

from ..errors import InputError, Location
from ..filesystem import MAX_SOURCE_BYTES, read_bytes, walk
from ..findings.finding import display_path
from ..output.lockfile import GeneratedModule

_READER = "from_payload"
_SKIPPED = frozenset(["node_modules", "__pycache__", "site-packages"])
_SLOW_ENCODINGS = frozenset(["punycode", "idna"])
_MAX_TOTAL_BYTES = 2_000_000
_MAX_NAMES, _MAX_PARTS, _MAX_LINE = 100, 50, 10_000


@dataclass(frozen=True, slots=True)
class CallSite:
    """One call.

    `name` is the class or function. `arguments` are the attributes that the call passes by name,
    and `is_open` says that it may pass others as well (``**values``, ``from_payload``).
    """

    schema_id: str
    name: str
    location: Location
    arguments: frozenset[str] = frozenset()
    is_open: bool = False
    is_send: bool = False


@dataclass(slots=True)
class CallSites:
    """The calls, by file and line, and the files that cannot be read as Python."""

    sites: list[CallSite] = field(default_factory=list[CallSite])
    unread: list[str] = field(default_factory=list[str])


def find_calls(
    paths: Sequence[Path], output: Path, modules: Mapping[str, GeneratedModule]
) -> CallSites:
    """Return the calls in files and folders, without those in the package itself.

    `output` is the folder of the package, and `modules` what its schemas became, by id. A package
    is recognized by its path, as far as an import names it. Hidden files and folders, virtual
    environments and caches are skipped. Calls through a name that is neither an import nor a plain
    alias of one (`functools.partial`, `dataclasses.replace`, subclasses) are not recognized.
    Raises `InputError` for a path that does not exist.
    """
    targets = _targets_of(modules)
    result = CallSites()
    visited: set[Path] = set()
    length = 0
    for path in paths:
        if not os.path.exists(path):
            raise InputError("no such file or folder", where=str(path), fix="check the path")
        for file in _python_files(path, output, result.unread):
            if file.resolve() in visited:
                continue
            visited.add(file.resolve())
            try:
                source = read_bytes(file, MAX_SOURCE_BYTES)
                if output.name.encode() not in source:
                    continue
                length += len(source)
                result.sites += _read_calls(source, display_path(file), output, targets)
            except (OSError, LookupError, MemoryError, RecursionError, SyntaxError, ValueError):
                result.unread.append(display_path(file))
            _refuse_length(length, path)
    return result


def _refuse_length(length: int, path: Path) -> None:
    if length > _MAX_TOTAL_BYTES:
        raise InputError(
            f"more than {_MAX_TOTAL_BYTES:,} bytes of source files name the package",
            where=str(path),
            fix="pass the folders that call it",
        )


@dataclass(frozen=True, slots=True)
class _Target:
    schema_id: str
    is_sender: bool


_Targets: TypeAlias = Mapping[tuple[str, str], _Target]
"""Module and name -> what is called."""


def _targets_of(modules: Mapping[str, GeneratedModule]) -> _Targets:
    targets: dict[tuple[str, str], _Target] = {}
    for schema_id, module in modules.items():
        targets[module.module, module.class_name] = _Target(schema_id, is_sender=False)
        for sender in (f"send_{module.module}", f"send_{module.module}_async"):
            targets[module.module, sender] = _Target(schema_id, is_sender=True)
    return targets


def _read_calls(source: bytes, file: str, output: Path, targets: _Targets) -> list[CallSite]:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    if encoding in _SLOW_ENCODINGS:
        raise ValueError(f"no source file has the encoding {encoding}")
    text = source.decode(encoding)
    lines = _LINES.split(text)
    with warnings.catch_warnings(action="ignore"):
        nodes = list(ast.walk(ast.parse(text)))
    return [
        CallSite(
            target.schema_id,
            name,
            Location(file, "", call.lineno, _column(lines, call)),
            frozenset(
                keyword.arg for keyword in call.keywords if keyword.arg and _is_passed(keyword)
            ),
            name.endswith(f".{_READER}") or any(keyword.arg is None for keyword in call.keywords),
            target.is_sender,
        )
        for call, name, target in _calls(nodes, targets, output.parts)
    ]


def _python_files(path: Path, output: Path, unread: list[str]) -> Iterator[Path]:
    """Yield the Python files of a source tree, and add folders that cannot be read to `unread`."""
    if not os.path.isdir(path):
        yield path
        return

    def note_unread(error: OSError) -> None:
        unread.append(display_path(Path(error.filename)))

    for folder, folders, names in walk(path, note_unread):
        if "pyvenv.cfg" in names or os.path.abspath(folder) == str(output):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _SKIPPED)
        for name in sorted(names):
            if name[0] != "." and name.endswith(".py") and os.path.exists(Path(folder, name)):
                yield Path(folder, name)


def _calls(
    nodes: Sequence[ast.AST], targets: _Targets, package: Sequence[str]
) -> Iterator[tuple[ast.Call, str, _Target]]:
    """Yield each call of a target with the name for people."""
    bindings = _bindings(nodes, targets)
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        for parts in _dotted_names(call.func, bindings):
            is_read = parts[-1:] == (_READER,)
            name = parts[:-1] if is_read else parts
            if len(name) < 3 or not _is_package(package, name[:-2]):
                continue
            target = targets.get((name[-2], name[-1]))
            if target:
                yield call, f"{name[-1]}.{_READER}" if is_read else name[-1], target
                break


def _is_package(package: Sequence[str], dotted: Sequence[str]) -> bool:
    """Return True if a dotted name can be that of the package: its end is, as far as either goes.

    Folders above a folder ``src`` are not part of a name.
    """
    path = list(package)
    if "src" in path:
        path = path[len(path) - path[::-1].index("src") :]
    length = min(len(path), len(dotted))
    return path[-length:] == list(dotted[-length:])


class _Bindings:
    """Name in a file -> the dotted names of all imports that it may stand for.

    Raises `ValueError` for more of them than code has: each assignment can double them.
    """

    def __init__(self) -> None:
        self._names: dict[str, set[tuple[str, ...]]] = {}

    def add(self, name: str, *dotted: tuple[str, ...]) -> None:
        names = self._names.setdefault(name, set())
        names.update(parts for parts in dotted if len(parts) <= _MAX_PARTS)
        if len(names) > _MAX_NAMES:
            raise ValueError(f"{name} has more than {_MAX_NAMES} meanings")

    def get(self, name: str) -> list[tuple[str, ...]]:
        return sorted(self._names.get(name, ()))


def _bindings(nodes: Sequence[ast.AST], targets: _Targets) -> _Bindings:
    bindings = _Bindings()
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                bindings.add(alias.asname or parts[0], parts if alias.asname else parts[:1])
        elif isinstance(node, ast.ImportFrom):
            _bind_import_from(node, targets, bindings)
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    bindings.add(target.id, *_dotted_names(node.value, bindings))
    return bindings


def _bind_import_from(node: ast.ImportFrom, targets: _Targets, bindings: _Bindings) -> None:
    module = tuple(node.module.split(".")) if node.module else ()
    for alias in node.names:
        if alias.name != "*":
            bindings.add(alias.asname or alias.name, (*module, alias.name))
            continue
        for target_module, name in targets:
            if module[-1:] == (target_module,):
                bindings.add(name, (*module, name))


def _dotted_names(node: ast.expr, bindings: _Bindings) -> list[tuple[str, ...]]:
    """Return the dotted names that an expression may stand for."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or len(attributes) > _MAX_PARTS:
        return []
    return [(*parts, *reversed(attributes)) for parts in bindings.get(node.id)]


def _is_passed(keyword: ast.keyword) -> bool:
    """Return True if an argument adds to the payload: None and UNSET leave the property out."""
    value = keyword.value
    is_none = isinstance(value, ast.Constant) and value.value is None
    name = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
    return not is_none and name != "UNSET"


_LINES = re.compile(r"\r\n|\r|\n")


def _column(lines: Sequence[str], call: ast.Call) -> int:
    """Return the column as editors count it: characters from 1. `ast` counts bytes from 0."""
    line = lines[call.lineno - 1]
    if line.isascii():
        return call.col_offset + 1
    if len(line) > _MAX_LINE:
        raise ValueError("a call is on a line that is too long to count its characters")
    return len(line.encode()[: call.col_offset].decode().removeprefix("\ufeff")) + 1
