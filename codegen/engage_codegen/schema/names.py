"""Schema ids and property names -> Python identifiers.

A name is a pure function of the id, the property name and the configured `renames`; never of the
order of anything or of what else there is. Two names that meet are an error, never a suffix.
"""

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import NameCollision, SchemaError
from .jsontext import pointer
from .text import escape, quote


class Identifier(str):
    """A Python identifier that is no keyword. Made in this module alone, so that raw text cannot
    be taken for one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SchemaNames:
    """What one schema is called: its module, its class, its sender functions."""

    module: Identifier
    class_name: Identifier

    @property
    def sender(self) -> Identifier:
        return Identifier(f"send_{self.module}")

    @property
    def async_sender(self) -> Identifier:
        return Identifier(f"send_{self.module}_async")


# What a generated module and its package use themselves. Taking a name out of these sets, or
# putting one in, renames things in our users' code.
_MODULES = frozenset(
    ["testing", "outbox", "bulk", "con", "prn", "aux", "nul"]
    + [f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10)]
)
_CLASSES = frozenset(
    "AsyncEngageClient EngageClient Receipt RetryPolicy Stored ClassVar Literal Mapping Self Json "
    "Reader Violation InvalidPayloadError Unset UUID Date Time Timedelta Decimal Deprecated".split()
)
_ATTRIBUTES = frozenset(
    "self str int float bool bytes dict list tuple set object datetime dataclass classmethod "
    "property staticmethod to_payload from_payload".split()
)

_LONGEST_MODULE = 200

_SPECIAL_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"}
    | {"ł": "l", "Ł": "L", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "\u0131": "i"}
)
_WORD = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z][A-Z0-9]*(?![a-z])|[A-Z]?[a-z]+[0-9]*|[0-9]+[a-z]*")


def name_schemas(ids: Iterable[str], renames: Mapping[str, str]) -> dict[str, SchemaNames]:
    """The names of all schemas of a package, by id. Raises `NameCollision` and `SchemaError`."""
    names = {schema_id: _schema_names(schema_id, renames) for schema_id in sorted(ids)}
    _refuse_collisions({key: name.module for key, name in names.items()}, "schemas {} and {}", "")
    return names


def name_properties(
    schema_id: str, properties: Iterable[str], renames: Mapping[str, str]
) -> dict[str, Identifier]:
    """The attribute of each property of one schema. Raises `NameCollision` and `SchemaError`."""
    names = {
        name: _attribute(name, rename_key(schema_id, name), renames) for name in sorted(properties)
    }
    _refuse_collisions(names, f"properties {{}} and {{}} of {schema_id}", schema_id)
    return names


def rename_key(schema_id: str, property_name: str) -> str:
    """The key of a property in the table `renames`: ``Reuse-Spring-2023#/price``."""
    return f"{schema_id}#{pointer(property_name)}"


def rename_line(key: str, name: str) -> str:
    """A line of TOML for the table `renames`."""
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escape(quoted)}" = "{name}"'


def _schema_names(schema_id: str, renames: Mapping[str, str]) -> SchemaNames:
    words = _words(renames.get(schema_id, schema_id))
    if not words:
        raise _unreadable("schema id", schema_id, schema_id)
    if not words[0][0].isalpha():
        words = ["Schema", *words]
    module = "_".join(words).lower()
    if len(module) > _LONGEST_MODULE:
        raise SchemaError(
            f"the module of the schema {quote(schema_id)} would have a name too long for a file",
            where=schema_id,
            fix=f"add to [tool.engage-codegen.renames]: {rename_line(schema_id, 'your_name')}",
        )
    class_name = re.sub(r"(?<=[0-9]) (?=[0-9])", "_", " ".join(map(_capital, words)))
    return SchemaNames(
        module=_avoid(module, _MODULES), class_name=_avoid(class_name.replace(" ", ""), _CLASSES)
    )


def _attribute(name: str, key: str, renames: Mapping[str, str]) -> Identifier:
    if key in renames:
        return _chosen(renames[key], key)
    words = _words(name)
    if not words:
        raise _unreadable("property name", name, key)
    if not words[0][0].isalpha():
        words = ["property", *words]
    return _avoid("_".join(words).lower(), _ATTRIBUTES)


def _chosen(name: str, key: str) -> Identifier:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in _ATTRIBUTES or keyword.iskeyword(name):
        raise SchemaError(
            f"the name {quote(name)} in renames cannot be an attribute of a generated class",
            where=f"renames, key {quote(key)}",
            fix="use lower-case letters, digits and '_', starting with a letter, and no word "
            "that Python or the generated class uses itself",
        )
    return Identifier(name)


def _words(text: str) -> list[str]:
    """The words of a name in ASCII; none if a letter has no ASCII counterpart, for what would
    be left is not the name."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPECIAL_LETTERS))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    if any(not c.isascii() and (c.isalnum() or unicodedata.category(c) == "Cn") for c in letters):
        return []
    words = _WORD.findall(letters)
    return [word.capitalize() for word in words] if letters.upper() == letters else words


def _capital(word: str) -> str:
    return word[0].upper() + word[1:]


def _avoid(name: str, reserved: frozenset[str]) -> Identifier:
    return Identifier(f"{name}_" if name in reserved or keyword.iskeyword(name) else name)


def _unreadable(what: str, name: str, key: str) -> SchemaError:
    return SchemaError(
        f"the {what} {quote(name)} cannot be turned into a readable Python name",
        where=quote(key),
        fix=f"add to [tool.engage-codegen.renames]: {rename_line(key, 'your_name')}",
    )


def _refuse_collisions(names: Mapping[str, Identifier], what: str, schema_id: str) -> None:
    owner: dict[str, str] = {}
    for original, name in names.items():
        first = owner.setdefault(name, original)
        if first != original:
            key = rename_key(schema_id, original) if schema_id else original
            raise NameCollision(
                f"the {what.format(quote(first), quote(original))} would both be called {name}",
                where=quote(key),
                fix=f"add to [tool.engage-codegen.renames]: {rename_line(key, f'{name}_2')}",
            )
