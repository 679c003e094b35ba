"""What docstrings say about schemas and properties."""

import re
from collections.abc import Iterator

from ..schema.contract import Contract, PropertyContract
from ..schema.envelope import Schema
from ..schema.jsontext import Json, JsonObject
from .codecs import FieldType, scalar_literal
from .constraints import Constraints
from .ir import Prose, inline_literal

_PERSONAL_DATA = {
    "direct": "Personal data: identifies a person.",
    "indirect": "Personal data: identifies a person together with other data.",
    "free-text": "Personal data: free text, which can contain anything about a person.",
}

_SPACES = re.compile("[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
"""White space in Unicode. The list is fixed, so that the Unicode version of the running Python does
not change the output."""


NO_CONTRACT = Contract("")
NO_PROPERTY_CONTRACT = PropertyContract({})


def describe_schema(schema: Schema, deprecation: str) -> Prose:
    """Return the docstring of the class of a schema."""
    return _sentences(
        schema.display_name,
        schema.json_schema.get("description"),
        deprecation,
        *_contract_sentences(schema.contract or NO_CONTRACT),
    )


def _contract_sentences(contract: Contract) -> Iterator[str]:
    """Yield sentences about what the people behind a contract agreed on."""
    if contract.purpose:
        yield f"Purpose: {contract.purpose}"
    if contract.owner:
        yield Prose("Owner: ", inline_literal(contract.owner), ".")
    if contract.retention:
        yield f"Retention: {contract.retention}"


def describe_property(
    wire: str,
    name: str,
    value: JsonObject,
    constraints: Constraints,
    type_: FieldType,
    rule: PropertyContract,
) -> Prose:
    """Return the docstring of an attribute."""
    return _sentences(
        _first(value.get("displayName"), value.get("title"), wire),
        value.get("description"),
        type_.codec.note,
        _limit_sentence(constraints) if type_.codec.rule else "",
        f"Format {constraints.unchecked_format} (not checked)."
        if constraints.unchecked_format
        else "",
        "The product that the interaction is about." if wire == "productSku" else "",
        _uses(value),
        f"Deprecated: {rule.deprecated}" if rule.deprecated else "",
        "Deprecated." if value.get("deprecated") is True and not rule.deprecated else "",
        _PERSONAL_DATA.get(rule.personal_data or "none", ""),
        "Read only: Engage sets it." if value.get("readOnly") is True else "",
        "Write only: Engage does not return it." if value.get("writeOnly") is True else "",
        *_value_sentences(value),
        _wire_sentence(wire) if name != wire else "",
    )


def _wire_sentence(wire: str) -> Prose:
    return Prose("Sent as ", inline_literal(wire), ".")


def _limit_sentence(constraints: Constraints) -> str:
    words = {
        "min_length": "length at least {}",
        "max_length": "length at most {}",
        "pattern": "matches the pattern of the schema",
        "format": "in the format {}",
        "minimum": "at least {}",
        "exclusive_minimum": "more than {}",
        "maximum": "at most {}",
        "exclusive_maximum": "less than {}",
        "multiple_of": "a multiple of {}",
    }
    limits = {**constraints.text_limits, **constraints.numeric_limits}
    text = ", ".join(words[name].format(value) for name, value in limits.items())
    return text[:1].upper() + text[1:]


def _value_sentences(value: JsonObject) -> Iterator[str]:
    """Yield sentences about the default and the examples in the schema."""
    default, examples = value.get("default"), value.get("examples")
    if isinstance(default, (str, int, float)):
        yield f"The schema names {scalar_literal(default)} as the default."
    if isinstance(examples, list):
        texts = [scalar_literal(item) for item in examples if isinstance(item, (str, int, float))]
        if texts:
            yield f"For example {', '.join(texts)}."


def _sentences(*parts: Json) -> Prose:
    """Return the texts as sentences on one line, each with a full stop."""
    pieces: list[str] = []
    for part in parts:
        if isinstance(part, Prose):
            sentence = part.pieces
        else:
            text = _SPACES.sub(" ", part).strip(" ") if isinstance(part, str) else ""
            sentence = (text if text[-1] in ".!?…" else f"{text}.",) if text else ()
        pieces += (" " if pieces and sentence else "", *sentence)
    return Prose(*pieces)


def _first(*texts: Json) -> str:
    """Return the first text that is not blank."""
    return next((text for text in texts if isinstance(text, str) and _SPACES.sub("", text)), "")


def _uses(value: JsonObject) -> str:
    """Return where the platform uses the property, as the words of a sentence."""
    uses = {
        "showInContactCard": "shown in the contact card",
        "addToSegmentation": "can be used in segments",
    }
    text = ", ".join(use for flag, use in uses.items() if value.get(flag) in ("true", True))
    return text[:1].upper() + text[1:]
