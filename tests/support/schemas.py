"""Random schemas, pairs of them, and an independent validator."""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import jsonschema_rs

from engage_codegen.compat import Change, compare
from engage_codegen.model.constraints import CHECKED_FORMATS
from engage_codegen.schema.envelope import Dialect, Schema
from engage_codegen.schema.jsontext import Json

JsonDict = dict[str, Any]

TEXT, WHEN, LIST = {"type": "string"}, {"type": "string", "format": "date-time"}, {"type": "array"}
PATTERNS = r"^[a-z]+$ ^[A-Z]{2}[0-9]{3}$ a ^(a|b1)*$ [0-9] ^\S.*$ ^.{2,4}$ .*".split()
TEXTS = [
    *("", "a", "b", "z", "A", "0", "7", " ", "a b", "\u00e9", "ab", "b1", "b1a", "AB123", "QQ000"),
    *(text * length for length in range(2, 11) for text in ("a", "1", " x")),
]
NUMBERS = [
    *(*range(-12, 25), *(number / 4 for number in range(-41, 43, 2))),
    *(0.1, 0.2, 0.3, -0.1, 1.1, 4.9, 5.001, 99, 100, 2**53, 10**16, 1e300),
]
LIMITS = [*NUMBERS[8:25], *NUMBERS[45:70:3], 0.1, 99.9, 1e16]
CHOICES: list[Json] = ["a", "b", "ab", "", 0, 1, 2.0, 0.5, True, False, None]
KEYWORDS: dict[str, dict[str, list[Any]]] = {
    "": {"displayName": ["One", "Two"], "const": CHOICES, "enum": [CHOICES[:3], CHOICES[4:], [2]]},
    "string": {
        "minLength": [0, 1, 2, 3, 5, 10, 26],
        "maxLength": [0, 1, 2, 3, 5, 8, 25, 36, 40],
        "pattern": PATTERNS,
        "format": [*CHECKED_FORMATS, "phone"],
        "examples": [[text] for text in TEXTS],
    },
    "number": {
        **dict.fromkeys("minimum maximum exclusiveMinimum exclusiveMaximum".split(), LIMITS),
        "multipleOf": [1, 2, 3, 4, 0.5, 0.25, 0.1, 1.5],
    },
}


def random_property(random: Random, dialect: Dialect) -> JsonDict:
    name = random.choice(["string", "string", "integer", "number", "boolean"])
    value: JsonDict = {"type": name}
    if dialect == "engage":
        value |= random.choice([{}, {"displayName": "One"}, {"displayName": "Two"}])
        return value | random.choice([{}, {"format": "date-time"} if name == "string" else {}])
    if random.random() < 0.2:
        value["type"] = sorted({name, *random.sample(["null", "string", "number", "boolean"], 2)})
    keywords = KEYWORDS[""] | KEYWORDS.get("number" if name == "integer" else name, {})
    for keyword in random.sample(sorted(keywords), random.choice([0, 1, 1, 2, 3])):
        value[keyword] = random.choice(keywords[keyword])
    for keyword in ("format", "type") if {"enum", "const"} & value.keys() else ():
        value.pop(keyword, None)
    return value


def random_object_rule(random: Random) -> JsonDict:
    """A limit of several properties together."""
    keyword = random.choice(["minProperties", "maxProperties", "dependentRequired"])
    dependent = {name: random.sample("abcdz", random.randint(0, 2)) for name in "abc"}
    return {keyword: dependent if keyword == "dependentRequired" else random.randint(0, 4)}


def random_body(random: Random, dialect: Dialect) -> JsonDict:
    names = random.sample("abcd", random.randint(0, 4))
    properties = {name: random_property(random, dialect) for name in names}
    required = [name for name in properties if random.random() < 0.3]
    has_rule = dialect != "engage" and random.random() < 0.3
    rule = random_object_rule(random) if has_rule else {}
    return {"type": "object", "properties": properties, "required": required, **rule}


def mutate(random: Random, original: JsonDict, dialect: Dialect) -> JsonDict:
    """The same schema with one or two things changed."""
    body = deepcopy(original)
    properties: dict[str, JsonDict] = body["properties"]
    for _ in range(random.choice([1, 1, 2])):
        name = random.choice(sorted(properties) or ["a"])
        action = random.choice("drop rename add require object change change change".split())
        if action == "object" and dialect != "engage":
            body |= random_object_rule(random)
        elif action == "add" or name not in properties:
            properties[random.choice("abcde")] = random_property(random, dialect)
        elif action == "require":
            body["required"] = sorted({*body["required"]} ^ {name})
        elif action in ("drop", "rename"):
            value = properties.pop(name)
            if action == "rename":
                properties["e"] = value
                required = {"e" if other == name else other for other in body["required"]}
                body["required"] = sorted(required)
        else:
            other = random_property(random, dialect)
            keyword = random.choice(sorted({*properties[name], *other}))
            properties[name].pop(keyword, None)
            properties[name] |= {keyword: other[keyword]} if keyword in other else {}
    body["required"] = [name for name in body["required"] if name in properties]
    return body


def random_pair(random: Random, dialect: Dialect) -> tuple[JsonDict, JsonDict]:
    ours, theirs = random_body(random, dialect), random_body(random, dialect)
    return ours, theirs if random.random() < 0.15 else mutate(random, ours, dialect)


def schema(body: Any, title: str = "S", id_: str = "s") -> Schema:
    return Schema(id_, title, body, "test")


def validator(body: JsonDict) -> Callable[[Json], bool]:
    return jsonschema_rs.validator_for(
        {**body, "additionalProperties": False},
        validate_formats=True,
        email_options=jsonschema_rs.EmailOptions(allow_display_text=False),
    ).is_valid


def flat(properties: JsonDict, required: str = "", **keywords: Any) -> JsonDict:
    return {"type": "object", "properties": properties, "required": list(required), **keywords}


def compare_bodies(
    ours: JsonDict, theirs: JsonDict, dialect: Dialect = "json-schema"
) -> list[Change]:
    return compare({"s": schema(ours)}, {"s": schema(theirs)}, dialect)
