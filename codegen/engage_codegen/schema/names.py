"""Schema ids and property names -> Python identifiers.

A name is a pure function of the id, the property name and the configured `renames`. It never
depends on the order of anything, on what else exists, or on the version of Python. Two names that
collide are an error and never get a suffix.
"""

import keyword
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from unicodedata import ucd_3_2_0 as unicode_3_2

from ..errors import NameCollisionError, SchemaError, SchemaProblem
from .jsontext import pointer
from .text import escape, quote


class Identifier(str):
    """A Python identifier that is not a keyword.

    Only this module creates one, so that raw text cannot be passed for it.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SchemaNames:
    """The names of one schema: its module, its class, and its sender functions."""

    module: Identifier
    class_name: Identifier

    @property
    def sender(self) -> Identifier:
        return Identifier(f"send_{self.module}")

    @property
    def async_sender(self) -> Identifier:
        return Identifier(f"send_{self.module}_async")


# Names that a generated module or its package uses itself. Adding or removing one renames things
# in the code of users.
_MODULES = frozenset(
    ["testing", "outbox", "postgres", "bulk", "con", "prn", "aux", "nul"]
    + [f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10)]
)
_CLASSES = frozenset(
    "AsyncEngageClient EngageClient Receipt RetryPolicy Stored ClassVar Literal Mapping Self Json "
    "Payload Reader Violation InvalidPayloadError Unset UTC UUID Date Time Timedelta Decimal "
    "Deprecated".split()
)
_ATTRIBUTES = frozenset(
    "self str int float bool bytes dict list tuple set object datetime dataclass classmethod "
    "property staticmethod to_payload from_payload".split()
)

_MAX_MODULE_LENGTH = 200

_SPECIAL_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"}
    | {"ł": "l", "Ł": "L", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "\u0131": "i", "ẞ": "SS"}
)
_SYMBOLS = re.compile("[\u20a0-\u20cf\u2190-\u2bff\U0001f000-\U0001f0ff\U0001f300-\U0001faff]")
"""Blocks that Unicode reserves for currency signs, other symbols and emoji, most of them newer than
Unicode 3.2."""
_WORD = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z][A-Z0-9]*(?![a-z])|[A-Z]?[a-z]+[0-9]*|[0-9]+[a-z]*")


def name_schemas(ids: Iterable[str], renames: Mapping[str, str]) -> dict[str, SchemaNames]:
    """Return the names of all schemas of a package, by id.

    Raises `SchemaError` with every problem, as `NameCollisionError` if names collide.
    """
    problems: list[SchemaProblem] = []
    names: dict[str, SchemaNames] = {}
    for schema_id in sorted(ids):
        result = _schema_names(schema_id, renames)
        if isinstance(result, SchemaProblem):
            problems.append(result)
        else:
            names[schema_id] = result
    modules = {schema_id: name.module for schema_id, name in names.items()}
    collisions = [
        _collision(schema_id, ("id",), schema_id, other, name)
        for schema_id, other, name in _colliding(modules)
    ]
    _raise_problems([*problems, *collisions], is_collision=bool(collisions))
    return names


def name_properties(
    schema_id: str, properties: Iterable[str], renames: Mapping[str, str]
) -> dict[str, Identifier]:
    """Return the attribute of each property of one schema.

    Raises `SchemaError` with every problem, as `NameCollisionError` if names collide.
    """
    problems: list[SchemaProblem] = []
    names: dict[str, Identifier] = {}
    for wire_name in sorted(properties):
        result = _attribute(schema_id, wire_name, renames)
        if isinstance(result, SchemaProblem):
            problems.append(result)
        else:
            names[wire_name] = result
    collisions = [
        _collision(schema_id, _place(wire_name), rename_key(schema_id, wire_name), other, name)
        for wire_name, other, name in _colliding(names)
    ]
    _raise_problems([*problems, *collisions], is_collision=bool(collisions))
    return names


def rename_key(schema_id: str, property_name: str) -> str:
    """Return the key of a property in the table `renames`: ``Reuse-Spring-2023#/price``."""
    return f"{schema_id}#{pointer(property_name)}"


def rename_line(key: str, name: str) -> str:
    """Return a line of TOML for the table `renames`."""
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escape(quoted)}" = "{name}"'


