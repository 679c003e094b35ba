"""The section of a pyproject.toml: where it is, which keys it has."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import cast

from ..errors import API_KEY_VARIABLE, ConfigError
from ..schema.text import quote
from . import values
from .values import SECTION, Value, Waiver

_SECRET_WORDS = frozenset(["apikey", "key", "engageapikey", "token", "secret", "password"])
_TARGET = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_Table = dict[str, object]


def nearest(folder: Path) -> Path | None:
    """The nearest pyproject.toml upwards that has our section."""
    for parent in (folder, *folder.parents):
        path = parent / "pyproject.toml"
        if path.is_file() and _section(path) is not None:
            return path
    return None


class Section:
    """What the file says; nothing, if there is none. Raises `ConfigError` for a key that there is
    not, and if it is `required` and has no section."""

    def __init__(self, *, path: Path | None, required: bool, keys: Sequence[str]) -> None:
        self._path = path or Path()
        found = _section(path) if path else None
        if found is None and required:
            raise ConfigError(
                f"the file has no section [{SECTION}]", where=str(path), fix="add one"
            )
        self._table = found or {}
        self._keys = keys
        self._known(self._table, [*keys, "targets", "waivers"], SECTION)

    @cached_property
    def waivers(self) -> tuple[Waiver, ...]:
        """Those of all targets."""
        if "waivers" not in self._table:
            return ()
        place = f"{self._path}, key waivers"
        found = values.waivers(Value(self._table["waivers"], place, self._path.parent))
        lines = list(enumerate(self._path.read_text(encoding="utf-8").splitlines(), 1))
        placed: list[Waiver] = []
        for waiver in found:
            own = re.compile(rf"""^\s*["']?finding["']?\s*=.*{waiver.fingerprint}""")
            taken = {it.line for it in placed}
            at = (number for number, line in lines if number not in taken and own.match(line))
            placed.append(replace(waiver, line=next(at, 0)))
        return tuple(placed)

    def targets(self, only: Sequence[str]) -> dict[str, dict[str, Value]]:
        """The values of each target by name; those of the section itself under an empty name, if
        it has no targets. A key of a target stands for the same key of the section."""
        shared = {key: self._value(self._table, key) for key in self._keys if key in self._table}
        tables = self._tables()
        for name in only:
            if name not in tables:
                raise ConfigError(
                    f"there is no target {quote(name)}",
                    where=f"{self._path}, [{SECTION}.targets]" if tables else "--target",
                    fix=_meant(name, tables, "targets"),
                )
        if not tables:
            return {"": shared}
        return {
            name: shared | {key: self._value(table, key, f"targets.{name}.") for key in table}
            for name, table in tables.items()
            if not only or name in only
        }

    def _tables(self) -> dict[str, _Table]:
        raw = self._table.get("targets", {})
        tables = cast("dict[str, object]", raw) if isinstance(raw, dict) else {"": raw}
        for name, table in tables.items():
            where = f"{self._path}, [{SECTION}.targets]"
            if not isinstance(table, dict) or not _TARGET.fullmatch(name):
                raise ConfigError(
                    f"{quote(name)} is no target: a table with a name of ASCII letters, digits, "
                    "'-' and '_'",
                    where=where,
                    fix=f"write [{SECTION}.targets.name] and keys below it",
                )
            self._known(cast(_Table, table), self._keys, f"{SECTION}.targets.{name}")
        return cast("dict[str, _Table]", tables)

    def _value(self, table: Mapping[str, object], key: str, prefix: str = "") -> Value:
        return Value(table[key], f"{self._path}, key {prefix}{key}", self._path.parent)

    def _known(self, table: Iterable[str], keys: Sequence[str], where: str) -> None:
        for key in table:
            if key not in keys:
                raise _unknown_key(key, keys, f"{self._path}, [{where}]")


def _section(path: Path) -> _Table | None:
    """Our section of a TOML file; None if it has none."""
    try:
        document: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the configuration file cannot be read: {error.strerror}",
            where=str(path),
            fix="check the path",
        ) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"the configuration file is not TOML: {error}", where=str(path), fix="correct the file"
        ) from None
    for name in SECTION.split("."):
        if not isinstance(document, dict):
            return None
        document = cast(_Table, document).get(name)
    if document is not None and not isinstance(document, dict):
        raise ConfigError(f"{SECTION} has to be a table", where=str(path), fix=f"write [{SECTION}]")
    return cast("_Table | None", document)


def _unknown_key(key: str, keys: Sequence[str], where: str) -> ConfigError:
    if key.lower().replace("-", "").replace("_", "") in _SECRET_WORDS:
        return ConfigError(
            f"{quote(key)} does not belong in a file: what is checked in is no secret any more",
            where=where,
            fix=f"remove it, set the environment variable {API_KEY_VARIABLE} instead, and if the "
            "file was ever shared, revoke the key",
        )
    fix = _meant(key.replace("_", "-"), keys, "keys")
    return ConfigError(f"unknown key {quote(key)}", where=where, fix=fix)


def _meant(word: str, known: Iterable[str], what: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"the {what} are {', '.join(known) or 'none'}"
