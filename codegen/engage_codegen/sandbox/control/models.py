"""The request and response bodies of the control API under `/_sandbox`."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic.json_schema import SkipJsonSchema

from engage_codegen.sandbox.control.faults import Fault
from engage_codegen.sandbox.dates import is_date_time
from engage_codegen.sandbox.openapi import (
    AnyJson,
    AnyObject,
    BrokenRule,
    CamelModel,
    DateTime,
    MessageDetails,
    omit_defaults,
)
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.store.contact_keys import (
    EMAIL_PATTERN,
    PHONE_PATTERN,
    SOCIAL_SECURITY_PATTERN,
)
from engage_codegen.sandbox.store.contacts import MEMBER, StoredContact
from engage_codegen.sandbox.store.records import Arrival

_Email = Annotated[str, WithJsonSchema({"type": "string", "pattern": EMAIL_PATTERN})]
_Phone = Annotated[str, WithJsonSchema({"type": "string", "pattern": PHONE_PATTERN})]
_SocialSecurity = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": SOCIAL_SECURITY_PATTERN})
]
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class Health(CamelModel):
    """The state of a sandbox that works; any other answer means that it does not."""

    status: Literal["ok"]


class Contact(CamelModel):
    """A contact that interactions can belong to."""

    model_config = ConfigDict(json_schema_extra=omit_defaults)

    id: _Text
    name: str = ""
    email: _Email | SkipJsonSchema[None] = None
    mobile_phone: _Phone | SkipJsonSchema[None] = None
    social_security_number: _SocialSecurity | SkipJsonSchema[None] = None
    custom_key: _Text | SkipJsonSchema[None] = Field(
        default=None, description="A member number or an external id"
    )
    contact_type: _Text = Field(default=MEMBER, description="Member, Contact or any other type")

    @classmethod
    def describe(cls, contact: StoredContact) -> "Contact":
        """Build the body for a stored contact."""
        return cls(
            id=contact.id,
            name=contact.name,
            email=contact.email,
            mobile_phone=contact.mobile_phone,
            social_security_number=contact.social_security_number,
            custom_key=contact.custom_key,
            contact_type=contact.contact_type,
        )

    def to_stored(self) -> StoredContact:
        """Return the contact as the store holds it."""
        return StoredContact(**self.model_dump())


class ContactChange(CamelModel):
    """The fields of a contact to change; null removes a field."""

    model_config = ConfigDict(json_schema_extra=omit_defaults)

    name: str = ""
    email: _Email | None = None
    mobile_phone: _Phone | None = None
    social_security_number: _SocialSecurity | None = None
    custom_key: _Text | None = None
    contact_type: _Text = MEMBER

    def apply(self, contact: StoredContact) -> StoredContact:
        """Return the contact with these changes."""
        return replace(contact, **self.model_dump(exclude_unset=True))


class DroppedPropertyItem(CamelModel):
    """A property that was dropped from an interaction and is in blob storage only."""

    name: str
    value: AnyJson
    rules: list[str] = Field(description="The rules that it breaks: undeclared, type, format, …")
    reason: str = Field(description="The same for people")


class ArrivalItem(CamelModel):
    """A POST of an interaction, and its outcome."""

    number: int
    arrived: DateTime
    outcome: Literal["stored", "dropped", "ignored", "refused"] = Field(
        description="dropped: stored without some of its properties"
    )
    schema_id: str | None = Field(description="Null if the body does not name it")
    contact_id: str | None = Field(description="Null if the body does not name it")
    interaction_id: str | None = Field(description="Null if the interaction was not stored")
    error_code: str | None = Field(description="Null unless the interaction was refused")
    reasons: list[str]
    violations: list[BrokenRule] = Field(description="The rule of each reason, in the same order")
    dropped: list[DroppedPropertyItem]
    payload: AnyObject | None = Field(description="The payload that was stored")
    body: str = Field(
        description="The request body as it arrived. If the interaction was not stored, only the "
        "first 10,000 bytes"
    )
    body_size: int = Field(
        description="The size of the body in bytes, as far as it was read: at most a million"
    )

    @classmethod
    def describe(cls, arrival: Arrival) -> "ArrivalItem":
        """Build the item for a recorded arrival."""
        details = MessageDetails.describe(arrival.violations)
        return cls.model_validate(
            {
                "number": arrival.seq,
                "arrived": arrival.arrived,
                "outcome": arrival.outcome,
                "schemaId": arrival.schema_id,
                "contactId": arrival.contact_id,
                "interactionId": arrival.interaction_id,
                "errorCode": arrival.error_code,
                "reasons": details.reasons,
                "violations": details.violations,
                "dropped": [
                    DroppedPropertyItem(
                        name=dropped.name,
                        value=dropped.value,
                        rules=list(dropped.rules),
                        reason=dropped.reason,
                    )
                    for dropped in arrival.dropped
                ],
                "payload": arrival.stored_payload,
                "body": arrival.body.decode("utf-8", errors="replace"),
                "bodySize": arrival.body_size,
            }
        )


class ArrivalPage(CamelModel):
    """A page of arrivals."""

    items: list[ArrivalItem] = Field(description="Newest first")
    before: int | None = Field(description="The parameter for the next page; null on the last page")


class ActiveFault(CamelModel):
    """A fault, and how many more requests it applies to."""

    fault: Fault
    left: int | None = Field(description="The remaining requests; null means all")


class OptionsChange(Options):
    """The options to change; the others keep their values."""

    model_config = ConfigDict(json_schema_extra=omit_defaults)


class FaultRequest(Fault):
    """A fault to add. The kind late cannot be combined with `when` after."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "properties": {"kind": {"const": "late"}, "when": {"const": "after"}},
                "required": ["kind", "when"],
            }
        }
    )


class ClockTime(CamelModel):
    """The sandbox's current time."""

    now: DateTime
    frozen: bool


class ClockChange(BaseModel):
    """A change of the clock: pass one of the three members."""

    model_config = ConfigDict(extra="forbid")

    freeze: bool | datetime | None = Field(
        default=None,
        description="true stops the clock at the current time, a date-time at that one",
    )
    move: float | None = Field(
        default=None, ge=-1e9, le=1e9, description="Seconds, forward or back"
    )
    run: bool | None = Field(default=None, description="true lets a frozen clock run on")

    @field_validator("freeze", mode="before")
    @classmethod
    def _require_date_time(cls, value: object) -> object:
        if isinstance(value, str) and not is_date_time(value):  # pydantic accepts "5" as well
            raise ValueError("must be a date-time with an offset")
        return value


class ApiKey(BaseModel):
    """A key that the API accepts."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200, pattern="^[!-~]+$")


class LoggedRequestItem(CamelModel):
    """A request to the API."""

    number: int
    arrived: DateTime
    method: str
    path: str
    query: str
    status: int | None = Field(description="Null if no response was sent")
    fault: str | None = Field(description="The kind of the fault that applied to the request")
