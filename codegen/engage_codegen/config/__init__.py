"""The configuration: ``[tool.engage-codegen]``, then environment variables, then flags.

The API key is not part of it. It comes from the environment alone, so that it never stands in a
file, in a repr or in a process list.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ConfigError
from ..findings.waivers import Waiver
from ..schema.envelope import Dialect
from ..schema.text import quote
from . import files, values
from .lines import locate_key
from .project import is_in_project, repository_root
from .tenant import BASE_URL_VARIABLE, NO_ORIGIN, OriginKind, UrlOrigin, variable_of
from .toml import parse_toml
from .values import HTTP_LIBRARIES, PARTS, SECTION, Build, HttpLibrary, Value

KEYS = {
    "base-url": BASE_URL_VARIABLE,
    "api-version": "ENGAGE_API_VERSION",
    "output": "ENGAGE_CODEGEN_OUTPUT",
    "schemas": "ENGAGE_CODEGEN_SCHEMAS",
    "contracts": "",
    "templates": "",
    "user-agent": "ENGAGE_USER_AGENT",
    "build": "ENGAGE_CODEGEN_BUILD",
    "timeout": "ENGAGE_CODEGEN_TIMEOUT",
    "renames": "",
    "without": "",
    "http": "",
    "dialect": "",
    "required-version": "",
}
"""Each key, and the environment variable that overrides it.

