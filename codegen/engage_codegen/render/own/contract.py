"""The contract of templates: its version, and every attribute that a template can read. Pure.

An addition raises the minor version, anything else the major one, each with a line in `HISTORY`.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from ...errors import TemplateError
from ...model.ir import Field, Import, Package, Record
from ...schema.names import SchemaNames


class Version(NamedTuple):
    """A version of the contract."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Attribute(NamedTuple):
    """An attribute: its type as templates see it, and a sentence about it.

    The types `text` and `texts` are foreign text, which needs a filter. `code` and `name` can be
    printed as they are. The other types are objects, and `flag` is true or false.
    """

    type: str
    text: str


HISTORY: Mapping[Version, str] = {
    Version(1, 0): "the first version",
}
"""Each version, oldest first, and what changed in it."""

CURRENT = max(HISTORY)

PACKAGE: Mapping[str, Attribute] = {
    "records": Attribute("list of record", "The schemas, sorted by id."),
    "has_contracts": Attribute("flag", "True if a schema has a contract."),
    "contract_header": Attribute("code", "The columns of `INDEX.md` that contracts fill."),
    "contract_rule": Attribute("code", "The line below these columns."),
}
RECORD: Mapping[str, Attribute] = {
    "schema_id": Attribute("code", "The id of the schema: ASCII letters, digits, `_` and `-`."),
    "names": Attribute("names", "The names in Python."),
    "title": Attribute("text", "The title of the schema."),
    "headline": Attribute("text", "The first line of the docstring of the module."),
    "doc": Attribute("text", "The docstring of the class."),
    "owner": Attribute("text", "The owner that the contract names; empty without one."),
    "deprecation": Attribute("text", "The warning of the senders; empty if there is none."),
    "fields": Attribute("list of field", "The properties, in the order of the class."),
    "required_fields": Attribute("list of field", "The properties that are always sent."),
    "nullable_fields": Attribute("list of field", "The properties that can be null."),
    "unsettable_fields": Attribute("list of field", "Those that can also be omitted, by `UNSET`."),
    "personal_fields": Attribute("list of field", "The properties with personal data."),
    "ruled_fields": Attribute("list of field", "The fields whose `rule` is not empty."),
    "has_contract": Attribute("flag", "True if the schema has a contract."),
    "snapshot_file": Attribute("code", "The name of the file in `_snapshot`."),
    "annotation_imports": Attribute("list of import", "The imports that annotations need."),
    "standard_imports": Attribute("list of import", "What the module imports from elsewhere."),
    "package_imports": Attribute("list of import", "What the module imports from the package."),
    "limits": Attribute("code", "Arguments that check the whole payload; empty without limits."),
    "violations": Attribute("code", "The argument of an error, without personal data."),
    "reader_options": Attribute("code", "The last arguments of the reader of a payload."),
}
NAMES: Mapping[str, Attribute] = {
    "module": Attribute("name", "The module, without `.py`."),
    "class_name": Attribute("name", "The payload class."),
    "sender": Attribute("name", "The function that sends."),
    "async_sender": Attribute("name", "The coroutine function that sends."),
}
FIELD: Mapping[str, Attribute] = {
    "name": Attribute("name", "The attribute in Python."),
    "wire": Attribute("text", "The name in JSON."),
    "annotation": Attribute("code", "The type of a value, without `None` and `Unset`."),
    "declaration": Attribute("code", "The type in the class, and the default if there is one."),
    "doc": Attribute("text", "The docstring of the attribute."),
    "required": Attribute("flag", "True if the property is always sent."),
    "nullable": Attribute("flag", "True if the property can be null."),
    "is_personal": Attribute("flag", "True if the contract says that it is personal data."),
    "presence_condition": Attribute("code", "When the property is sent; empty for always."),
    "check_condition": Attribute("code", "When the value needs its check; empty for always."),
    "check": Attribute("code", "The function that checks a value."),
    "read": Attribute("code", "The function that reads a value."),
    "reader_method": Attribute("code", "The method of the reader that reads the property."),
    "encoded_value": Attribute("code", "The JSON value of the attribute."),
    "constant": Attribute("code", "The constant of the module that holds the rule."),
    "rule": Attribute("code", "The expression that creates the rule; empty without one."),
    "stored_read": Attribute("code", "The function that reads a stored value."),
    "stored_reader_method": Attribute("code", "The method that reads a stored property."),
}
IMPORT: Mapping[str, Attribute] = {
    "module": Attribute("code", "The module, with a dot in front for one of the package."),
    "names": Attribute("list of code", "The imported names, for the filter `names`."),
}
LOOP: Mapping[str, Attribute] = {
    "first": Attribute("flag", "True in the first round."),
    "last": Attribute("flag", "True in the last round."),
    "index": Attribute("number", "The number of the round, from 1."),
}

