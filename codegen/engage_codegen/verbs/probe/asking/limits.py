"""Lengths, numbers and sizes that a tenant accepts, and further keywords of a schema."""

from collections.abc import Iterator
from dataclasses import dataclass

from ....schema.jsontext import Json, JsonError, JsonObject, loads
from ....sources.exchange import Reply
from ....sources.tenant_session import TenantSession
from ..names import ProbeName
from .exchange import fill_body, fill_path
from .steps import create_schema

MAX_REQUESTS = 80
"""What the questions about limits may take together."""

_TEXT: JsonObject = {"type": "string"}
_INTEGER: JsonObject = {"type": "integer"}

KEYWORDS: dict[str, JsonObject] = {
    "enum": {**_TEXT, "enum": ["one", "two"]},
    "const": {**_TEXT, "const": "one"},
    "minLength": {**_TEXT, "minLength": 1},
    "maxLength": {**_TEXT, "maxLength": 10},
    "pattern": {**_TEXT, "pattern": "^[a-z]*$"},
    "minimum": {**_INTEGER, "minimum": 1},
    "maximum": {**_INTEGER, "maximum": 10},
    "exclusiveMinimum": {**_INTEGER, "exclusiveMinimum": 0},
    "multipleOf": {**_INTEGER, "multipleOf": 5},
    "default": {**_TEXT, "default": "one"},
    "description": {**_TEXT, "description": "a text"},
    "format: date": {**_TEXT, "format": "date"},
    "format: uuid": {**_TEXT, "format": "uuid"},
}
"""Keyword -> a property that has it."""

_ID_LENGTHS = (64, 128, 256, 512)
_PROPERTY_COUNTS = (50, 100, 200, 500)
_SEGMENTABLE_COUNTS = (6, 7, 20)
_TEXT_LENGTHS = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class _Tenant:
    session: TenantSession
    name: ProbeName
    contact: str

    def create(self, part: str, properties: JsonObject) -> Reply:
        """Create a schema and return the reply."""
        step = create_schema("limit", "d", properties)
        body = fill_body(step.body, {"schema-d": self.name.schema_id(part)})
        return self.session.send("POST", step.path, body)

    def delete(self, part: str) -> None:
        path = fill_path("interactionschemas/{id}", {"id": self.name.schema_id(part)})
        self.session.send("DELETE", path)

    def try_schema(self, part: str, properties: JsonObject) -> str:
        """Create a schema, delete it, and return why it was refused, or nothing."""
        reply = self.create(part, properties)
        if reply.status not in (400, 409, 413, 414, 422):
            self.delete(part)
        return _describe_refusal(reply)


def find_limits(session: TenantSession, name: ProbeName, contact: str) -> dict[str, str]:
    """Return what a tenant accepts, in words, by subject."""
    tenant = _Tenant(session, name, contact)
    limits = {
        f"keyword {keyword}": tenant.try_schema("d", {"step": _TEXT, "value": declaration})
        or "accepted"
        for keyword, declaration in KEYWORDS.items()
    }
    limits["length of a schema id"] = _search(_ID_LENGTHS, _refuse_lengths(tenant))
    limits["number of properties"] = _search(_PROPERTY_COUNTS, _refuse_counts(tenant))
    limits["number of segmentable properties"] = _search(
        _SEGMENTABLE_COUNTS, _refuse_segmentable(tenant)
    )
    limits["length of a text"] = _find_text_length(tenant)
    limits["changed contacts"] = _count_changes(tenant)
    return limits


def _count_changes(tenant: _Tenant) -> str:
    """List all contacts that were ever created. Only their number is used."""
    window = "fromDate=2000-01-01T00:00:00Z&toDate=2100-01-01T00:00:00Z"
    reply = tenant.session.send("GET", f"contacts/changes?changeType=Created&{window}")
    refusal = _describe_refusal(reply)
    return refusal or f"at least {reply.body.count(b',') + 1}"


def _refuse_lengths(tenant: _Tenant) -> Iterator[str]:
    prefix = len(tenant.name.schema_id("d"))
    for length in _ID_LENGTHS:
        yield tenant.try_schema("d" + "x" * (length - prefix), {"step": _TEXT})


def _refuse_counts(tenant: _Tenant) -> Iterator[str]:
    for number in _PROPERTY_COUNTS:
        more: JsonObject = {f"property{index}": _TEXT for index in range(number - 1)}
        yield tenant.try_schema("d", {"step": _TEXT, **more})


def _refuse_segmentable(tenant: _Tenant) -> Iterator[str]:
    declaration: JsonObject = {"type": "string", "addToSegmentation": "true"}
    for number in _SEGMENTABLE_COUNTS:
        more: JsonObject = {f"property{index}": declaration for index in range(number)}
        yield tenant.try_schema("d", {"step": _TEXT, **more})


def _find_text_length(tenant: _Tenant) -> str:
    """Store texts of growing length, and read each back."""
    if not tenant.create("d", {"step": _TEXT}).is_success:
        return "no schema could be created"
    limit = _search(_TEXT_LENGTHS, _refuse_texts(tenant))
    tenant.delete("d")
    return limit


def _refuse_texts(tenant: _Tenant) -> Iterator[str]:
    for length in _TEXT_LENGTHS:
        text = "x" * length
        body: JsonObject = {
            "contactId": tenant.contact,
            "schemaId": tenant.name.schema_id("d"),
            "payload": {"step": text},
        }
        reply = tenant.session.send("POST", "interactions", body)
        refusal = _describe_refusal(reply)
        if not refusal:
            stored = _read_member(reply, "id")
            read = tenant.session.send("GET", fill_path("interactions/{id}", {"id": str(stored)}))
            payload = _read_member(read, "payload")
            is_same = isinstance(payload, dict) and payload.get("step") == text
            refusal = "" if is_same else "accepted, but not what comes back"
        yield refusal


def _search(sizes: tuple[int, ...], refusals: Iterator[str]) -> str:
    """Return the largest size that is accepted, and why the next one is not."""
    accepted = 0
    for size, refusal in zip(sizes, refusals, strict=False):
        if refusal:
            start = f"{accepted} accepted, " if accepted else ""
            return f"{start}{size} {refusal}"
        accepted = size
    return f"at least {accepted}"


def _describe_refusal(reply: Reply) -> str:
    if reply.problem:
        return f"without an answer: {reply.problem.message}"
    return "" if reply.is_success else f"refused with {reply.status}"


def _read_member(reply: Reply, name: str) -> Json:
    try:
        value = loads(reply.body.decode("utf-8-sig"))
    except (JsonError, UnicodeDecodeError):
        return None
    return value.get(name) if isinstance(value, dict) else None
