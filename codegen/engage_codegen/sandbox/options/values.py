"""The values of the options: the possible answers to the open questions about the platform."""

from enum import StrEnum


class BrokenInteraction(StrEnum):
    """The answer to an interaction that breaks its schema."""

    REJECT = "reject"
    IGNORE = "ignore"
    IGNORE_WITHOUT_ID = "ignore-without-id"


class IllTypedProperty(StrEnum):
    """The treatment of a property with the wrong type or format."""

    DROP = "drop"
    BREAK = "break"


class ReadBack(StrEnum):
    """The payload that GET returns for an interaction with dropped properties."""

    ACCEPTED = "accepted"
    EVERYTHING = "everything"


class WarnOrReject(StrEnum):
    """The treatment of unusual input that the documentation does not forbid."""

    WARN = "warn"
    REJECT = "reject"


class OtherKeywords(StrEnum):
    """The treatment of a schema with other JSON Schema keywords on a property."""

    REJECT = "reject"
    ACCEPT = "accept"


class ListOrder(StrEnum):
    """The order of a list of interactions."""

    NEWEST_FIRST = "newest-first"
    SHUFFLED = "shuffled"


class AutomationTrigger(StrEnum):
    """The meaning of "received for the first time" in the triggers of automations."""

    EACH_ARRIVAL = "each-arrival"
    FIRST_PER_CONTACT = "first-per-contact"


class DatePrecision(StrEnum):
    """The precision of the dates in responses."""

    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    ROUNDED_SECONDS = "rounded-seconds"
    SQL_DATETIME = "sql-datetime"
    TICKS = "ticks"


class DateOffset(StrEnum):
    """The offset of the dates in responses."""

    Z = "Z"
    UTC = "+00:00"
    EAST = "+02:00"
    NONE = "none"


class PayloadFormat(StrEnum):
    """The payload in responses, compared with the one that was stored."""

    AS_STORED = "as-stored"
    DATES = "dates"
    TRIMMED = "trimmed"
    DECIMALS = "decimals"
    NUMBERS_AS_TEXT = "numbers-as-text"
    NULLS = "nulls"
    ADDITION = "addition"


class RepeatedItems(StrEnum):
    """The interactions that a list has twice."""

    NONE = "none"
    SAME_PAGE = "same-page"
    NEXT_PAGE = "next-page"


class LinkFormat(StrEnum):
    """The place and the form of the links in a list."""

    LIST = "list"
    REL_LISTS = "rel-lists"
    OBJECT = "object"
    HTML_ESCAPED = "html-escaped"
    TOKEN = "token"  # noqa: S105  # nosec B105
    NONE = "none"


class OtherLinks(StrEnum):
    """The links beside the one to the next page."""

    NONE = "none"
    LOWER_CASE = "lower-case"
    CAPITALIZED = "capitalized"


class ShortContactId(StrEnum):
    """The treatment of a short GUID as a contactId."""

    REJECT = "reject"
    ACCEPT = "accept"


class DeletedContactInteractions(StrEnum):
    """The treatment of the interactions of a contact that is deleted."""

    KEEP = "keep"
    DELETE = "delete"


class ErrorBody(StrEnum):
    """The body of an error."""

    ENGAGE = "engage"
    VALIDATION_ERRORS = "validation-errors"
    PROBLEM_DETAILS = "problem-details"
    MESSAGE = "message"


class ContactErrors(StrEnum):
    """The answer to a search for a contact by a value without the right format."""

    DOCUMENTED = "documented"
    NOT_FOUND = "not-found"