def _schema_names(schema_id: str, renames: Mapping[str, str]) -> SchemaNames | SchemaProblem:
    words = _split_words(renames.get(schema_id, schema_id))
    if not words:
        return _unreadable("schema id", schema_id, schema_id, ("id",), schema_id)
    if not words[0][0].isalpha():
        words = ["Schema", *words]
    module = "_".join(words).lower()
    if len(module) > _MAX_MODULE_LENGTH:
        message = f"the module of the schema {quote(schema_id)} has a name too long for a file"
        fix = _rename_fix(schema_id, "your_name")
        return SchemaProblem("EG120", schema_id, ("id",), ("length",), message, fix)
    class_name = re.sub(r"(?<=[0-9]) (?=[0-9])", "_", " ".join(map(_capitalize, words)))
    return SchemaNames(
        module=_avoid(module, _MODULES), class_name=_avoid(class_name.replace(" ", ""), _CLASSES)
    )


def _attribute(
    schema_id: str, wire_name: str, renames: Mapping[str, str]
) -> Identifier | SchemaProblem:
    key = rename_key(schema_id, wire_name)
    if key in renames:
        return _chosen_attribute(schema_id, wire_name, renames[key])
    words = _split_words(wire_name)
    if not words:
        return _unreadable("property name", wire_name, schema_id, _place(wire_name), key)
    if not words[0][0].isalpha():
        words = ["property", *words]
    return _avoid("_".join(words).lower(), _ATTRIBUTES)


def _chosen_attribute(schema_id: str, wire_name: str, name: str) -> Identifier | SchemaProblem:
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) and not (
        name in _ATTRIBUTES or keyword.iskeyword(name)
    ):
        return Identifier(name)
    return SchemaProblem(
        "EG120",
        schema_id,
        _place(wire_name),
        ("rename", name),
        f"the name {quote(name)} in `renames` cannot be an attribute of a generated class",
        "use lower-case letters, digits and '_', start with a letter, and avoid words that Python "
        "or the generated class uses",
    )


def _place(wire_name: str) -> tuple[str, ...]:
    return ("jsonSchema", "properties", wire_name)


def _split_words(text: str) -> list[str]:
    """Return the words of a name in ASCII.

    Empty if a letter has no ASCII counterpart, because the rest would be another name. Unicode 3.2
    is the version that every Python carries unchanged.
    """
    plain = unicode_3_2.normalize("NFKD", text.translate(_SPECIAL_LETTERS))
    letters = "".join(c for c in plain if not unicode_3_2.combining(c))
    if any(not c.isascii() and _is_letter(c) for c in letters):
        return []
    words: list[str] = _WORD.findall(letters)
    has_lower_case = re.search("[a-z]", letters) is not None
    return words if has_lower_case else [word.capitalize() for word in words]


def _is_letter(character: str) -> bool:
    """Return True for letters and digits, and for newer characters than Unicode 3.2 knows.

    Only the blocks of `_SYMBOLS` certainly have no letters.
    """
    category = unicode_3_2.category(character)
    is_newer = category == "Cn" and not _SYMBOLS.match(character)
    return category[0] in "LN" or is_newer


def _capitalize(word: str) -> str:
    return word[0].upper() + word[1:]


def _avoid(name: str, reserved: frozenset[str]) -> Identifier:
    return Identifier(f"{name}_" if name in reserved or keyword.iskeyword(name) else name)


def _rename_fix(key: str, name: str) -> str:
    return f"add to [tool.engage-codegen.renames]: {rename_line(key, name)}"


def _unreadable(
    kind: str, name: str, schema_id: str, parts: tuple[str, ...], key: str
) -> SchemaProblem:
    message = f"the {kind} {quote(name)} cannot become a readable Python name"
    fix = _rename_fix(key, "your_name")
    return SchemaProblem("EG120", schema_id, parts, ("unreadable",), message, fix)


def _colliding(names: Mapping[str, Identifier]) -> list[tuple[str, str, Identifier]]:
    """Return each original name whose Python name an earlier one has, with that earlier one."""
    owners: dict[str, str] = {}
    return [
        (original, owners[name], name)
        for original, name in names.items()
        if owners.setdefault(name, original) != original
    ]


def _collision(
    schema_id: str, parts: tuple[str, ...], key: str, other: str, name: Identifier
) -> SchemaProblem:
    message = f"the Python name {name} also belongs to {quote(other)}"
    fix = _rename_fix(key, f"{name}_2")
    return SchemaProblem("EG120", schema_id, parts, ("collision", other), message, fix)


def _raise_problems(problems: list[SchemaProblem], *, is_collision: bool) -> None:
    if problems:
        error = NameCollisionError if is_collision else SchemaError
        raise error(problems)
