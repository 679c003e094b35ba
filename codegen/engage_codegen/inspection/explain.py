"""Everything there is to know about one schema, or about one property of it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..compat import sample_payload
from ..config import Config
from ..errors import InputError
from ..filesystem import MAX_SCHEMA_BYTES, read_bytes
from ..findings.finding import display_path
from ..lint.attributes import ATTRIBUTES
from ..model.build import build, properties_of
from ..model.ir import Field, Record
from ..output.lockfile import FOLDER, snapshot_path
from ..output.snapshot import is_same_schema, read_lockfile, read_snapshot
from ..schema.contract import Contract
from ..schema.envelope import Schema
from ..schema.jsontext import JsonObject, nearest_position, positions
from ..schema.names import Identifier, rename_key
from ..schema.text import quote, suggest
from .call_sites import CallSite

Line = tuple[str, str]
"""A label and its text."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A schema of the snapshot and its model. `wire` is the wire name of the property, empty for
    the schema itself."""

    config: Config
    schema: Schema
    record: Record
    wire: str

    @property
    def field(self) -> Field | None:
        return next((field for field in self.record.fields if field.wire == self.wire), None)


def find_subject(config: Config, name: str) -> Subject:
    """Return the subject of ``ID`` or ``ID.property``, where the property may have its Python name.

    Raises `InputError`, and what `generate` raises for the schema.
    """
    schema_id, _, property_name = name.partition(".")
    schemas = read_snapshot(config.output)
    if schema_id not in schemas:
        raise InputError(
            f"the snapshot has no schema {quote(schema_id)}",
            where=display_path(config.output / FOLDER),
            fix=_suggest(schema_id, schemas) if schemas else "engage-codegen pull",
        )
    schema = schemas[schema_id]
    (record,) = build({schema_id: schema}, _renames_for(config, schema), config.dialect).records
    wires = {str(field.name): field.wire for field in record.fields}
    wires |= {field.wire: field.wire for field in record.fields}
    if property_name and property_name not in wires:
        raise InputError(
            f"the schema {schema_id} has no property {quote(property_name)}",
            where=schema.origin,
            fix=_suggest(property_name, [field.wire for field in record.fields]),
        )
    return Subject(config, schema, record, wires.get(property_name, ""))


def describe(subject: Subject) -> Iterator[Line]:
    """Yield everything but the calls, label by label."""
    names = subject.record.names
    module = display_path(subject.config.output / f"{names.module}.py")
    yield "from", _origin(subject)
    if subject.field is None:
        yield "title", subject.schema.display_name
        yield "in Python", f"class {names.class_name} in {module}"
        schema_id = subject.schema.id
        yield "because", _explain_name(subject.config, schema_id, schema_id, names.module)
        yield from _describe_contract(subject.schema.contract)
        yield "sends", f"{names.sender}(client, contact_id, payload), {names.async_sender}(…)"
        for field in subject.record.fields:
            yield "property", f"{field.wire}: {field.name}: {field.declaration}"
    else:
        field = subject.field
        value = properties_of(subject.schema.narrowed)[subject.wire]
        key = rename_key(subject.schema.id, subject.wire)
        yield "in Python", f"{names.class_name}.{field.name}: {field.declaration} in {module}"
        yield "because", _explain_name(subject.config, key, subject.wire, field.name)
        yield "says", field.doc.replace("\n", " ")
        yield "rules", _rules(value, required=field.required)
        yield "platform", _attributes(value)
    payload = sample_payload(subject.schema.narrowed, subject.wire or None)
    text = "no valid payload was found" if payload is None else _dump(payload)
    yield "sample", text


def _describe_contract(contract: Contract | None) -> Iterator[Line]:
    if contract is None:
        return
    for label in ("owner", "purpose", "retention"):
        if text := getattr(contract, label):
            yield label, str(text)


def describe_calls(subject: Subject, sites: Iterable[CallSite]) -> Iterator[str]:
    """Yield the calls; for a property those that pass it, or may pass it."""
    name = subject.field.name if subject.field else None
    for site in sites:
        if site.schema_id != subject.schema.id:
            continue
        place = site.location
        call = f"{place.file}:{place.line}:{place.column} {site.name}(…)"
        if name is None or name in site.arguments:
            yield call
        elif site.is_open:
            yield f"{call} perhaps"


def _renames_for(config: Config, schema: Schema) -> dict[str, str]:
    """Return the renames of one schema: `build` refuses those of schemas that it does not see."""
    return {
        key: name
        for key, name in config.renames.items()
        if key == schema.id or key.startswith(f"{schema.id}#")
    }


def _origin(subject: Subject) -> str:
    path = subject.config.output / snapshot_path(subject.schema.id)
    parts = ("jsonSchema", "properties", subject.wire) if subject.wire else ()
    data = read_bytes(path, MAX_SCHEMA_BYTES)
    line, _ = nearest_position(positions(data.decode("utf-8-sig")), parts)
    place = f"{display_path(path)}:{line}"
    entry = read_lockfile(subject.config.output).schemas.get(subject.schema.id)
    if entry is None or entry.pulled is None:
        return f"{place}, added by hand"
    is_unedited = is_same_schema(data, entry.pulled)
    state = "as pulled" if is_unedited else "edited since it was pulled"
    return f"{place}, {state} from {entry.origin or 'an unrecorded source'}"


def _explain_name(config: Config, key: str, original: str, name: Identifier) -> str:
    if key in config.renames:
        return f"`renames` has {quote(key)} = {config.renames[key]!r}"
    if name == original:
        return "it is the platform's own name"
    reason = f"it consists of the words of {quote(original)}"
    if name.endswith("_") and not original.endswith("_"):
        reason += ", and Python or the package uses the name without the _"
    return reason


def _rules(value: JsonObject, *, required: bool) -> str:
    skipped = (*ATTRIBUTES, "title", "description", "examples")
    keywords = [
        f"{keyword} {_dump(argument)}"
        for keyword, argument in sorted(value.items())
        if keyword not in skipped
    ]
    return ", ".join(["required" if required else "optional", *keywords])


def _attributes(value: JsonObject) -> str:
    attributes = [f"{key} {_dump(value[key])}" for key in ATTRIBUTES if key in value]
    return ", ".join(attributes) or "no attributes"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _suggest(word: str, candidates: Iterable[str]) -> str:
    names = list(candidates)
    return suggest(word, names) or f"it has {', '.join(map(quote, names))}"
