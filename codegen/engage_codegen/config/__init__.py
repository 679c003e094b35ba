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
from .values import HTTP_LIBRARIES, PARTS, SECTION, Build, HttpLibrary, Value

KEYS = {
    "base-url": "ENGAGE_BASE_URL",
    "api-version": "ENGAGE_API_VERSION",
    "output": "ENGAGE_CODEGEN_OUTPUT",
    "schemas": "ENGAGE_CODEGEN_SCHEMAS",
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
    the tenant at `base_url`. `timeout` is in seconds, for everything that is read from a tenant at
    once and for each request that writes. `file` is the configuration file, if there is one.
    `shares_tenant` is True if a flag or variable replaced the tenants of several targets by one:
    then no key of a target may be sent there.
    """

    output: Path
    name: str = ""
    base_url: str = ""
    api_version: str = "v3"
    schemas: tuple[Path, ...] = ()
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
    overrides: dict[str, Value] = {}
    for key, variable in KEYS.items():
        if variable and environ.get(variable):
            raw = _parse_variable(key, environ[variable])
            place = f"environment variable {variable}"
            overrides[key] = Value(raw, variable, place, folder)
    overrides |= {key: Value(raw, f"--{key}", f"--{key}", folder) for key, raw in flags.items()}
    base = path.parent if path else folder
    tables = sorted(section.targets(targets).items())
    shares_tenant = len(tables) > 1 and "base-url" in overrides
    configs = [
        replace(
            _config(table | overrides, base),
            name=name,
            file=path,
            waivers=section.waivers,
            shares_tenant=shares_tenant,
        )
        for name, table in tables
    ]
    _refuse_shared_outputs(configs)
    if not renames:
        return tuple(configs)
    added = values.parse_renames(Value(dict(renames), "--rename", "--rename", folder))
    return tuple(
        replace(config, renames=dict(sorted({**config.renames, **added}.items())))
        for config in configs
    )


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
    "load",
    "locate_key",
]
