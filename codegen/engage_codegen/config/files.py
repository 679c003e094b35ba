"""The section of a ``pyproject.toml``: where it is, and which keys it has."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

from ..errors import API_KEY_VARIABLE, ConfigError, Location
from ..findings.waivers import Waiver
from ..schema.text import quote, suggest
from . import values
from .lines import locate_key
from .toml import parse_toml, read_text
from .values import SECTION, Value

_SECRET_WORDS = frozenset(["apikey", "key", "engageapikey", "token", "secret", "password"])
_TARGET = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WAIVED = re.compile(r"""^\s*["']?finding["']?\s*=.*(EG[0-9]{3}:[0-9a-f]{16})""")
_MAX_TARGETS = 100
_Table = dict[str, object]


def find_configuration(folder: Path) -> Path | None:
    """Return the nearest ``pyproject.toml``, from `folder` upwards, that has the section."""
    for parent in (folder, *folder.parents):
        path = parent / "pyproject.toml"
        if os.path.exists(path) and _read_section(path) is not None:
            return path
    return None


class Section:
    """The section of one file; empty if there is no file.

    Raises `ConfigError` for an unknown key, and for a missing section that is `required`.
    """

    def __init__(self, *, path: Path | None, required: bool, keys: Sequence[str]) -> None:
        self._path = path or Path()
        table = _read_section(path) if path else None
        if table is None and required:
            raise ConfigError(
                f"the file has no section [{SECTION}]",
                where=str(path),
                fix=f"add a section [{SECTION}]",
                location=_start_of(path),
            )
        self._table = table or {}
        self._keys = keys
        self._refuse_unknown(self._table, [*keys, "targets", "waivers"], "")

    @cached_property
    def waivers(self) -> tuple[Waiver, ...]:
        """The waivers of all targets, with their lines."""
        if "waivers" not in self._table:
            return ()
        lines: dict[str, list[int]] = {}
        for number, line in enumerate(read_text(self._path).splitlines(), 1):
            for fingerprint in _WAIVED.findall(line):
                lines.setdefault(fingerprint, []).append(number)
        located: list[Waiver] = []
        for waiver in values.parse_waivers(self._value(self._table, "waivers")):
            numbers = lines.get(waiver.fingerprint)
            located.append(waiver._replace(line=numbers.pop(0) if numbers else 0))
        return tuple(located)

    def targets(self, only: Sequence[str]) -> dict[str, dict[str, Value]]:
        """Return the values of each target by name, or of the section itself under "".

        A key of a target replaces the same key of the section. `only` selects targets.
        """
        shared = {key: self._value(self._table, key) for key in self._keys if key in self._table}
        tables = self._target_tables()
        for name in only:
            if name not in tables:
                raise ConfigError(
                    f"unknown target {quote(name)}",
                    where=f"{self._path}, [{SECTION}.targets]" if tables else "--target",
                    fix=_suggest(name, tables, "targets"),
                )
        if not tables:
            return {"": shared}
        return {
            name: shared | {key: self._value(table, key, f"targets.{name}") for key in table}
            for name, table in tables.items()
            if not only or name in only
        }

    def _target_tables(self) -> dict[str, _Table]:
        raw = self._table.get("targets", {})
        if not isinstance(raw, dict):
            value = self._value(self._table, "targets")
            raise value.error(
                f"{value.name} must be a table of targets", f"write [{SECTION}.targets.name]"
            )
        tables = cast("dict[str, object]", raw)
        if len(tables) > _MAX_TARGETS:
            value = self._value(self._table, "targets")
            raise value.error(f"more than {_MAX_TARGETS} targets", "split the project")
        for name, table in tables.items():
            if not isinstance(table, dict) or not _TARGET.fullmatch(name):
                raise ConfigError(
                    f"{quote(name)} is not a target. A target is a table whose name has ASCII "
                    "letters, digits, '-' and '_'",
                    where=f"{self._path}, [{SECTION}.targets]",
                    fix=f"write [{SECTION}.targets.name] and keys below it",
                    location=self._locate("targets", name),
                )
            self._refuse_unknown(cast(_Table, table), self._keys, f"targets.{name}")
        return cast("dict[str, _Table]", tables)

    def _value(self, table: Mapping[str, object], key: str, target: str = "") -> Value:
        place = f"{self._path}, key {target}{'.' if target else ''}{key}"
        location = self._locate(target, key)
        return Value(table[key], f"`{key}`", place, self._path.parent, location)

    def _locate(self, name: str, key: str) -> Location:
        return locate_key(self._path, ".".join(filter(None, [SECTION, name])), key)

    def _refuse_unknown(self, table: Iterable[str], keys: Sequence[str], name: str) -> None:
        for key in table:
            if key not in keys:
                where = f"{self._path}, [{'.'.join(filter(None, [SECTION, name]))}]"
                raise _unknown_key(key, keys, where, self._locate(name, key))


def _read_section(path: Path) -> _Table | None:
    """Return the section of a TOML file, or None."""
    try:
        document = cast(object, parse_toml(read_text(path)))
    except OSError as error:
        raise ConfigError(
            f"the configuration file cannot be read: {error.strerror}",
            where=str(path),
            fix="check the path",
            location=None if isinstance(error, FileNotFoundError) else _start_of(path),
        ) from None
    except ValueError as error:
        raise ConfigError(
            f"the configuration file is not valid TOML: {error}",
            where=str(path),
            fix="correct the file",
            location=_start_of(path),
        ) from None
    for name in SECTION.split("."):
        if not isinstance(document, dict):
            return None
        document = cast(_Table, document).get(name)
    if document is not None and not isinstance(document, dict):
        raise ConfigError(
            f"{SECTION} must be a table",
            where=str(path),
            fix=f"write [{SECTION}]",
            location=_start_of(path),
        )
    return cast("_Table | None", document)


def _start_of(path: Path | None) -> Location:
    return Location(str(path), "", 1, 1) if path else Location()


def _unknown_key(key: str, keys: Sequence[str], where: str, location: Location) -> ConfigError:
    if key.lower().replace("-", "").replace("_", "") in _SECRET_WORDS:
        return ConfigError(
            f"{quote(key)} does not belong in a file, because a checked-in key is not secret",
            where=where,
            fix=f"remove it, set the environment variable {API_KEY_VARIABLE} instead, and revoke "
            "the key if the file was ever shared",
            location=location,
        )
    fix = _suggest(key.replace("_", "-"), keys, "keys")
    return ConfigError(f"unknown key {quote(key)}", where=where, fix=fix, location=location)


def _suggest(word: str, names: Iterable[str], kind: str) -> str:
    return suggest(word, names) or f"the {kind} are {', '.join(names) or 'none'}"
