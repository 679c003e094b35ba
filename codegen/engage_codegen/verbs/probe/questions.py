"""The questions of a probe: one for each option, and how its answer is read.

A reader returns a value only if that value alone predicts the answers. Everything else is reported.
"""

from dataclasses import dataclass

from .readings import dates, errors, fates, lists, payloads
from .readings.reading import (
    Observations,
    Reader,
    Reading,
    Value,
    hidden,
    observed,
    skipped,
    unexplained,
)


@dataclass(frozen=True, slots=True)
class Question:
    """An option, the question that it answers, the sandbox's assumption, and the reader."""

    option: str
    text: str
    assumed: Value
    read: Reader


def _skip(text: str) -> Reader:
    return lambda _observations: skipped(text)


QUESTIONS = (
    Question("feature-enabled", "Are interactions enabled?", True, errors.read_feature),
    Question("contact-errors", "How do searches for a contact fail?", "documented",
             errors.read_contact_errors),
    Question("custom-key-enabled", "Can contacts be found by a custom key?", True,
             errors.read_custom_key),
    Question("error-body", "Which members does an error have?", "engage", errors.read_error_body),
    Question("create-status", "What is a create answered with?", 200, errors.read_create_status),
    Question("delete-status", "What is a delete answered with?", 200, errors.read_delete_status),
    Question("validation-status", "What is something invalid answered with?", 400,
             errors.read_validation_status),
    Question("duplicate-schema-status", "What is a used schema id answered with?", 409,
             errors.read_duplicate_schema),
    Question("unknown-contact-status", "What is an unknown contact answered with?", 404,
             errors.read_unknown_contact),
    Question("non-string-attributes", "Are booleans accepted as attributes?", "warn",
             errors.read_attributes),
    Question("other-keywords", "Are enum, bounds and patterns accepted?", "reject",
             errors.read_keywords),
    Question("broken-interaction", "What is a missing required property answered with?", "reject",
             fates.read_broken),
    Question("odd-created-date", "Is a createdDate without an offset, or in the future, accepted?",
             "warn", fates.read_odd_dates),
    Question("short-contact-id", "Does a short GUID stand for its contact?", "reject",
             fates.read_short_ids),
    Question("date-precision", "How precise are dates?", "milliseconds", dates.read_precision),
    Question("date-offset", "Which offset do dates have?", "Z", dates.read_offset),
    Question("read-back", "Does an undeclared property come back?", "accepted",
             payloads.read_read_back),
    Question("payload-format", "In which form does a payload come back?", "as-stored",
             payloads.read_payload_format),
    Question("ill-typed-property", "What becomes of a property of a wrong type or format?", "drop",
             payloads.read_ill_typed),
    Question("list-lag-seconds", "How late is the list, in seconds?", 0.0, lists.read_lag),
    Question("list-order", "In which order is the list?", "newest-first", lists.read_order),
    Question("repeated-items", "Which interactions are listed twice?", "none", lists.read_repeated),
    Question("link-format", "How are links written?", "list", lists.read_link_format),
    Question("other-links", "Which links are beside that to the next page?", "none",
             lists.read_other_links),
    Question("next-rel", "What is the rel of the next page?", "next", lists.read_next_rel),
    Question("capitalized-token", "Is the token called Continuation?", False,
             lists.read_token_name),
    Question("automation-trigger", "Does each interaction start an automation?", "each-arrival",
             _skip("no request shows the runs of automations; --automations asks you")),
    Question("deleted-contact-interactions", "What becomes of a deleted contact's interactions?",
             "keep", _skip("a probe deletes no contact")),
    Question("max-changed-contacts", "How many changed contacts can be listed?", 250_000,
             _skip("only a tenant with more contacts shows it; --limits gives a bound")),
    Question("rate-limit", "How many requests a second are accepted?", 200,
             _skip("only --rate-limit asks")),
)  # fmt: skip
"""In this order: later readers use the values of earlier ones."""

_WITHOUT_SCHEMAS = ("feature-enabled", "contact-errors", "custom-key-enabled", "error-body")


def read_answers(observations: Observations) -> dict[str, Reading]:
    """Return the reading of every option."""
    readings: dict[str, Reading] = {}
    is_enabled = True
    for question in QUESTIONS:
        option = question.option
        if not is_enabled and option not in _WITHOUT_SCHEMAS:
            reading = hidden("interactions are not enabled")
        else:
            reading = _read(question, observations)
        if option == "feature-enabled":
            is_enabled = reading.value is not False
        observations.values[option] = reading.value
        readings[option] = reading
    return readings


def read_automation_runs(runs: int) -> Reading:
    """Read how often an automation ran for the contact, which got many interactions."""
    if runs == 0:
        return hidden("no automation ran")
    return observed("first-per-contact" if runs == 1 else "each-arrival")


def _read(question: Question, observations: Observations) -> Reading:
    """Read an answer. One that a reader cannot even take apart is unexplained."""
    try:
        return question.read(observations)
    except (KeyError, TypeError, ValueError) as error:
        return unexplained(f"the answers cannot be read: {type(error).__name__}: {error}")
