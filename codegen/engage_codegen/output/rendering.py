"""A whole package in memory, as `generate` writes it and `check` expects it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..model.build import build
from ..render.own.sources import OwnFile, own_files
from ..render.package import render_package
from ..render.resources import package_templates
from ..schema.envelope import Schema
from .lockfile import Lockfile, snapshot_path
from .recipe import Recipe
from .record import record_package, refuse_renames
from .snapshot import contract_texts, refuse_case_collisions, snapshot_texts


@dataclass(frozen=True, slots=True)
class Rendering:
    """The files of a package, path -> text, and its lock file."""

    texts: Mapping[str, str]
    lockfile: Lockfile

    @property
    def own_files(self) -> dict[str, list[str]]:
        """The files that templates of the project made: template -> paths."""
        files: dict[str, list[str]] = {}
        for path, file in own_files_of(self.lockfile).items():
            files.setdefault(file.template, []).append(path)
        return files


def own_files_of(lockfile: Lockfile) -> dict[str, OwnFile]:
    """Return the files that templates of the project made, as a lock file names them, by path."""
    modules = {key: module.module for key, module in lockfile.modules.items()}
    return own_files(lockfile.generator.own_templates, package_templates(), modules)


def render(recipe: Recipe, previous: Lockfile, schemas: Mapping[str, Schema]) -> Rendering:
    """Render the package of these schemas. `previous` is the lock file that it replaces.

    Raises what the model and the templates raise, and `SchemaError` for names that another version
    of this tool gave and this one would change.
    """
    refuse_case_collisions(schemas)
    package = build(schemas, recipe.renames, recipe.dialect)
    refuse_renames(previous, package, recipe.renames)
    texts = render_package(package, recipe.without, recipe.http, recipe.own)
    lockfile = record_package(recipe.generator(), previous, schemas, package, texts)
    return Rendering(texts | snapshot_texts(schemas) | contract_texts(schemas), lockfile)


def written_with_snapshot(lockfile: Lockfile, existing_ids: list[str]) -> dict[str, str]:
    """Return the files that this tool wrote, where local files are the source of the snapshot.

    A snapshot file that no pull wrote has an empty digest, which no file matches.
    """
    existing = dict.fromkeys(map(snapshot_path, existing_ids), "")
    return lockfile.written_files | existing | lockfile.pulled_files
