"""Where a source tree calls the classes and senders of a generated package."""

import ast
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError
from .findings import Place, shown_path
from .snapshot import Generated

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

    A package is known by its name, wherever it is imported from. Hidden folders, environments and
    caches are skipped. Raises `InputError` for a path that is not there.
    """
    targets = _targets(output.name, made)
    usage = Usage()
    for path in paths:
        if not path.exists():
            raise InputError("no such file or folder", where=str(path), fix="check the path")
        for file in _files(path, output):
            source = file.read_bytes()
            if output.name.encode() not in source:
                continue
            try:
                with warnings.catch_warnings(action="ignore"):
                    tree = ast.parse(source)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                usage.unread.append(shown_path(file))
                continue
            usage.sites += _sites(tree, targets, shown_path(file), source.splitlines())
    return usage


_Targets = Mapping[tuple[str, ...], tuple[str, bool]]
"""Package, module and name -> the id of the schema, and whether it is a sender."""


def _targets(package: str, made: Mapping[str, Generated]) -> _Targets:
    found: dict[tuple[str, ...], tuple[str, bool]] = {}
    for schema_id, it in made.items():
        found[package, it.module, it.class_name] = (schema_id, False)
        for sender in (f"send_{it.module}", f"send_{it.module}_async"):
            found[package, it.module, sender] = (schema_id, True)
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
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(".py"))


def _sites(
    tree: ast.Module, targets: _Targets, file: str, lines: Sequence[bytes]
) -> Iterator[Site]:
    bound = dict(_bindings(tree, targets))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda it: (it.lineno, it.col_offset)):
        parts = _dotted(call.func, bound)
        is_read = parts[-1:] == (_READ,)
        name = parts[:-1] if is_read else parts
        target = targets.get(name[-3:])
        if target is None:
            continue
        schema_id, is_send = target
        keywords = [keyword.arg for keyword in call.keywords]
        yield Site(
            schema_id,
            f"{name[-1]}.{_READ}" if is_read else name[-1],
            Place(file, "", call.lineno, _column(lines[call.lineno - 1], call.col_offset)),
            frozenset(it for it in keywords if it is not None),
            is_read or None in keywords,
            is_send,
        )


def _bindings(tree: ast.Module, targets: _Targets) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a file calls its imports: local name -> the dotted name that it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                yield (alias.asname, parts) if alias.asname else (parts[0], parts[:1])
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                if alias.name == "*":
                    yield from ((it[2], it) for it in targets if it[:2] == module[-2:])
                else:
                    yield alias.asname or alias.name, (*module, alias.name)


def _dotted(node: ast.expr, bound: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The dotted name that an expression stands for; empty if it is none."""
    behind: list[str] = []
    while isinstance(node, ast.Attribute):
        behind.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in bound:
        return ()
    return (*bound[node.id], *reversed(behind))


def _column(line: bytes, offset: int) -> int:
    """`ast` counts bytes from 0, editors characters from 1."""
    return len(line[:offset].decode("utf-8", "replace").removeprefix("\ufeff")) + 1
