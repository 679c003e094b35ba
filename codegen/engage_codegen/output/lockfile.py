"""The lock file: what a package was generated from and by, and what this tool wrote. Pure.

One line is one schema, so that a new schema is a new line, and two branches that each add one merge
without a conflict. Each line of a schema names the generator that made it, so a merge cannot pass
off the line of one version, configuration or set of templates as that of another.

`generate` uses the hashes to notice that it has nothing to do, and to distinguish a file that was
edited from one that is out of date. `check` ignores them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple, cast

from .. import __version__
from ..errors import Location, LockfileError
from ..render.own.sources import INDEX_TEMPLATE
from ..schema.contract import CONTRACT_SUFFIX
from ..schema.envelope import Schema, file_name, is_id
from ..schema.jsontext import Json, JsonError, JsonObject, digest, loads
from ..schema.text import quote
from .index import INDEX_PATH, index_fingerprint

FORMAT = 2
FOLDER = "_snapshot"
LOCKFILE_PATH = f"{FOLDER}/codegen.lock.json"
FILES_ORIGIN = "files"
"""The origin of schemas that come from local files."""
STAGING_PREFIX = ".engage-codegen-"
"""The names of hidden folders inside the output in which changes are staged."""

_HEAD = "engage-codegen"
_SCHEMA_PREFIX = "schema "


class Generator(NamedTuple):
    """What generates a package: the version of this tool, and digests of the configuration and the
    templates. `own_templates` are those of the project: name -> digest. Empty before the first
    run."""

    version: str = ""
    config: str = ""
    templates: str = ""
    own_templates: Mapping[str, str] = MappingProxyType({})

    @property
    def has_own_index(self) -> bool:
        """True if a template of the project makes INDEX.md, whose rows then mean nothing."""
        return INDEX_TEMPLATE in self.own_templates

    @property
    def name(self) -> str:
        """The version and a digest of all three, as the line of a schema names it."""
        own = f" {_dump(dict(self.own_templates))}" if self.own_templates else ""
        return f"{self.version}+{digest(f'{self.config} {self.templates}{own}')[:12]}"


class GeneratedModule(NamedTuple):
    """The generated module of one schema.

    `generator` is the `Generator.name` that made it, `schema` the digest of the schema, `code`
    that of the module and `row` that of the row in INDEX.md. `properties` maps wire names to
    attributes. `contract` is the digest of the contract, empty if there is none. `own_files` are
    the files of this schema that templates of the project add: path -> digest.
    """

    generator: str
    schema: str
    module: str
    class_name: str
    properties: dict[str, str]
    code: str
    row: str
    contract: str = ""
    own_files: Mapping[str, str] = MappingProxyType({})

    @property
    def version(self) -> str:
        """The version of this tool that made it."""
        return self.generator.partition("+")[0]


class Entry(NamedTuple):
    """The line of one schema.

    `pulled` is the digest of the schema as `pull` wrote it, and `origin` where it came from: the
    URL of the tenant, or "files". `generated` is missing until `generate` has run.
    """

    pulled: str | None = None
    origin: str | None = None
    generated: GeneratedModule | None = None


@dataclass(frozen=True, slots=True)
class Lockfile:
    """The lock file of a package. `files` has the digests of the files that belong to no single
    schema; that of INDEX.md is without its rows, if it is the tool's."""

    generator: Generator = field(default_factory=Generator)
    files: dict[str, str] = field(default_factory=dict[str, str])
    schemas: dict[str, Entry] = field(default_factory=dict[str, Entry])

    def to_text(self) -> str:
        """Return the text of the file."""
        lines = [
            f'"{_SCHEMA_PREFIX}{schema_id}": {_dump(_entry_members(entry))},\n'
            for schema_id, entry in sorted(self.schemas.items())
            if entry != Entry()
        ]
        head = _dump({"format": FORMAT, **_without_empty(self.generator._asdict())})
        return f'{{\n"{_HEAD}": {head},\n{"".join(lines)}"files": {_dump(self.files)}\n}}\n'

    @property
    def modules(self) -> dict[str, GeneratedModule]:
        """What each generated schema became, by schema id."""
        return {key: entry.generated for key, entry in self.schemas.items() if entry.generated}

    @property
    def written_files(self) -> dict[str, str]:
        """The files that `generate` wrote: path -> fingerprint."""
        modules = self.modules
        written = {f"{module.module}.py": module.code for module in modules.values()}
        for module in modules.values():
            written |= module.own_files
        written |= {
            contract_path(key): module.contract
            for key, module in modules.items()
            if module.contract
        }
        written |= {path: value for path, value in self.files.items() if path != INDEX_PATH}
        if INDEX_PATH in self.files:
            written[INDEX_PATH] = self._index_fingerprint
        return written

    @property
    def _index_fingerprint(self) -> str:
        if self.generator.has_own_index:
            return self.files[INDEX_PATH]
        modules = self.modules
        return index_fingerprint(
            self.files[INDEX_PATH], [modules[key].row for key in sorted(modules)]
        )

    @property
    def pulled_files(self) -> dict[str, str]:
        """The schemas that `pull` wrote: path -> digest."""
        return {
            snapshot_path(key): entry.pulled for key, entry in self.schemas.items() if entry.pulled
        }

    def with_pulled(
        self, schemas: Mapping[str, Schema], origin: str, *, keep_others: bool
    ) -> "Lockfile":
        """Return the lock file after schemas from `origin` were written into the snapshot.

        They replace the others, or with `keep_others` stand beside them.
        """
        entries = {
            key: entry if keep_others else entry._replace(pulled=None, origin=None)
            for key, entry in self.schemas.items()
        }
        for key, schema in schemas.items():
            entry = entries.get(key, Entry())
            entries[key] = entry._replace(pulled=schema.digest, origin=origin)
        return replace(self, schemas=entries)