The keys without a variable decide the text of the package or which tool may write it: whether
checked-in code is stale must not depend on somebody's shell.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The effective configuration of one package. Paths are absolute.

    `name` is the name of the target, empty without targets. `schemas` is empty if the source is
    the tenant at `base_url`. `contracts` and `templates` are the folders of contracts and of
    templates of the project, if there are any. `timeout` is in seconds, for everything that is read
    from a tenant at once and for each request that writes. `file` is the configuration file, if
    there is one. `shares_tenant` is True if a flag or variable replaced the tenants of several
    targets by one: then no key of a target may be sent there. `url_origin` says who named
    `base_url`.
    """

    output: Path
    name: str = ""
    base_url: str = ""
    api_version: str = "v3"
    schemas: tuple[Path, ...] = ()
    contracts: Path | None = None
    templates: Path | None = None
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    user_agent: str = ""
    without: tuple[str, ...] = ()
    http: HttpLibrary = "httpx"
    dialect: Dialect = "engage"
    build: Build = "check"
    timeout: float = 120.0
    required_version: str = ""
    waivers: tuple[Waiver, ...] = ()
    file: Path | None = None
    shares_tenant: bool = False
    url_origin: UrlOrigin = NO_ORIGIN


def load(
    *,
    file: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    folder: Path,
    renames: Mapping[str, str] | None = None,
    targets: Sequence[str] = (),
) -> tuple[Config, ...]:
    """Return the configuration of each target as seen from `folder`, sorted by name.

    Without targets there is one, without a name. `flags` are the values of the command line by
    key, `renames` are added to those of the file, and `targets` selects targets by name. Raises
    `ConfigError`.
    """
    path = file.absolute() if file else files.find_configuration(folder)
    section = files.Section(required=file is not None, path=path, keys=tuple(KEYS))
    overrides = _parse_overrides(environ, flags, folder)
    base = path.parent if path else folder
    tables_of_file = section.targets(targets)
    tables = {
        name: table | overrides | _parse_own_url(name, environ, flags, folder)
        for name, table in sorted(tables_of_file.items())
    }
    shared = overrides.get("base-url")
    is_shared = any(table.get("base-url") is shared for table in tables.values())
    configs = [
        replace(
            _config(table, base),
            name=name,
            file=path,
            waivers=section.waivers,
            shares_tenant=shared is not None and len(tables) > 1 and is_shared,
            url_origin=_url_origin(table, tables_of_file[name]),
        )
        for name, table in tables.items()
    ]
    _refuse_shared_outputs(configs)
    if not renames:
        return tuple(configs)
    added = values.parse_renames(Value(dict(renames), "--rename", "--rename", folder))
    return tuple(
        replace(config, renames=dict(sorted({**config.renames, **added}.items())))
        for config in configs
    )


def _parse_overrides(
    environ: Mapping[str, str], flags: Mapping[str, object], folder: Path
) -> dict[str, Value]:
    """Return the values of the environment and of the command line, which come last."""
    variables = {
        key: _variable_value(key, variable, environ, folder)
        for key, variable in KEYS.items()
        if variable and environ.get(variable)
    }
    return variables | {
        key: Value(raw, f"--{key}", f"--{key}", folder) for key, raw in flags.items()
    }


def _variable_value(key: str, variable: str, environ: Mapping[str, str], folder: Path) -> Value:
    raw = _parse_variable(key, environ[variable])
    return Value(raw, variable, f"environment variable {variable}", folder)


def _parse_own_url(
    name: str, environ: Mapping[str, str], flags: Mapping[str, object], folder: Path
) -> dict[str, Value]:
    """Return the URL that the environment has for this target alone."""
    variable = variable_of(BASE_URL_VARIABLE, name)
    if not name or "base-url" in flags or not environ.get(variable):
        return {}
    return {"base-url": _variable_value("base-url", variable, environ, folder)}


def _url_origin(table: Mapping[str, Value], in_file: Mapping[str, Value]) -> UrlOrigin:
    value, file_value = table.get("base-url"), in_file.get("base-url")
    if value is None:
        return NO_ORIGIN
    kind: OriginKind = "environment"
    place = value.name
    if value is file_value:
        kind, place = "file", value.place
    elif value.name.startswith("--"):
        kind = "command line"
    file_url = values.parse_text(file_value).rstrip("/") if file_value else ""
    return UrlOrigin(kind, place, file_url)


def _parse_variable(key: str, text: str) -> object:
    """Return what a file would have in place of the text of an environment variable."""
    if key == "timeout" and re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text.strip(), re.ASCII):
        return float(text)
    return [part for part in text.split(os.pathsep) if part] if key == "schemas" else text


def _config(raw_values: Mapping[str, Value], folder: Path) -> Config:
    def value(key: str, default: object) -> Value:
        return raw_values.get(key) or Value(default, f"`{key}`", "default", folder)

    return Config(
        output=values.parse_output(value("output", "engage_interactions")),
        base_url=values.parse_text(value("base-url", "")).rstrip("/"),
        api_version=values.parse_api_version(value("api-version", "v3")),
        schemas=values.parse_paths(value("schemas", [])),
        contracts=values.parse_folder(value("contracts", "")),
        templates=values.parse_folder(value("templates", "")),
        renames=values.parse_renames(value("renames", {})),
        user_agent=values.parse_text(value("user-agent", "")),
        without=values.parse_parts(value("without", [])),
        http=values.parse_http(value("http", "httpx")),
        dialect=values.parse_dialect(value("dialect", "engage")),
        build=values.parse_build(value("build", "check")),
        timeout=values.parse_timeout(value("timeout", 120)),
        required_version=values.parse_text(value("required-version", "")),
    )


def _refuse_shared_outputs(configs: Sequence[Config]) -> None:
    for config in configs:
        for other in configs:
            folder, inner = (os.path.realpath(item.output) for item in (config, other))
            if other is not config and Path(inner).is_relative_to(folder):
                raise ConfigError(
                    f"the targets {config.name} and {other.name} write into the same package",
                    where=quote(str(other.output)),
                    fix=f"set an `output` of its own in [{SECTION}.targets.{other.name}], or "
                    "choose one target with --target",
                )


__all__ = [
    "HTTP_LIBRARIES",
    "KEYS",
    "PARTS",
    "SECTION",
    "Config",
    "HttpLibrary",
    "Waiver",
    "is_in_project",
    "load",
    "locate_key",
    "parse_toml",
    "repository_root",
]
