"""Options: one for each question about the platform that nobody could answer.

The description of an option says what is documented, if anything. Everything else, including the
default, is our guess. The table in `docs/sandbox.md` repeats these descriptions.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from engage_codegen.sandbox.options.values import (
    AutomationTrigger,
    BrokenInteraction,
    ContactErrors,
    DateOffset,
    DatePrecision,
    DeletedContactInteractions,
    ErrorBody,
    IllTypedProperty,
    LinkFormat,
    ListOrder,
    OtherKeywords,
    OtherLinks,
    PayloadFormat,
    ReadBack,
    RepeatedItems,
    ShortContactId,
    WarnOrReject,
)

__all__ = [
    "DOCUMENTED",
    "AutomationTrigger",
    "BrokenInteraction",
    "ContactErrors",
    "DateOffset",
    "DatePrecision",
    "DeletedContactInteractions",
    "ErrorBody",
    "IllTypedProperty",
    "LinkFormat",
    "ListOrder",
    "Options",
    "OtherKeywords",
    "OtherLinks",
    "PayloadFormat",
    "ReadBack",
    "RepeatedItems",
    "ShortContactId",
    "WarnOrReject",
]


class Options(BaseModel):
    """The behavior of the platform where it is unknown, and its limits."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    broken_interaction: BrokenInteraction = Field(
        default=BrokenInteraction.REJECT,
        description="The answer to an interaction that breaks its schema: 400 with reasons, "
        "success with an id although nothing is stored, or success without an id. Documented: the "
        "interaction is ignored, and an id is returned only if it is accepted. The status is not "
        "documented.",
    )
    ill_typed_property: IllTypedProperty = Field(
        default=IllTypedProperty.DROP,
        description="A property with the wrong type or format is dropped, or breaks the "
        "interaction. Documented: the property is dropped and kept in blob storage.",
    )
    read_back: ReadBack = Field(
        default=ReadBack.ACCEPTED,
        description="The payload that GET returns for an interaction with dropped properties: the "
        "accepted properties only, or everything.",
    )
    create_status: Literal[200, 201] = Field(
        default=200, description="The status of a successful create."
    )
    delete_status: Literal[200, 204] = Field(
        default=200, description="The status of a successful delete."
    )
    other_keywords: OtherKeywords = Field(
        default=OtherKeywords.REJECT,
        description="JSON Schema keywords other than type and format on a property, such as enum "
        "or maximum. A `pattern` with look-around or a reference to a group, and "
        "`patternProperties`, are rejected nevertheless.",
    )
    list_lag_seconds: float = Field(
        default=0.0,
        ge=0,
        le=86_400,
        description="The delay until a stored interaction appears in the list, in seconds.",
    )
    date_precision: DatePrecision = Field(
        default=DatePrecision.MILLISECONDS,
        description="The precision of createdDate in responses. Fractions are cut off, or rounded "
        "to the nearest second. The dates of sql-datetime have steps of 1/300 second, those of "
        "ticks seven digits.",
    )
    date_offset: DateOffset = Field(
        default=DateOffset.Z,
        description="The offset of createdDate in responses. The time is the same; without an "
        "offset it is in UTC.",
    )
    payload_format: PayloadFormat = Field(
        default=PayloadFormat.AS_STORED,
        description="The payload in responses: with its dates in the form of createdDate, without "
        "spaces around its texts, with 2.0 for 2, with numbers as texts, with null for each "
        "declared property that is missing, or with a property that the platform adds.",
    )
    non_string_attributes: WarnOrReject = Field(
        default=WarnOrReject.WARN,
        description="Booleans and numbers as the values of attributes such as showInContactCard. "
        "All real samples have strings.",
    )
    list_order: ListOrder = Field(
        default=ListOrder.NEWEST_FIRST, description="The order of a list of interactions."
    )
    next_rel: str = Field(
        default="next",
        min_length=1,
        max_length=40,
        description="The rel of the link to the next page.",
    )
    other_links: OtherLinks = Field(
        default=OtherLinks.NONE,
        description="Links to this, the first, the previous and the last page before the link to "
        "the next one: self, current, first, prev and last, or Self and so on.",
    )
    link_format: LinkFormat = Field(
        default=LinkFormat.LIST,
        description="The links of a list: with a text or a list as rel, an object with each rel as "
        "a name, with `&amp;` for `&` in each href, no links but the token as a member of the "
        "page, or neither.",
    )
    capitalized_token: bool = Field(
        default=False,
        description="Whether the token is called `Continuation`, in links and as a member of the "
        "page. Requests can always use both names.",
    )
    repeated_items: RepeatedItems = Field(
        default=RepeatedItems.NONE,
        description="The interactions that a list has twice: none, each one in a row, or the last "
        "one of a page also as the first one of the next page.",
    )
    odd_created_date: WarnOrReject = Field(
        default=WarnOrReject.WARN,
        description="A createdDate without an offset, or in the future. A createdDate that is not "
        "a date is always refused with 400.",
    )
    automation_trigger: AutomationTrigger = Field(
        default=AutomationTrigger.EACH_ARRIVAL,
        description="An automation runs for each interaction that arrives, or only for the first "
        "one of each contact. Documented: for an interaction that is received for the first time.",
    )
    feature_enabled: bool = Field(
        default=True,
        description="If false, interactions are not enabled for the tenant, and every request is "
        "refused with 403, except those to the endpoints of contacts.",
    )
    short_contact_id: ShortContactId = Field(
        default=ShortContactId.REJECT,
        description="A short GUID where a contactId is expected: an unknown contact, or the "
        "contact that it stands for. Its form is our guess: the 16 bytes of the GUID, in the order "
        "of RFC 9562 or of .NET, as 22 characters of base64url.",
    )
    deleted_contact_interactions: DeletedContactInteractions = Field(
        default=DeletedContactInteractions.KEEP,
        description="The interactions of a contact that is deleted: kept, so that they can still "
        "be read, or deleted with it. Documented: the personal data of the contact is erased, and "
        "its GUID is kept.",
    )
    custom_key_enabled: bool = Field(
        default=True,
        description="If false, the custom key is not set up for the tenant, and a search by it is "
        "answered with 500 InvalidSystemConfiguration.",
    )
    max_changed_contacts: int = Field(
        default=250_000,
        ge=0,
        le=1_000_000,
        description="The number of changed contacts above which the answer is 400. Documented: "
        "250,000.",
    )
    rate_limit: int = Field(
        default=200,
        ge=0,
        le=1_000_000,
        description="The requests per second and key above which the answer is 429; 0 means no "
        "limit. Documented: 200.",
    )
    validation_status: Literal[400, 422] = Field(
        default=400,
        description="The status for a schema or an interaction that is invalid. Elsewhere, the "
        "same API answers 422.",
    )
    unknown_contact_status: Literal[400, 404, 422] = Field(
        default=404,
        description="The status for an interaction, or a list of them, whose contact does not "
        "exist. That of the endpoints of contacts is 404 (documented).",
    )
    duplicate_schema_status: Literal[400, 409, 422] = Field(
        default=409, description="The status for a schema whose id is already used."
    )
    error_body: ErrorBody = Field(
        default=ErrorBody.ENGAGE,
        description="The body of an error: errorCode, message and messageDetails; a list "
        "validationErrors with an errorDescription for each reason; the type, title, status and "
        "detail of RFC 9457; or a message alone.",
    )
    contact_errors: ContactErrors = Field(
        default=ContactErrors.DOCUMENTED,
        description="The answer to a search for a contact by a value that does not have the format "
        "of its parameter: 400 with an error code of its own, or 404 as for an unknown contact. "
        "Documented: 400.",
    )


DOCUMENTED = {
    "ill-typed-property": "drop",
    "contact-errors": "documented",
    "max-changed-contacts": 250_000,
    "rate-limit": 200,
}
"""Option -> the value that the vendor's documentation gives it. The others are our guess."""
