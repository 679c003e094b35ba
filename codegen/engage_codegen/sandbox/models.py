"""The JSON on the wire, for answers and for /openapi.json.

Requests are described by `SchemaRequest` and `InteractionRequest` but are not read with them:
`wire` and the rules do that, more strictly than pydantic would, and with the API's own errors.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from engage_codegen.sandbox.faults import Fault


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class SchemaSummary(_Model):
    id: str
    display_name: str


class InteractionSchema(SchemaSummary):
    json_schema: dict[str, JsonValue]


class SchemaRequest(InteractionSchema):
    """The body of `POST interactionschemas`."""


class SchemaSelf(_Model):
    href: str
    created: str


class SchemaCreated(_Model):
    id: str
    self_: SchemaSelf = Field(serialization_alias="self")


class InteractionRequest(_Model):
    """The body of `POST interactions`."""

    contact_id: str = Field(description="The contact's GUID")
    schema_id: str
    created_date: str = Field(
        default_factory=str, description="RFC 3339; the time of arrival if left out"
    )
    payload: dict[str, JsonValue]


class Interaction(_Model):
    id: str
    contact_id: str
    schema_id: str
    created_date: str = Field(description="UTC, to the millisecond: 2023-05-23T11:13:42.074Z")
    payload: dict[str, JsonValue] = Field(description="The accepted properties only")


class Link(_Model):
    href: str
    method: Literal["GET"]
    rel: str = Field(description="next, unless an option says otherwise")


class InteractionPage(_Model):
    items: list[Interaction]
    links: list[Link] = Field(description="The next page, if there is one")


class InteractionSelf(_Model):
    contact_id: str
    href: str
    created: str = Field(description="The interaction's createdDate")


class InteractionCreated(_Model):
    id: str
    self_: InteractionSelf = Field(serialization_alias="self")


class NothingCreated(_Model):
    """What an ignored interaction may be answered with: no id, because nothing was stored."""


class MessageDetails(_Model):
    reasons: list[str]


class Error(_Model):
    error_code: str
    message: str
    message_details: MessageDetails


class Contact(_Model):
    id: str = Field(min_length=1, max_length=200)
    name: str = ""


class DroppedProperty(_Model):
    """A property that only blob storage has."""

    name: str
    value: JsonValue
    reason: str


class ArrivalOut(_Model):
    """A POST of an interaction, and what became of it."""

    number: int
    arrived: str
    outcome: Literal["stored", "dropped", "ignored", "refused"] = Field(
        description="dropped: stored without some of its properties"
    )
    interaction_id: str | None = Field(description="Null if it was not stored")
    error_code: str | None = Field(description="Null unless it was refused")
    reasons: list[str]
    dropped: list[DroppedProperty]
    kept: dict[str, JsonValue] | None = Field(description="The payload that was stored")
    body: str = Field(description="As it came")


class ArrivalPage(_Model):
    items: list[ArrivalOut] = Field(description="Newest first")
    before: int | None = Field(description="Ask for the next page with it; null on the last")


class FaultOut(_Model):
    fault: Fault
    left: int | None = Field(description="How many requests it will still befall; null is all")


class Time(_Model):
    now: str
    frozen: bool


class TimeChange(BaseModel):
    """One of the three; `move` in seconds, forward or back."""

    model_config = ConfigDict(extra="forbid")

    freeze: bool | datetime | None = Field(
        default=None, description="true: at the present moment; or at a moment"
    )
    move: float | None = Field(default=None, ge=-1e9, le=1e9)
    run: bool | None = None


class Key(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200, pattern="^[!-~]+$")


class RequestOut(_Model):
    """One request to the API; no status where no answer was sent."""

    number: int
    arrived: str
    method: str
    path: str
    query: str
    status: int | None
    fault: str | None
