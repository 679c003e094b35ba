"""Contract files: ``<schema id>.toml`` in the folder that the configuration names."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import TypeAlias, cast

from ..config import locate_key
from ..config.toml import parse_toml, read_text
from ..errors import ConfigError, InputError, Location
from ..filesystem import unreadable
from ..model.constraints import NUMERIC_KEYWORDS, TEXT_KEYWORDS
from ..schema.contract import PERSONAL_DATA, Contract, PersonalData, PropertyContract
from ..schema.envelope import is_id, refuse_too_many
from ..schema.jsontext import Json, JsonObject
from ..schema.text import UNSAFE_IN_TEXT, quote, suggest

SUFFIX = ".toml"
KEYWORDS = ("type", "enum", "const", *TEXT_KEYWORDS.values(), *NUMERIC_KEYWORDS.values())
"""The keywords of JSON Schema that a contract may use for a property."""

_TEXT_KEYS = ("owner", "purpose", "retention")
_KEYS = (*_TEXT_KEYS, "properties")
_PROPERTY_KEYS = (*KEYWORDS, "required", "personal-data", "deprecated")
_DURATION = re.compile(r"P(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,5}D)?")

Locate: TypeAlias = Callable[[str, str], Location]
"""Section and key -> the place of the key."""


def contract_path(folder: Path, schema_id: str) -> Path:
    """Return the file of the contract of a schema."""
    return folder / f"{schema_id}{SUFFIX}"


def find_contracts(folder: Path) -> dict[str, Path]:
    """Return the contract files of a folder: schema id -> path, sorted by id.

    Names that begin with a dot are skipped. Raises `InputError`.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise unreadable(folder, error) from None
    paths: dict[str, Path] = {}
    refuse_too_many(len(names), str(folder))
    for name in names:
        stem, suffix = os.path.splitext(name)
        if name[:1] == "." or suffix.lower() != SUFFIX:
            continue
        if suffix != SUFFIX or not is_id(stem):
            raise InputError(
                "the name of a contract must be the id of its schema and .toml",
                where=str(folder / name),
                fix="rename the file, as in productReview.toml",
                location=Location(str(folder / name), "", 1, 1),
            )
        paths[stem] = folder / name
    return paths


def read_contracts(folder: Path | None) -> dict[str, Contract]:
    """Return the contracts of a folder by schema id; none without a folder.

    Raises `InputError` for a file that cannot be read, and `ConfigError` for what is in it.
    """
    paths = find_contracts(folder) if folder else {}
    return {schema_id: _read_contract(path, schema_id) for schema_id, path in paths.items()}


def _read_contract(path: Path, schema_id: str) -> Contract:
    try:
        table = parse_toml(read_text(path))
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError as error:
        line = re.search(r"at line (\d+), column (\d+)", str(error))
        place = (int(line[1]), int(line[2])) if line else (1, 1)
        raise ConfigError(
            f"the contract is not valid TOML: {quote(str(error), 200)}",
            where=str(path),
            fix="correct the file",
            location=Location(str(path), "", *place),
        ) from None
    return parse_contract(
        schema_id, table, str(path), lambda section, key: locate_key(path, section, key)
    )


def parse_contract(
    schema_id: str, table: Mapping[str, object], origin: str, locate: Locate
) -> Contract:
    """Return the contract in a table. Raises `ConfigError`."""
    reader = _Reader(origin, locate)
    reader.refuse_unknown(table, _KEYS, "")
    texts = {key: reader.text(table, key, "") for key in _TEXT_KEYS}
    if texts["retention"] and not _DURATION.fullmatch(texts["retention"]):
        raise reader.error(
            "",
            "retention",
            f"{quote(texts['retention'])} is not a duration",
            "write years, months, weeks and days as ISO 8601 does: P2Y, P18M or P90D",
        )
    rules = reader.table(table, "properties", "")
    return Contract(
        schema_id,
        **texts,
        properties={
            name: reader.property_contract(reader.table(rules, name, "properties"), name)
            for name in sorted(rules)
        },
        origin=origin,
    )


class _Reader:
    """Reads typed values from the tables of one file."""

    def __init__(self, origin: str, locate: Locate) -> None:
        self._origin = origin
        self._locate = locate

    def error(self, section: str, key: str, message: str, fix: str) -> ConfigError:
        """Return the error for the value of a key."""
        place = self._locate(section, key)
        where = f"{self._origin}, key {'.'.join(filter(None, [section, key]))}"
        return ConfigError(message, where=where, fix=fix, location=place)

    def refuse_unknown(
        self, table: Mapping[str, object], keys: Iterable[str], section: str
    ) -> None:
        """Raise `ConfigError` for a key that a table cannot have."""
        for key in sorted(table.keys() - set(keys)):
            fix = suggest(key, keys) or f"the keys are {', '.join(keys)}"
            raise self.error(section, key, f"a contract has no key {quote(key)} here", fix)

    def text(self, table: Mapping[str, object], key: str, section: str) -> str:
        """Return a text on one line, or an empty one without the key."""
        value = table.get(key, "")
        if not isinstance(value, str) or UNSAFE_IN_TEXT.search(value):
            raise self.error(
                section, key, f"`{key}` must be a string on one line", "put it in quotes"
            )
        return value.strip()

    def table(self, table: Mapping[str, object], key: str, section: str) -> dict[str, object]:
        """Return the table of a key, or an empty one without the key."""
        value = table.get(key, {})
        if not isinstance(value, dict):
            header = ".".join(filter(None, [section, key]))
            raise self.error(section, key, f"`{key}` must be a table", f"write [{header}]")
        return cast("dict[str, object]", value)

    def property_contract(self, table: dict[str, object], name: str) -> PropertyContract:
        """Return what a table says about one property."""
        section = f"properties.{name}"
        self.refuse_unknown(table, _PROPERTY_KEYS, section)
        if table.get("required", True) is not True:
            raise self.error(
                section,
                "required",
                "`required` can only be true, because a contract cannot allow more than the schema",
                "remove the line",
            )
        return PropertyContract(
            keywords=self._keywords(table, section),
            required="required" in table,
            personal_data=self._personal_data(table, section),
            deprecated=self.text(table, "deprecated", section),
        )

    def _keywords(self, table: dict[str, object], section: str) -> JsonObject:
        keywords: JsonObject = {}
        for keyword in sorted(table.keys() & set(KEYWORDS)):
            value = table[keyword]
            items = cast("list[object]", value) if isinstance(value, list) else [value]
            if not all(_is_json(item) for item in items):
                raise self.error(
                    section,
                    keyword,
                    f"`{keyword}` has a value that JSON does not have",
                    "use strings, numbers, booleans and lists of them",
                )
            keywords[keyword] = cast(Json, value)
        return keywords

    def _personal_data(self, table: dict[str, object], section: str) -> PersonalData | None:
        value = table.get("personal-data")
        for name in PERSONAL_DATA:
            if value == name:
                return name
        if value is None:
            return None
        raise self.error(
            section,
            "personal-data",
            f"{quote(str(value))} is not a class of personal data",
            f"the classes are {', '.join(PERSONAL_DATA)}",
        )


def _is_json(value: object) -> bool:
    """Return True for a scalar of JSON; TOML also has dates, infinities and NaN."""
    return isinstance(value, (str, bool, int)) or (isinstance(value, float) and isfinite(value))
