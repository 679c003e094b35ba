"""The request and response bodies of the marketing API under `/_sandbox`."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from engage_codegen.sandbox.marketing import automations, contact_cards, segments
from engage_codegen.sandbox.openapi import AnyJson, CamelModel, DateTime

MAX_INTEGER = 2**53


class _Strict(CamelModel):
    model_config = ConfigDict(extra="forbid")


class CardPropertyItem(_Strict):
    """A property on a contact card."""

    name: str
    label: str
    value: AnyJson


class CardEntryItem(_Strict):
    """An interaction on a contact card."""

    id: str
    schema_id: str
    title: str
    created_date: DateTime
    properties: list[CardPropertyItem] = Field(description="In the order of the card")
    hidden: list[str] = Field(description="The stored properties that the card does not show")

    @classmethod
    def describe(cls, entry: contact_cards.CardEntry) -> "CardEntryItem":
        """Build the item for an entry of the timeline."""
        return cls(
            id=entry.id,
            schema_id=entry.schema_id,
            title=entry.title,
            created_date=entry.created_date,
            properties=[
                CardPropertyItem(name=shown.name, label=shown.label, value=shown.value)
                for shown in entry.properties
            ],
            hidden=list(entry.hidden),
        )


class CardPage(_Strict):
    """A page of the tab *Interactions* of a contact card."""

    items: list[CardEntryItem] = Field(description="Newest first")
    continuation: str | None = Field(
        description="The token of the next page; null on the last page"
    )


class SegmentCondition(_Strict):
    """The number of interactions of a schema, optionally in a time range and with a value."""

    schema_id: str
    at_least: Annotated[int, Field(ge=0, le=MAX_INTEGER)] | None = Field(
        default=None, description="Defaults to 0 if atMost is set, else to 1"
    )
    at_most: Annotated[int, Field(ge=0, le=MAX_INTEGER)] | None = None
    since: str | None = Field(default=None, description="A date: the earliest createdDate")
    until: str | None = Field(default=None, description="A date: createdDate is earlier than this")
    last_days: Annotated[float, Field(ge=0, le=100_000)] | None = None
    property: str | None = Field(default=None, description="A property with addToSegmentation")
    test: Literal["is", "at-least", "at-most"] = "is"
    value: str | int | float | bool | None = None

    def to_condition(self) -> segments.Condition:
        """Convert the body into a condition of the rules."""
        return segments.Condition(
            schema_id=self.schema_id,
            at_least=self.at_least,
            at_most=self.at_most,
            since=self.since,
            until=self.until,
            last_days=self.last_days,
            property=self.property,
            test=segments.Comparison(self.test),
            value=self.value,
        )


class SegmentRequest(_Strict):
    """The conditions of a segment; its contacts meet all of them."""

    conditions: list[SegmentCondition] = Field(min_length=1, max_length=10)


class Member(_Strict):
    """A contact in a segment."""

    id: str
    name: str


class Month(_Strict):
    """The number of interactions in a month."""

    month: str
    interactions: int


class SegmentResult(_Strict):
    """The size of a segment, a page of its members, and their interactions by month."""

    size: int
    members: list[Member]
    months: list[Month]


class AutomationRequest(_Strict):
    """An automation to add.

    Every interaction triggers an automation without a schema. With a property, only interactions
    with that value do.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    schema_id: str | None = None
    property: str | None = None
    value: AnyJson = None
    url: Annotated[str, StringConstraints(pattern=automations.LOOPBACK_URL)] | None = Field(
        default=None, description="A webhook on the loopback"
    )


class AutomationItem(AutomationRequest):
    """An automation."""

    id: int

    @classmethod
    def describe(cls, automation: automations.Automation) -> "AutomationItem":
        """Build the item for a stored automation."""
        return cls(
            id=automation.id,
            name=automation.name,
            schema_id=automation.schema_id,
            property=automation.property,
            value=automation.value,
            url=automation.url,
        )


class RunItem(_Strict):
    """A run of an automation."""

    id: int
    automation: int
    name: str
    interaction_id: str
    contact_id: str
    schema_id: str
    ran: DateTime
    result: str = Field(description="logged, calling, or the answer of the webhook")

    @classmethod
    def describe(cls, run: automations.Run) -> "RunItem":
        """Build the item for a recorded run."""
        return cls(
            id=run.id,
            automation=run.automation,
            name=run.name,
            interaction_id=run.interaction_id,
            contact_id=run.contact_id,
            schema_id=run.schema_id,
            ran=run.ran,
            result=run.result,
        )