def snapshot_path(schema_id: str) -> str:
    """Return the path of a schema's snapshot file below the package."""
    return f"{FOLDER}/{file_name(schema_id)}"


def contract_path(schema_id: str) -> str:
    """Return the path of the snapshot of a schema's contract below the package."""
    return f"{FOLDER}/{file_name(schema_id).removesuffix('.json')}{CONTRACT_SUFFIX}"


def parse_lockfile(data: bytes, origin: str) -> Lockfile:
    """Return the lock file in the bytes of its file. Raises `LockfileError`."""
    try:
        text = data.decode("utf-8")
        if text.startswith("<<<<<<<") or "\n<<<<<<< " in text:
            raise LockfileError(
                "the lock file contains merge conflict markers",
                where=origin,
                fix=f"git checkout --ours {origin} (or --theirs), then engage-codegen generate",
                location=Location(origin, "", text[: text.index("<<<<<<<")].count("\n") + 1, 1),
            )
        return _parse(loads(text), origin)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        place = (error.line, error.column) if isinstance(error, JsonError) else (0, 0)
        raise LockfileError(
            f"the lock file is damaged: {error}",
            where=origin,
            fix=f"restore the file from version control: git checkout HEAD -- {origin}",
            location=Location(origin, "", *(place if place[0] else (1, 1))),
        ) from None


def _parse(value: Json, origin: str) -> Lockfile:
    top = cast("dict[str, JsonObject]", value)
    head = top[_HEAD]
    _check_format(head, origin)
    generator = Generator(
        _string(head["version"]),
        _string(head["config"]),
        _string(head["templates"]),
        _strings(head.get("own_templates", {})),
    )
    return Lockfile(
        generator=generator,
        files={path: _string(value) for path, value in top["files"].items()},
        schemas={
            _schema_id(key.removeprefix(_SCHEMA_PREFIX)): _entry(entry, generator)
            for key, entry in top.items()
            if key.startswith(_SCHEMA_PREFIX)
        },
    )


def _check_format(head: JsonObject, origin: str) -> None:
    """Raise `LockfileError` for a newer format, and `ValueError` for an invalid one."""
    version = head.get("format", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(f"{quote(str(version))} is not a format")
    if version > FORMAT:
        raise LockfileError(
            f"the lock file has format {version}, which engage-codegen {__version__} cannot read",
            where=origin,
            fix=f"install engage-codegen {quote(str(head.get('version')))}, which wrote it",
            location=Location(origin, "", 1, 1),
        )


def _schema_id(text: str) -> str:
    if not is_id(text):
        raise ValueError(f"{quote(text)} is not a valid schema id")
    return text


def _entry(entry: JsonObject, generator: Generator) -> Entry:
    pulled, origin, generated = (entry.get(key) for key in ("pulled", "origin", "generated"))
    return Entry(
        pulled=None if pulled is None else _string(pulled),
        origin=None if origin is None else _string(origin),
        generated=None if generated is None else _module(cast(JsonObject, generated), generator),
    )


def _module(value: JsonObject, generator: Generator) -> GeneratedModule:
    properties = cast(JsonObject, value["properties"])
    return GeneratedModule(
        # Format 1 did not say who made a line: only its version is taken over.
        generator=_string(value.get("generator", f"{generator.version}+")),
        schema=_string(value["schema"]),
        module=_string(value["module"]),
        class_name=_string(value["class_name"]),
        properties={wire: _string(name) for wire, name in properties.items()},
        code=_string(value["code"]),
        row=_string(value["row"]),
        contract=_string(value.get("contract", "")),
        own_files=_strings(value.get("own_files", {})),
    )


def _strings(value: Json) -> dict[str, str]:
    return {key: _string(item) for key, item in cast(JsonObject, value).items()}


def _string(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("a value has the wrong type")
    return value


def _entry_members(entry: Entry) -> dict[str, object]:
    members = entry._asdict()
    if entry.generated is not None:
        members["generated"] = _without_empty(entry.generated._asdict())
    return {key: value for key, value in members.items() if value is not None}


def _without_empty(members: dict[str, object]) -> dict[str, object]:
    """Return the members without those that most lock files do not have."""
    optional = ("contract", "own_files", "own_templates")
    return {
        key: dict(cast("Mapping[str, str]", value)) if isinstance(value, Mapping) else value
        for key, value in members.items()
        if value or key not in optional
    }


def _dump(value: object) -> str:
    return json.dumps(value, sort_keys=True)
