"""What there is to know about one schema, or one property of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..compat import sample_payload
from ..config import Config
from ..errors import InputError
from ..findings.finding import shown_path
from ..lint.attributes import ATTRIBUTES
from ..model.build import build, properties_of
from ..model.ir import Field, Record
from ..output import snapshot
from ..schema.envelope import Schema
from ..schema.jsontext import JsonObject, nearest_position, positions
from ..schema.names import Identifier, rename_key
from ..schema.text import quote
from .call_sites import Site

Line = tuple[str, str]
"""What it is about, and what there is to say."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A schema of the snapshot, and what `generate` makes of it; `wire` is the property that is
    asked for, empty for the schema itself."""

    config: Config
    schema: Schema
    record: Record
    wire: str

    @property
    def field(self) -> Field | None:
        return next((it for it in self.record.fields if it.wire == self.wire), None)


def subject(config: Config, what: str) -> Subject:
    """`what` is ``ID`` or ``ID.property``; a property may also be named as Python calls it.

    Raises `InputError`, and what `generate` raises for the schema.
    """
    schema_id, _, wanted = what.partition(".")
    schemas = snapshot.read(config.output)
    if schema_id not in schemas:
        where = shown_path(config.output / snapshot.FOLDER)
        raise InputError(
            f"the snapshot has no schema {quote(schema_id)}",
            where=where,
            fix=_meant(schema_id, schemas) if schemas else "engage-codegen pull",
        )
    schema = schemas[schema_id]
    (record,) = build({schema_id: schema}, config.renames, config.dialect).records
    wires = {field.name: field.wire for field in record.fields} | {
        field.wire: field.wire for field in record.fields
    }
    if wanted and wanted not in wires:
        raise InputError(
            f"the schema {schema_id} has no property {quote(wanted)}",
            where=schema.origin,
            fix=_meant(wanted, {field.wire: field for field in record.fields}),
        )
    return Subject(config, schema, record, wires.get(wanted, ""))


def lines(of: Subject) -> Iterator[Line]:
    """All of it but where it is used."""
    names = of.record.names
    module = shown_path(of.config.output / f"{names.module}.py")
    yield "from", _origin(of)
    if of.field is None:
        yield "title", of.schema.display_name
        yield "in Python", f"class {names.class_name} in {module}"
        yield "because", _why(of.config, of.schema.id, of.schema.id, names.module)
        yield "sends", f"{names.sender}(client, contact_id, payload), {names.async_sender}(…)"
        for field in of.record.fields:
            yield "property", f"{field.wire}: {field.name}: {field.declaration}"
    else:
        key = rename_key(of.schema.id, of.wire)
        yield "in Python", f"{names.class_name}.{of.field.name}: {of.field.declaration} in {module}"
        yield "because", _why(of.config, key, of.wire, of.field.name)
        yield "says", of.field.doc.replace("\n", " ")
        yield "rules", _rules(properties_of(of.schema)[of.wire], required=of.field.required)
        yield "platform", _flags(properties_of(of.schema)[of.wire])
    payload = sample_payload(of.schema, of.wire or None)
    yield "sample", "none was found" if payload is None else json.dumps(payload, ensure_ascii=False)


def used(of: Subject, sites: list[Site]) -> Iterator[str]:
    """The calls; for a property those that give it, or may give it."""
    name = of.field.name if of.field else None
    for site in sites:
        if site.schema_id != of.schema.id:
            continue
        if name is None or name in site.passes:
            yield f"{site.place.file}:{site.place.line}:{site.place.column} {site.name}(…)"
        elif site.is_open:
            yield f"{site.place.file}:{site.place.line}:{site.place.column} {site.name}(…) perhaps"


def _origin(of: Subject) -> str:
    path = of.config.output / snapshot.path_of(of.schema.id)
    parts = ("jsonSchema", "properties", of.wire) if of.wire else ()
    line, _ = nearest_position(positions(path.read_text("utf-8")), parts)
    where = f"{shown_path(path)}:{line}"
    entry = snapshot.read_lock(of.config.output).schemas.get(of.schema.id)
    pulled = entry.pulled if entry else None
    if pulled is None:
        return f"{where}, put there by hand"
    state = "as pulled" if snapshot.same_schema(path.read_bytes(), pulled) else "edited since"
    source = ", ".join(map(shown_path, of.config.schemas)) or of.config.base_url or "a tenant"
    return f"{where}, {state}, of {source}"


def _why(config: Config, key: str, original: str, name: Identifier) -> str:
    if key in config.renames:
        return f"renames has {quote(key)} = {config.renames[key]!r}"
    if name == original:
        return "it is the platform's own name"
    why = f"these are the words of {quote(original)}"
    if name.endswith("_") and not original.endswith("_"):
        why += ", and Python or the package uses that name without the _"
    return why


def _rules(value: JsonObject, *, required: bool) -> str:
    told = {
        key: given
        for key, given in sorted(value.items())
        if key not in (*ATTRIBUTES, "title", "description", "examples")
    }
    words = ["required" if required else "optional"]
    words += [f"{key} {json.dumps(given, ensure_ascii=False)}" for key, given in told.items()]
    return ", ".join(words)


def _flags(value: JsonObject) -> str:
    told = [
        f"{key} {json.dumps(value[key], ensure_ascii=False)}" for key in ATTRIBUTES if key in value
    ]
    return ", ".join(told) or "no attributes"


def _meant(word: str, known: Mapping[str, object]) -> str:
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {quote(near[0])}?" if near else f"it has {', '.join(map(quote, known))}"
