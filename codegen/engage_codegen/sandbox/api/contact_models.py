"""The parameters and response bodies of the endpoints of contacts."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import ConfigDict
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from engage_codegen.sandbox.openapi import CamelModel, DateTime, omit_defaults
from engage_codegen.sandbox.store.contact_keys import (
    EMAIL_PATTERN,
    PHONE_PATTERN,
    SOCIAL_SECURITY_PATTERN,
)
from engage_codegen.sandbox.store.contacts import StoredContact

_SEEDED_CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"

ChangeName = Literal["Created", "Updated", "Deleted"]


def _describe(**members: str) -> JsonDict:
    """Describe a rule without enforcing it: the rules of the API raise errors of their own."""
    return {**members}


EmailParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(
        description="Compared without case",
        json_schema_extra=_describe(pattern=EMAIL_PATTERN),
        examples=["test.contact.1@example.com"],
    ),
]
PhoneParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(
        alias="mobilePhone",
        description="Compared with the country code, 46 by default, and without separators",
        json_schema_extra=_describe(pattern=PHONE_PATTERN),
        examples=["+46701740605"],
    ),
]
SocialSecurityParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(
        alias="socialSecurityNumber",
        description="A Swedish number; the last ten digits are compared",
        json_schema_extra=_describe(pattern=SOCIAL_SECURITY_PATTERN),
        examples=["18000101-0001"],
    ),
]
CustomKeyParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(
        alias="customKey",
        description="A member number or an external id, compared as it is",
        json_schema_extra=_describe(pattern=r"\S"),
        examples=["M-10001"],
    ),
]
AnyParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(
        alias="any",
        description="An e-mail address, social security number, phone number or custom key: the "
        "first of them whose format fits, also if no contact has it",
        json_schema_extra=_describe(pattern=r"\S"),
        examples=["test.contact.1@example.com"],
    ),
]
ContactTypeParameter = Annotated[
    str | SkipJsonSchema[None],
    Query(
        alias="contactType",
        description="Member, Contact, or a type that a contact of the tenant has",
        examples=["Member"],
    ),
]
ContactIdParameter = Annotated[str, Path(examples=[_SEEDED_CONTACT])]
ChangeParameter = Annotated[ChangeName, Query(alias="changeType", examples=["Created"])]
FromParameter = Annotated[
    DateTime,
    Query(alias="fromDate", description="Inclusive", examples=["2020-01-01T00:00:00Z"]),
]
ToParameter = Annotated[
    DateTime,
    Query(alias="toDate", description="Exclusive", examples=["2030-01-01T00:00:00Z"]),
]


class ContactMeta(CamelModel):
    """What the platform says about a contact."""

    contact_type: str


class ContactDetails(CamelModel):
    """A contact, with the fields that are set."""

    model_config = ConfigDict(json_schema_extra=omit_defaults)

    id: str
    meta: ContactMeta
    name: str | SkipJsonSchema[None] = None
    email: str | SkipJsonSchema[None] = None
    mobile_phone: str | SkipJsonSchema[None] = None
    social_security_number: str | SkipJsonSchema[None] = None
    custom_key: str | SkipJsonSchema[None] = None

    @classmethod
    def describe(cls, contact: StoredContact) -> "ContactDetails":
        """Build the details of a stored contact."""
        return cls(
            id=contact.id,
            meta=ContactMeta(contact_type=contact.contact_type),
            name=contact.name or None,
            email=contact.email,
            mobile_phone=contact.mobile_phone,
            social_security_number=contact.social_security_number,
            custom_key=contact.custom_key,
        )
