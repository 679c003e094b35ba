"""The request and response bodies of the interactions API, for its routes and `/openapi.json`.

`SchemaRequest` and `InteractionRequest` only describe request bodies. `request_body` and the rules
read them, because they are stricter than pydantic and raise the errors of the API.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engage_codegen.sandbox.openapi import (
    AnyObject,
    CamelModel,
    DateTime,
    describe_errors,
    omit_defaults,
)

_SEEDED_CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
_SEEDED_SCHEMA = "Reuse-Spring-2023"


class SchemaSummary(CamelModel):
    """An interaction schema in the list."""

    id: str
    display_name: str = Field(description="Shown in the user interface")


class InteractionSchema(SchemaSummary):
    """An interaction schema."""

    json_schema: AnyObject = Field(description="As in the request that created it")


class Declaration(CamelModel):
    """The declaration of a property. The attributes are strings in all real samples."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=omit_defaults)

    type: Literal["string", "number", "integer", "boolean"]
    format: str = Field(default="", description="Only date-time is known to be in use")
    display_name: str = ""
    show_in_contact_card: Literal["true", "false"] | bool = "false"
    add_to_segmentation: Literal["true", "false"] | bool = Field(
        default="false", description="At most 6 properties of a schema may have it"
    )
    sort_order: Annotated[str, Field(pattern="^-?[0-9]+$")] | int = "0"


class JsonSchema(BaseModel):
    """The JSON schema of an interaction. Required properties must be declared."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=omit_defaults)

    dialect: Literal["https://json-schema.org/draft/2020-12/schema"] = Field(alias="$schema")
    type: Literal["object"]
    properties: dict[str, Declaration]
    required: list[str] = Field(default=[], json_schema_extra={"uniqueItems": True})


class SchemaRequest(CamelModel):
    """The body of `POST interactionschemas`; other members are ignored."""

    id: str = Field(pattern="^[A-Za-z0-9_-]+$", description="Unique; cannot be changed")
    display_name: str = Field(description="Shown in the user interface")
    json_schema: JsonSchema


class SchemaSelf(CamelModel):
    """The address of a new schema, and when it was created."""

    href: str
    created: DateTime


class SchemaCreated(CamelModel):
    """The answer to a schema that was created."""

    id: str
    self_: SchemaSelf = Field(serialization_alias="self")


class InteractionRequest(CamelModel):
    """The body of `POST interactions`; other members are ignored."""

    model_config = ConfigDict(json_schema_extra=omit_defaults)

    contact_id: str = Field(description="The GUID of the contact", examples=[_SEEDED_CONTACT])
    schema_id: str = Field(examples=[_SEEDED_SCHEMA])
    created_date: DateTime = Field(default="", description="Defaults to the time of arrival")
    payload: AnyObject = Field(
        description="Properties that do not match the schema are dropped without an error",
        examples=[{"name": "jacket", "price": 12.5}],
    )


class Interaction(CamelModel):
    """A stored interaction."""

    id: str
    contact_id: str
    schema_id: str
    created_date: DateTime = Field(description="UTC, with milliseconds: 2023-05-23T11:13:42.074Z")
    payload: AnyObject = Field(description="The accepted properties only")


class Link(CamelModel):
    """A link to the next page."""

    href: str = Field(description="Has the token, URL-encoded, in the query as `continuation`")
    method: Literal["GET"]
    rel: str = Field(description="next, unless the option next-rel says otherwise")


class InteractionPage(CamelModel):
    """A page of interactions."""

    items: list[Interaction]
    links: list[Link] = Field(description="The link to the next page; empty on the last page")


class InteractionSelf(CamelModel):
    """The address of a new interaction, its contact and its date."""

    contact_id: str
    href: str
    created: DateTime = Field(description="The createdDate of the interaction")


class InteractionCreated(CamelModel):
    """The answer to an interaction that was stored, or ignored with an id."""

    id: str
    self_: InteractionSelf = Field(serialization_alias="self")


class NothingCreated(CamelModel):
    """The answer to an interaction that was ignored without an id."""

    model_config = ConfigDict(extra="forbid")


_REFERENCE = "#/components/schemas/{model}"


def describe_create(model: object, *error_statuses: int) -> dict[int | str, dict[str, object]]:
    """Return the `responses` of a create: its other success status and its errors."""
    return {
        201: {"model": model, "description": "Success, if the option create-status is 201"},
        **describe_errors(*error_statuses),
    }


def describe_delete(*error_statuses: int) -> dict[int | str, dict[str, object]]:
    """Return the `responses` of a delete: its other success status and its errors."""
    return {
        204: {"description": "Success, if the option delete-status is 204"},
        **describe_errors(*error_statuses),
    }


def describe_request(model: type[BaseModel]) -> dict[str, object]:
    """Return the `openapi_extra` of a route that reads its request body without pydantic."""
    schema = model.model_json_schema(ref_template=_REFERENCE)
    schema.pop("$defs", None)  # `get_request_components` adds them
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def get_request_components() -> dict[str, JsonValue]:
    """Return the components that the bodies of `describe_request` refer to."""
    components: dict[str, JsonValue] = SchemaRequest.model_json_schema(ref_template=_REFERENCE)[
        "$defs"
    ]
    return components
