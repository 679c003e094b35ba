"""The JSON on the wire, for answers and for /openapi.json.

Requests are described by `SchemaRequest` and `InteractionRequest` but are not read with them:
`wire` and the rules do that, more strictly than pydantic would, and with the API's own errors.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema, field_validator
from pydantic.alias_generators import to_camel

from engage_codegen.sandbox.control.faults import Fault
from engage_codegen.sandbox.dates import is_date_time
from engage_codegen.sandbox.options import Options

AnyJson = Annotated[JsonValue, WithJsonSchema({})]
JsonObject = Annotated[
    dict[str, JsonValue], WithJsonSchema({"type": "object", "additionalProperties": True})
]
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]

_SEEDED_CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
_SEEDED_SCHEMA = "Reuse-Spring-2023"


def _without_defaults(schema: dict[str, Any]) -> None:
    """For requests: a generated client would send the defaults of all that was left out."""
    for member in schema["properties"].values():
        member.pop("default", None)


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class SchemaSummary(_Model):
    id: str
    display_name: str = Field(description="Shown in the user interface")


class InteractionSchema(SchemaSummary):
    json_schema: JsonObject = Field(description="As it was created")


class Declaration(_Model):
    """What a schema says of one property; the attributes are strings in every real sample."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    type: Literal["string", "number", "integer", "boolean"]
    format: str = Field(default="", description="Only date-time is known to be in use")
    display_name: str = ""
    show_in_contact_card: Literal["true", "false"] | bool = "false"
    add_to_segmentation: Literal["true", "false"] | bool = Field(
        default="false", description="At most 6 properties of a schema may have it"
    )
    sort_order: Annotated[str, Field(pattern="^-?[0-9]+$")] | int = "0"


class JsonSchema(BaseModel):
    """A property that is required must be declared."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    dialect: Literal["https://json-schema.org/draft/2020-12/schema"] = Field(alias="$schema")
    type: Literal["object"]
    properties: dict[str, Declaration]
    required: list[str] = Field(default=[], json_schema_extra={"uniqueItems": True})


class SchemaRequest(_Model):
    """The body of `POST interactionschemas`; other members are ignored."""

    id: str = Field(pattern="^[A-Za-z0-9_-]+$", description="Unique; it cannot be changed")
    display_name: str = Field(description="Shown in the user interface")
    json_schema: JsonSchema


class SchemaSelf(_Model):
    href: str
    created: Moment


class SchemaCreated(_Model):
    id: str
    self_: SchemaSelf = Field(serialization_alias="self")


class InteractionRequest(_Model):
    """The body of `POST interactions`; other members are ignored."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    contact_id: str = Field(description="The contact's GUID", examples=[_SEEDED_CONTACT])
    schema_id: str = Field(examples=[_SEEDED_SCHEMA])
    created_date: Moment = Field(default="", description="The time of arrival if left out")
    payload: JsonObject = Field(
        description="Properties that do not fit the schema are left out without an error",
        examples=[{"name": "jacket", "price": 12.5}],
    )


class Interaction(_Model):
    id: str
    contact_id: str
    schema_id: str
    created_date: Moment = Field(description="UTC, to the millisecond: 2023-05-23T11:13:42.074Z")
    payload: JsonObject = Field(description="The accepted properties only")


class Link(_Model):
    href: str = Field(description="With the token, URL-encoded, as `continuation`")
    method: Literal["GET"]
    rel: str = Field(description="next, unless an option says otherwise")


class InteractionPage(_Model):
    items: list[Interaction]
    links: list[Link] = Field(description="The next page, if there is one")


class InteractionSelf(_Model):
    contact_id: str
    href: str
    created: Moment = Field(description="The interaction's createdDate")


class InteractionCreated(_Model):
    id: str
    self_: InteractionSelf = Field(serialization_alias="self")


class NothingCreated(_Model):
    """What an ignored interaction may be answered with: no id, because nothing was stored."""

    model_config = ConfigDict(extra="forbid")


class MessageDetails(_Model):
    reasons: list[str]


class Error(_Model):
    """The body of every error, also of those for a path or a method that is not described."""

    error_code: str
    message: str
    message_details: MessageDetails


