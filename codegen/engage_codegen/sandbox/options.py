"""What nobody could establish about the platform: each open question is an option.

The description of each says what is documented, if anything; the rest is our guess, the default
included. The table in ``docs/sandbox.md`` is made of these fields.
"""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engage_codegen.errors import ConfigError


class Broken(StrEnum):
    """What becomes of an interaction that breaks its schema."""

    REJECT = "reject"
    IGNORE = "ignore"
    IGNORE_WITHOUT_ID = "ignore-without-id"


class IllTyped(StrEnum):
    """What becomes of a property of the wrong type or format."""

    DROP = "drop"
    BREAK = "break"


class Shown(StrEnum):
    """What is read back of an interaction that lost properties."""

    ACCEPTED = "accepted"
    EVERYTHING = "everything"


class Oddity(StrEnum):
    """What becomes of something odd that the documentation does not forbid."""

    WARN = "warn"
    REJECT = "reject"


class Keywords(StrEnum):
    """What becomes of a schema with other keywords of JSON Schema on a property."""

    REJECT = "reject"
    ACCEPT = "accept"


class Order(StrEnum):
    """The order of a list."""

    NEWEST_FIRST = "newest-first"
    SHUFFLED = "shuffled"


class FirstTime(StrEnum):
    """What it means that an interaction is received for the first time."""

    EACH_ARRIVAL = "each-arrival"
    FIRST_PER_CONTACT = "first-per-contact"


class Precision(StrEnum):
    """How precise the dates are that are given back."""

    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"


class Options(BaseModel):
    """The behaviour of the platform where it is unknown, and its limits."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    broken_interaction: Broken = Field(
        default=Broken.REJECT,
        description="An interaction that breaks its schema is answered with 400 and reasons, or "
        "with success and an id but not stored, or with success and no id. Documented: it is "
        "ignored, and an id comes back only if it is accepted; not the status.",
    )
    ill_typed_property: IllTyped = Field(
        default=IllTyped.DROP,
        description="A property of the wrong type or format is dropped, or breaks the "
        "interaction. Documented: it is left out and kept in blob storage.",
    )
    read_back: Shown = Field(
        default=Shown.ACCEPTED,
        description="What GET returns of an interaction that lost properties: what was accepted, "
        "or everything.",
    )
    create_status: Literal[200, 201] = Field(default=200, description="The status of a create.")
    delete_status: Literal[200, 204] = Field(default=200, description="The status of a delete.")
    other_keywords: Keywords = Field(
        default=Keywords.REJECT,
        description="Keywords of JSON Schema beyond type and format on a property, such as enum "
        "or maximum.",
    )
    list_lag_seconds: float = Field(
        default=0.0,
        ge=0,
        le=86_400,
        description="How long a stored interaction takes to appear in the list.",
    )
    date_precision: Precision = Field(
        default=Precision.MILLISECONDS,
        description="The precision of the createdDate that is given back.",
    )
    non_string_attributes: Oddity = Field(
        default=Oddity.WARN,
        description="Booleans and numbers where all real samples have strings, as in "
        "showInContactCard.",
    )
    list_order: Order = Field(default=Order.NEWEST_FIRST, description="The order of a list.")
    next_rel: str = Field(
        default="next",
        min_length=1,
        max_length=40,
        description="The rel of the link to the next page.",
    )
    odd_created_date: Oddity = Field(
        default=Oddity.WARN,
        description="A createdDate without an offset, or in the future. One that is no date is "
        "always 400.",
    )
    automation_trigger: FirstTime = Field(
        default=FirstTime.EACH_ARRIVAL,
        description="An automation runs for each interaction that arrives, or for the first of "
        "each contact. Documented: for one that is received for the first time.",
    )
    feature_enabled: bool = Field(
        default=True,
        description="Off: the tenant does not have interactions, and everything is 403.",
    )
    rate_limit: int = Field(
        default=200,
        ge=0,
        le=1_000_000,
        description="Requests with one key in any second before 429; 0 for no limit. Documented: "
        "200.",
    )


def options_of(pairs: Iterable[str]) -> Options:
    """From ``name=value`` as on a command line. Raises `ConfigError`."""
    values: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        values[name] = _value(text) if equals else None
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0])
        names = ", ".join(field.alias or "" for field in Options.model_fields.values())
        raise ConfigError(
            f"the option {name!r} cannot be set like that: {problem['msg']}",
            where=f"--option {name}",
            fix=f"the options are {names}",
        ) from None


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
