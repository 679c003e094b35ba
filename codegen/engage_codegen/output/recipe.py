"""What decides the text of a package beside its schemas."""

from collections.abc import Mapping
from typing import NamedTuple

from .. import __version__
from ..config import Config, HttpLibrary
from ..render.resources import templates_digest
from ..schema.envelope import Dialect
from ..schema.jsontext import JsonObject, canonical_json, digest
from .lockfile import Generator


class Recipe(NamedTuple):
    """The settings that decide the text of a package."""

    renames: Mapping[str, str]
    dialect: Dialect
    without: tuple[str, ...]
    http: HttpLibrary

    @classmethod
    def of(cls, config: Config) -> "Recipe":
        """Return the settings of a configuration."""
        return cls(config.renames, config.dialect, config.without, config.http)

    def generator(self) -> Generator:
        """Return the version, settings and templates of this run, as the lock file names them."""
        settings: JsonObject = {
            "renames": dict(self.renames),
            "without": list(self.without),
            "http": self.http,
            "dialect": self.dialect,
        }
        return Generator(__version__, digest(canonical_json(settings)), templates_digest())