class Contact(_Model):
    id: str = Field(min_length=1, max_length=200)
    name: str = ""


class DroppedProperty(_Model):
    """A property that only blob storage has."""

    name: str
    value: AnyJson
    reason: str


class ArrivalOut(_Model):
    """A POST of an interaction, and what became of it."""

    number: int
    arrived: Moment
    outcome: Literal["stored", "dropped", "ignored", "refused"] = Field(
        description="dropped: stored without some of its properties"
    )
    interaction_id: str | None = Field(description="Null if it was not stored")
    error_code: str | None = Field(description="Null unless it was refused")
    reasons: list[str]
    dropped: list[DroppedProperty]
    kept: JsonObject | None = Field(description="The payload that was stored")
    body: str = Field(description="As it came")


class ArrivalPage(_Model):
    items: list[ArrivalOut] = Field(description="Newest first")
    before: int | None = Field(description="Ask for the next page with it; null on the last")


class FaultOut(_Model):
    fault: Fault
    left: int | None = Field(description="How many requests it will still befall; null is all")


class OptionsChange(Options):
    """Any of the options; what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class FaultRequest(Fault):
    """A fault to set; for the kind late, `when` is not after."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "properties": {"kind": {"const": "late"}, "when": {"const": "after"}},
                "required": ["kind", "when"],
            }
        }
    )


class Time(_Model):
    now: Moment
    frozen: bool


class TimeChange(BaseModel):
    """One of the three; `move` in seconds, forward or back."""

    model_config = ConfigDict(extra="forbid")

    freeze: bool | datetime | None = Field(
        default=None, description="true: at the present moment; or at a moment"
    )
    move: float | None = Field(default=None, ge=-1e9, le=1e9)
    run: bool | None = None

    @field_validator("freeze", mode="before")
    @classmethod
    def _is_date_time(cls, value: object) -> object:
        if isinstance(value, str) and not is_date_time(value):  # pydantic takes "5" as well
            raise ValueError("a moment is a date-time with an offset")
        return value


class Key(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200, pattern="^[!-~]+$")


class RequestOut(_Model):
    """One request to the API; no status where no answer was sent."""

    number: int
    arrived: Moment
    method: str
    path: str
    query: str
    status: int | None
    fault: str | None


_REFERENCE = "#/components/schemas/{model}"
_ERRORS = {
    400: "MalformedRequest, InvalidSchema, SchemaLimitReached or InvalidInteraction, with reasons",
    401: "InvalidApiKey: the header is missing or wrong",
    403: "FeatureNotEnabled: the tenant does not have interactions",
    404: "ContactNotFound, SchemaNotFound, InteractionNotFound, KeyNotFound, AutomationNotFound",
    409: "DuplicateSchemaId: the id is taken; or ImpossibleSegment, ImpossibleAutomation",
    429: "TooManyRequests: above the rate limit of the key",
    500: "InternalError: under /api also for a body without `Content-Type: application/json`",
}


def errors(*statuses: int) -> dict[int | str, dict[str, object]]:
    """For `responses`: these errors of an endpoint."""
    return {status: {"model": Error, "description": _ERRORS[status]} for status in statuses}


def created(model: object, *statuses: int) -> dict[int | str, dict[str, object]]:
    """The other success of a create, and these errors."""
    return {
        201: {"model": model, "description": "Likewise, if the option create-status says so"},
        **errors(*statuses),
    }


def deleted(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The other success of a delete, and these errors."""
    return {
        204: {"description": "Likewise, if the option delete-status says so"},
        **errors(*statuses),
    }


def request_body(model: type[BaseModel]) -> dict[str, object]:
    """For `openapi_extra`, where an endpoint reads its body itself."""
    schema = model.model_json_schema(ref_template=_REFERENCE)
    schema.pop("$defs", None)  # `request_parts` brings them in
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def request_parts() -> dict[str, JsonValue]:
    """The components to which the bodies of `request_body` refer."""
    parts: dict[str, JsonValue] = SchemaRequest.model_json_schema(ref_template=_REFERENCE)["$defs"]
    return parts