OBJECTS: Mapping[str, tuple[type | None, Mapping[str, Attribute]]] = {
    "package": (Package, PACKAGE),
    "record": (Record, RECORD),
    "names": (SchemaNames, NAMES),
    "field": (Field, FIELD),
    "import": (Import, IMPORT),
    "loop": (None, LOOP),
}
"""Each object: its class, which is Jinja's for `loop`, and its attributes."""

FILTERS: Mapping[str, str] = {
    "literal": "A text, a number or a flag as a literal of Python, in code.",
    "doc": "A text as the inside of a docstring in triple double quotes. The argument is the "
    "indent of the docstring: `doc(4)`.",
    "cell": "A text as the inside of a cell, a heading or a paragraph of Markdown.",
    "json": "A text, a number or a flag as JSON, also inside of a script or of YAML.",
    "names": "Names or fields, joined by commas.",
    "wires": "A set of the names in JSON of fields, in code.",
    "contract_cells": "The cells of `INDEX.md` about the contract of a record. The argument is "
    "`package`.",
}

_STATEMENT = re.compile(r"\{# template contract ([0-9]{1,4})\.([0-9]{1,4}) #\}\n?")


def state_version(text: str) -> str:
    """Return a template with the line that states the current version of the contract."""
    return f"{{# template contract {CURRENT} #}}\n{text}"


def require_version(
    text: str, where: str, current: Version = CURRENT, history: Mapping[Version, str] = HISTORY
) -> None:
    """Raise `TemplateError` unless a template states a version that this one can stand for."""
    match = _STATEMENT.match(text)
    line = f"{{# template contract {current} #}}"
    if match is None:
        raise TemplateError(
            "the template does not state the version of the contract that it was written for",
            where=where,
            line=1,
            fix=f"read docs/templates.md, and write the first line: {line}",
        )
    version = Version(int(match[1]), int(match[2]))
    if version.major == current.major and version.minor <= current.minor:
        return
    if version > current:
        message = f"this engage-codegen has version {current}, which lacks what {version} added"
        fix = f"upgrade engage-codegen, or rewrite the template for version {current}"
    else:
        changes = "; ".join(
            f"{number}: {text}" for number, text in history.items() if version < number
        )
        message = f"this engage-codegen has version {current}. What changed since: {changes}"
        fix = f"adapt the template to these changes, and then write its first line: {line}"
    raise TemplateError(
        f"the template was written for version {version} of the contract, but {message}",
        where=where,
        line=1,
        fix=fix,
    )


def attributes_of(value: object) -> tuple[str, Mapping[str, Attribute]] | None:
    """Return the name and the attributes of an object of the contract; None for another object."""
    for name, (class_, attributes) in OBJECTS.items():
        if type(value) is class_:
            return name, attributes
    return None


def describe_contract() -> str:
    """Return the contract as Markdown: each object with its attributes, and the filters."""
    parts = [f"The version of the contract is **{CURRENT}**."]
    for name, (_, attributes) in OBJECTS.items():
        rows = [
            f"| `{name}.{key}` | {attribute.type} | {attribute.text} |"
            for key, attribute in attributes.items()
        ]
        head = f"### `{name}`\n\n| attribute | type | meaning |\n| --- | --- | --- |"
        parts.append("\n".join([head, *rows]))
    rows = [f"| `{name}` | {text} |" for name, text in FILTERS.items()]
    parts.append("\n".join(["### Filters\n\n| filter | gives |\n| --- | --- |", *rows]))
    rows = [f"- **{version}**: {text}." for version, text in reversed([*HISTORY.items()])]
    parts.append("\n".join(["### Versions\n", *rows]))
    return "\n\n".join(parts) + "\n"
