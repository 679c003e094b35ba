"""What decides the text of a package beside its schemas."""

from collections.abc import Mapping
from typing import NamedTuple

from .. import __version__
from ..config import Config, HttpLibrary
from ..render.own.sources import NO_TEMPLATES, OwnTemplates
from ..render.resources import templates_digest
from ..schema.envelope import Dialect
from ..schema.jsontext import JsonObject, canonical_json, digest
from .lockfile import Generator
from .own_templates import read_templates


class Recipe(NamedTuple):
    """The settings that decide the text of a package, and the templates of the project."""

    renames: Mapping[str, str]
    dialect: Dialect
    without: tuple[str, ...]
    http: HttpLibrary
    own: OwnTemplates = NO_TEMPLATES

    @classmethod
    def of(cls, config: Config) -> "Recipe":
        """Return the settings of a configuration. Reads its templates, and raises `InputError`."""
        own = read_templates(config.templates)
        return cls(config.renames, config.dialect, config.without, config.http, own)

    def generator(self) -> Generator:
        """Return the version, settings and templates of this run, as the lock file names them."""
        settings: JsonObject = {
            "renames": dict(self.renames),
            "without": list(self.without),
            "http": self.http,
            "dialect": self.dialect,
        }
        config = digest(canonical_json(settings))
        return Generator(__version__, config, templates_digest(), self.own.digests)
