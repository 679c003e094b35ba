"""Reasons of changes as data: what differs between both sides, in canonical form. Pure.

A reason holds what made the change, and nothing else: no wording, no witness, and nothing about
other properties or schemas. Two sides that differ in another way have another reason, so that a
waiver never accepts more than the change that somebody looked at.

Most reasons are triples of a keyword and its values on this side and on the other side, sorted by
keyword, such as ``("maxLength", "", "5", "type", "string", "integer")``. "" is an absent keyword.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from ..model.constraints import NUMERIC_KEYWORDS, TEXT_KEYWORDS, Constraints
from ..model.dialect import VALIDATING_KEYWORDS
from ..model.jsonvalues import compact_json
from ..schema.jsontext import Json, JsonObject, digest

Reason: TypeAlias = tuple[str, ...]


def canonical_keywords(constraints: Constraints) -> Mapping[str, str]:
    """Return what constraints say: keyword -> canonical text.

    Two properties allow the same values if their canonical keywords are equal.
    """
    types = [*constraints.types, *(["null"] if constraints.nullable else [])]
    keywords = {"type": ",".join(sorted(types))}
    if constraints.choices:
        choices = sorted({compact_json(choice) for choice in constraints.choices})
        keywords["enum"] = f"[{','.join(choices)}]"
    for name, text in constraints.text_limits.items():
        keywords[TEXT_KEYWORDS[name]] = str(text)
    for name, number in constraints.numeric_limits.items():
        keywords[NUMERIC_KEYWORDS[name]] = compact_json(number)
    return keywords


def constraints_reason(ours: Constraints, theirs: Constraints) -> Reason:
    """Return the keywords that differ between the constraints of a property."""
    return _triples(canonical_keywords(ours), canonical_keywords(theirs))


def keywords_reason(ours: JsonObject, theirs: JsonObject, keywords: Iterable[str]) -> Reason:
    """Return those of the keywords that differ between two objects."""
    names = list(keywords)
    first, second = (
        {name: _exact_json(value[name]) for name in names if name in value}
        for value in (ours, theirs)
    )
    return _triples(first, second)


def unjudged_reason(cause: Reason, ours: JsonObject, theirs: JsonObject) -> Reason:
    """Return the reason of a schema that cannot be compared: the problem, and a digest.

    Nothing else in such a schema is compared. Therefore the digest covers all rules that differ,
    so that another difference makes another change.
    """
    first, second = dict(_rules(ours)), dict(_rules(theirs))
    names = sorted(first.keys() | second.keys())
    differences: list[Json] = [
        [*name, first.get(name, ""), second.get(name, "")]
        for name in names
        if first.get(name) != second.get(name)
    ]
    return ("unjudged", *cause, digest(compact_json(differences))[:16])


def _exact_json(value: Json) -> str:
    """Return one line of JSON that tells 2 from 2.0, as the snapshot does."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _triples(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Reason:
    pairs = {key: (ours.get(key, ""), theirs.get(key, "")) for key in {*ours, *theirs}}
    return tuple(
        text
        for key, (first, second) in sorted(pairs.items())
        if first != second
        for text in (key, first, second)
    )


def _rules(body: JsonObject) -> Iterator[tuple[Reason, str]]:
    """Yield each validating keyword of a schema, or each of its members, as canonical text."""
    for keyword in sorted(body.keys() & {"$schema", *VALIDATING_KEYWORDS}):
        value = body[keyword]
        if keyword == "properties" and isinstance(value, dict):
            for name, schema in value.items():
                yield (keyword, name), compact_json(_without_annotations(schema))
        elif keyword == "dependentRequired" and isinstance(value, dict):
            yield from (((keyword, name), compact_json(others)) for name, others in value.items())
        elif keyword == "required" and isinstance(value, list):
            yield from (((keyword, compact_json(name)), "true") for name in value)
        else:
            yield (keyword,), compact_json(value)


def _without_annotations(schema: Json) -> Json:
    if not isinstance(schema, dict):
        return schema
    return {key: value for key, value in schema.items() if key in VALIDATING_KEYWORDS}
