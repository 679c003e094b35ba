"""The JSON on the wire, for answers and for /openapi.json.

Requests are described by `SchemaRequest` and `InteractionRequest` but are not read with them:
`wire` and the rules do that, more strictly than pydantic would, and with the API's own errors.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel


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
    rel: Literal["next"]


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


class MessageDetails(_Model):
    reasons: list[str]


class Error(_Model):
    error_code: str
    message: str
    message_details: MessageDetails


class Contact(_Model):
    id: str
    name: str


class DroppedProperty(_Model):
    """A property that only blob storage has."""

    name: str
    value: JsonValue
    reason: str


class Lost(_Model):
    """A POST of an interaction that was refused, or stored without some of its properties."""

    arrived: str
    outcome: Literal["refused", "dropped"]
    interaction_id: str | None = Field(description="Null if refused")
    error_code: str | None = Field(description="Null if stored")
    reasons: list[str]
    dropped: list[DroppedProperty]
    body: str
