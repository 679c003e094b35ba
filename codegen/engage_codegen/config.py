"""The configuration: `[tool.engage-codegen]`, then environment variables, then flags.

The key of the tenant is not part of it: it comes from ``ENGAGE_API_KEY`` alone, so that it never
stands in a file, in a repr or in a process list.
"""

import keyword
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from .errors import API_KEY_VARIABLE, ConfigError
from .schema import DIALECTS, Dialect, JsonObject, canonical_json, digest, loads, shown

SECTION = "tool.engage-codegen"

KEYS = {
    "base-url": "ENGAGE_BASE_URL",
    "api-version": "ENGAGE_API_VERSION",
    "output": "ENGAGE_CODEGEN_OUTPUT",
    "schemas": "ENGAGE_CODEGEN_SCHEMAS",
    "renames": "ENGAGE_CODEGEN_RENAMES",
    "user-agent": "ENGAGE_USER_AGENT",
    "without": "ENGAGE_CODEGEN_WITHOUT",
    "dialect": "ENGAGE_CODEGEN_DIALECT",
}
"""Each key and the environment variable that overrides it."""

PARTS = ("bulk", "outbox", "testing")
"""The parts of a package that can be left out."""

_SECRET_WORDS = frozenset(["apikey", "key", "engageapikey", "token", "secret", "password"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The effective configuration. Paths are absolute.

    `schemas` is empty when the source is the tenant at `base_url`. `file` is the file that the
    configuration was read from, if there was one.
    """

    output: Path
    base_url: str = ""
    api_version: str = "v3"
    schemas: tuple[Path, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    user_agent: str = ""
    without: tuple[str, ...] = ()
    dialect: Dialect = "engage"
    file: Path | None = None

    def digest(self) -> str:
        """Hash over what decides the text of the package."""
        decisive: JsonObject = {
            "renames": dict(self.renames),
            "without": list(self.without),
            "dialect": self.dialect,
        }
        return digest(canonical_json(decisive))


@dataclass(frozen=True, slots=True)
class _Value:
    """A raw value, and what to call the place it stands in."""

    raw: object
    place: str
    folder: Path


def load(
    *,
    file: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    folder: Path,
    renames: Mapping[str, str] | None = None,
) -> Config:
    """Read the configuration as seen from `folder`.

    `flags` holds only what was given on the command line, by key; `renames` are added to those
    that are configured elsewhere. Raises `ConfigError`.
    """
    path = file.absolute() if file else _nearest(folder)
    values = _from_file(path, required=file is not None) if path else {}
    for key, variable in KEYS.items():
        if environ.get(variable):
            raw = _from_environment(key, environ[variable])
            values[key] = _Value(raw, f"environment variable {variable}", folder)
    for key, raw in flags.items():
        values[key] = _Value(raw, f"--{key}", folder)
    loaded = _config(values, path, folder)
    if not renames:
        return loaded
    more = _renames(_Value(dict(renames), "--rename", folder))
    return replace(loaded, renames=dict(sorted({**loaded.renames, **more}.items())))


def _nearest(folder: Path) -> Path | None:
    """The nearest pyproject.toml upwards that has our section."""
    for parent in (folder, *folder.parents):
        path = parent / "pyproject.toml"
        if path.is_file() and _section(path) is not None:
            return path
    return None


def _section(path: Path) -> dict[str, object] | None:
    """Our section of a TOML file; None if it has none."""
    try:
        document: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the configuration file cannot be read: {error.strerror}",
            where=str(path),
            fix="check the path",
        ) from None
    except ValueError as error:
        raise ConfigError(
            f"the configuration file is not TOML: {error}", where=str(path), fix="correct the file"
        ) from None
    for name in SECTION.split("."):
        if not isinstance(document, dict):
            return None
        document = cast("dict[str, object]", document).get(name)
    if document is not None and not isinstance(document, dict):
        raise ConfigError(f"{SECTION} has to be a table", where=str(path), fix=f"write [{SECTION}]")
    return cast("dict[str, object] | None", document)


def _from_file(path: Path, *, required: bool) -> dict[str, _Value]:
    section = _section(path)
    if section is None and required:
        raise ConfigError(f"the file has no section [{SECTION}]", where=str(path), fix="add one")
    for key in section or {}:
        if key not in KEYS:
            raise _unknown_key(key, path)
    return {
        key: _Value(raw, f"{path}, key {key}", path.parent) for key, raw in (section or {}).items()
    }


def _unknown_key(key: str, path: Path) -> ConfigError:
    if key.lower().replace("-", "").replace("_", "") in _SECRET_WORDS:
        return ConfigError(
            f"{shown(key)} does not belong in a file: what is checked in is no secret any more",
            where=f"{path}, [{SECTION}]",
            fix=f"remove it, set the environment variable {API_KEY_VARIABLE} instead, and if the "
            "file was ever shared, revoke the key",
        )
    import difflib

    near = difflib.get_close_matches(key.replace("_", "-"), KEYS, n=1, cutoff=0.5)
    return ConfigError(
        f"unknown key {shown(key)}",
        where=f"{path}, [{SECTION}]",
        fix=f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(KEYS)}",
    )


def _from_environment(key: str, text: str) -> object:
    if key == "without":
        return [part.strip() for part in text.split(",") if part.strip()]
    if key == "schemas":
        return [part for part in text.split(os.pathsep) if part]
    if key == "renames":
        try:
            return loads(text)
        except ValueError as error:
            raise ConfigError(
                f"{KEYS[key]} is not JSON: {error}",
                where=f"environment variable {KEYS[key]}",
                fix='set it to an object, for instance {"Reuse-Spring-2023": "reuse"}',
            ) from None
    return text


def _config(values: Mapping[str, _Value], file: Path | None, folder: Path) -> Config:
    def value(key: str, default: object) -> _Value:
        return values.get(key) or _Value(default, "default", file.parent if file else folder)

    return Config(
        output=_output(value("output", "engage_interactions")),
        base_url=_text(value("base-url", "")).rstrip("/"),
        api_version=_api_version(value("api-version", "v3")),
        schemas=_paths(value("schemas", [])),
        renames=_renames(value("renames", {})),
        user_agent=_text(value("user-agent", "")),
        without=_parts(value("without", [])),
        dialect=_dialect(value("dialect", "engage")),
        file=file,
    )


def _text(value: _Value) -> str:
    if not isinstance(value.raw, str) or not value.raw.isprintable():
        raise ConfigError(
            "the value has to be a string on one line", where=value.place, fix="put it in quotes"
        )
    return value.raw.strip()


def _api_version(value: _Value) -> str:
    if value.raw not in ("v2", "v3"):
        raise ConfigError(
            "the value has to be v2 or v3", where=value.place, fix="use v3, or leave it out"
        )
    return _text(value)


def _dialect(value: _Value) -> Dialect:
    for dialect in DIALECTS:
        if value.raw == dialect:
            return dialect
    raise ConfigError(
        f"there is no dialect {shown(str(value.raw))}",
        where=value.place,
        fix=f"the dialects are {' and '.join(DIALECTS)}",
    )


def _output(value: _Value) -> Path:
    path = Path(os.path.abspath(value.folder / _text(value)))
    if value.folder.is_relative_to(path):
        raise ConfigError(
            "the output is the package folder itself, not a folder that other things are in",
            where=value.place,
            fix="end it in a Python package name, like src/acme/engage_interactions",
        )
    if not path.name.isidentifier() or keyword.iskeyword(path.name):
        raise ConfigError(
            f"the output {shown(path.name)} cannot be imported: it is the package folder itself",
            where=value.place,
            fix="end it in a Python package name, like src/acme/engage_interactions",
        )
    return path


def _paths(value: _Value) -> tuple[Path, ...]:
    raw = [value.raw] if isinstance(value.raw, str) else value.raw
    if not isinstance(raw, (list, tuple)):
        raise ConfigError(
            "the value has to be a path or a list of paths",
            where=value.place,
            fix='write it like schemas = ["schemas"]',
        )
    items = cast("list[object]", raw)
    return tuple(
        Path(os.path.abspath(value.folder / _text(_Value(item, value.place, value.folder))))
        for item in items
    )


def _parts(value: _Value) -> tuple[str, ...]:
    raw = cast("list[object]", value.raw) if isinstance(value.raw, list) else [value.raw]
    for part in raw:
        if part not in PARTS:
            raise ConfigError(
                f"there is no part {shown(str(part))} to leave out",
                where=value.place,
                fix=f"the parts are {', '.join(PARTS)}",
            )
    return tuple(sorted({str(part) for part in raw}))


def _renames(value: _Value) -> dict[str, str]:
    if not isinstance(value.raw, dict):
        raise ConfigError(
            "the value has to be a table of names",
            where=value.place,
            fix=f'write [{SECTION}.renames] and below it lines like "id" = "name"',
        )
    table = cast("dict[str, object]", value.raw)
    for key, name in table.items():
        if not isinstance(name, str) or not name.isascii() or not name.isidentifier():
            raise ConfigError(
                f"the name {shown(str(name))} for {shown(key)} is no Python identifier",
                where=value.place,
                fix="use ASCII letters, digits and '_'",
            )
    return {key: str(name) for key, name in sorted(table.items())}
