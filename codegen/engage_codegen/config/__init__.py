"""The configuration: `[tool.engage-codegen]`, then environment variables, then flags.

The key of the tenant is not part of it: it comes from the environment alone, so that it never
stands in a file, in a repr or in a process list.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ConfigError
from ..schema.envelope import Dialect
from ..schema.jsontext import JsonObject, canonical_json, digest, loads
from ..schema.text import quote
from . import files, values
from .values import PARTS, SECTION, Build, Value, Waiver

KEYS = {
    "base-url": "ENGAGE_BASE_URL",
    "api-version": "ENGAGE_API_VERSION",
    "output": "ENGAGE_CODEGEN_OUTPUT",
    "schemas": "ENGAGE_CODEGEN_SCHEMAS",
    "renames": "ENGAGE_CODEGEN_RENAMES",
    "user-agent": "ENGAGE_USER_AGENT",
    "without": "ENGAGE_CODEGEN_WITHOUT",
    "dialect": "ENGAGE_CODEGEN_DIALECT",
    "build": "ENGAGE_CODEGEN_BUILD",
}
"""Each key and the environment variable that overrides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The effective configuration of one package. Paths are absolute.

    `name` is that of the target, empty where there are none. `schemas` is empty when the source is
    the tenant at `base_url`. `file` is the file that the configuration was read from, if there was
    one. `shares_tenant` says that a flag or variable has put one tenant in the place of those of
    several targets: no key of a target may be sent there.
    """

    output: Path
    name: str = ""
    base_url: str = ""
    api_version: str = "v3"
    schemas: tuple[Path, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    user_agent: str = ""
    without: tuple[str, ...] = ()
    dialect: Dialect = "engage"
    build: Build = "check"
    waivers: tuple[Waiver, ...] = ()
    file: Path | None = None
    shares_tenant: bool = False

    def digest(self) -> str:
        """Hash over what decides the text of the package."""
        decisive: JsonObject = {
            "renames": dict(self.renames),
            "without": list(self.without),
            "dialect": self.dialect,
        }
        return digest(canonical_json(decisive))


def load(
    *,
    file: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    folder: Path,
    renames: Mapping[str, str] | None = None,
    targets: Sequence[str] = (),
) -> tuple[Config, ...]:
    """The configuration of each target as seen from `folder`, sorted by name; of the one package,
    if there are no targets.

    `flags` holds only what was given on the command line, by key; `renames` are added to those
    that are configured elsewhere; `targets` are the only ones wanted, if there are any. Raises
    `ConfigError`.
    """
    path = file.absolute() if file else files.nearest(folder)
    section = files.Section(required=file is not None, path=path, keys=tuple(KEYS))
    above: dict[str, Value] = {}
    for key, variable in KEYS.items():
        if environ.get(variable):
            raw = _from_environment(key, environ[variable])
            above[key] = Value(raw, f"environment variable {variable}", folder)
    above |= {key: Value(raw, f"--{key}", folder) for key, raw in flags.items()}
    base = path.parent if path else folder
    tables = sorted(section.targets(targets).items())
    shares = len(tables) > 1 and "base-url" in above
    loaded = [
        replace(
            _config(own | above, base),
            name=name,
            file=path,
            waivers=section.waivers,
            shares_tenant=shares,
        )
        for name, own in tables
    ]
    _refuse_shared_outputs(loaded)
    if not renames:
        return tuple(loaded)
    more = values.renames(Value(dict(renames), "--rename", folder))
    return tuple(replace(it, renames=dict(sorted({**it.renames, **more}.items()))) for it in loaded)


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


def _config(given: Mapping[str, Value], folder: Path) -> Config:
    def value(key: str, default: object) -> Value:
        return given.get(key) or Value(default, "default", folder)

    return Config(
        output=values.output(value("output", "engage_interactions")),
        base_url=values.text(value("base-url", "")).rstrip("/"),
        api_version=values.api_version(value("api-version", "v3")),
        schemas=values.paths(value("schemas", [])),
        renames=values.renames(value("renames", {})),
        user_agent=values.text(value("user-agent", "")),
        without=values.parts(value("without", [])),
        dialect=values.dialect(value("dialect", "engage")),
        build=values.build(value("build", "check")),
    )


def _refuse_shared_outputs(configs: Sequence[Config]) -> None:
    for config in configs:
        for other in configs:
            if other is not config and other.output.is_relative_to(config.output):
                raise ConfigError(
                    f"the targets {config.name} and {other.name} would write into one package",
                    where=quote(str(other.output)),
                    fix=f"give each an output of its own in [{SECTION}.targets.{other.name}], or "
                    "choose one with --target",
                )


__all__ = ["KEYS", "PARTS", "SECTION", "Config", "Waiver", "load"]
