"""The model: everything that the templates see of the schemas.

Names are Python identifiers. The names on the wire are data beside them.
"""

import re
from dataclasses import dataclass

from ..schema.envelope import file_name
from ..schema.names import Identifier, SchemaNames
from ..schema.text import escape


class Code(str):
    """Python source text from this tool: an annotation, a quoted literal, a name of the runtime.

    Templates accept `Code` and `Identifier` only, so that text from a schema cannot become code.
    """

    __slots__ = ()


NO_CODE = Code("")


class Prose(str):
    """Text for a docstring. `pieces` are its parts: markup of this tool is `Code`, any other text
    is foreign."""

    __slots__ = ("pieces",)

    pieces: tuple[str, ...]

    def __new__(cls, *pieces: str) -> "Prose":
        prose = super().__new__(cls, "".join(pieces))
        prose.pieces = pieces
        return prose


def inline_literal(text: str) -> Code:
    """Return foreign text as an inline literal of reStructuredText and Markdown."""
    safe = escape(text).replace("`", "\\u0060")
    # A literal neither is empty nor begins or ends with a space.
    safe = re.sub(r"^ | $", r"\\u0020", safe) or '""'
    return Code(f"``{safe}``")


def literal(text: str) -> Code:
    """Return a Python string literal in double quotes."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return Code(f'"{escape(quoted)}"')


@dataclass(frozen=True, slots=True)
class Import:
    """The import ``from module import names``, with sorted names."""

    module: Code
    names: tuple[Code, ...]

    @property
    def is_relative(self) -> bool:
        return self.module.startswith(".")


@dataclass(frozen=True, slots=True)
class Codec:
    """The code of the runtime that checks, writes and reads a value of one Python type.

    `unusual` is the condition for a value, written ``{}``, to need its check; empty if every value
    does. `check` and `read` are functions,
    and so is `encode`, which is empty if the value is JSON already. A codec with a `rule` has
    nothing else: the expression creates an object with the methods `check` and `read`. `note` is a
    sentence about the type.
    """

    unusual: Code
    check: Code
    encode: Code
    read: Code
    note: str = ""
    rule: Code = NO_CODE


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a payload class. `wire` is its name in JSON."""

    wire: str
    name: Identifier
    annotation: Code
    codec: Codec
    required: bool
    nullable: bool
    doc: Prose
    stored: "Field | None" = None
    """How a stored value is read that breaks the contract; None if there is no contract."""
    is_personal: bool = False
    constant_prefix: str = ""

    @property
    def declaration(self) -> Code:
        """The annotation and the default in the class.

        None omits an optional property. If the schema allows null, None is null and UNSET omits.
        Personal data is not in the `repr`.
        """
        annotation = f"{self.annotation} | None" if self.nullable else str(self.annotation)
        default = ""
        if not self.required:
            annotation += " | Unset" if self.nullable else " | None"
            default = "UNSET" if self.nullable else "None"
        if self.is_personal:
            default = f"field({f'default={default}, ' if default else ''}repr=False)"
        return Code(f"{annotation} = {default}" if default else annotation)

    @property
    def constant(self) -> Code:
        """The module constant that holds the rule."""
        return Code(f"_{self.constant_prefix}{self.name.upper()}")

    @property
    def rule(self) -> Code:
        """The expression that creates the rule; empty if the property has none."""
        return self.codec.rule

    @property
    def check(self) -> Code:
        return Code(f"{self.constant}.check") if self.codec.rule else self.codec.check

    @property
    def read(self) -> Code:
        return Code(f"{self.constant}.read") if self.codec.rule else self.codec.read

    @property
    def stored_read(self) -> Code:
        """The function that reads a stored value, which may break the contract."""
        if self.stored is None or self.stored.codec == self.codec:
            return self.read
        return Code(f"either({self.read}, {self.stored.read})")

    @property
    def stored_reader_method(self) -> Code:
        """The method of the runtime's `Reader` that reads a stored property."""
        return (self.stored or self).reader_method

    @property
    def presence_condition(self) -> Code:
        """The condition for the property to be sent; empty if it is always sent."""
        if self.required:
            return NO_CODE
        return Code(f"self.{self.name} is not {'UNSET' if self.nullable else 'None'}")

    @property
    def check_condition(self) -> Code:
        """The cheap condition for the value to need its check; empty if it always needs it."""
        attribute = f"self.{self.name}"
        conditions: list[str] = [self.presence_condition] if self.presence_condition else []
        conditions += [f"{attribute} is not None"] if self.nullable else []
        unusual = self.codec.unusual.format(attribute)
        if conditions and " or " in unusual:
            unusual = f"({unusual})"
        return Code(" and ".join([*conditions, *([unusual] if unusual else [])]))

    @property
    def encoded_value(self) -> Code:
        """The expression for the JSON value of the attribute."""
        value = f"self.{self.name}"
        if not self.codec.encode:
            return Code(value)
        call = f"{self.codec.encode}({value})"
        return Code(f"None if {value} is None else {call}" if self.nullable else call)

    @property
    def reader_method(self) -> Code:
        """The method of the runtime's `Reader` that reads the property."""
        if self.nullable:
            return Code("nullable" if self.required else "unsettable")
        return Code("required" if self.required else "optional")


@dataclass(frozen=True, slots=True)
class Record:
    """One schema: the contents of its module, a payload class and its senders.

    `annotation_imports` are those of the `imports` that the annotations of the fields need.
    `limits` are the arguments that check the payload as a whole, empty if no keyword limits it.
    `deprecation` is the warning of the senders, empty if the schema is not deprecated. `owner` and
    `has_contract` come from the contract.
    """

    schema_id: Code
    names: SchemaNames
    title: str
    doc: Prose
    fields: tuple[Field, ...]
    imports: tuple[Import, ...]
    annotation_imports: tuple[Import, ...] = ()
    limits: Code = NO_CODE
    deprecation: str = ""
    owner: str = ""
    has_contract: bool = False

    @property
    def snapshot_file(self) -> Code:
        """The name of the file in the snapshot."""
        return Code(file_name(self.schema_id))

    @property
    def headline(self) -> Prose:
        """The first line of the module's docstring."""
        return Prose(self.title, " (interaction schema ", inline_literal(self.schema_id), ").")

    @property
    def ruled_fields(self) -> tuple[Field, ...]:
        """The fields with a rule, and those whose stored values have another one."""
        return tuple(
            item
            for field in self.fields
            for item in (field, *([field.stored] if field.stored else []))
            if item.codec.rule and (item is field or item.codec != field.codec)
        )

    @property
    def personal_fields(self) -> tuple[Field, ...]:
        """The fields whose values are personal data."""
        return tuple(field for field in self.fields if field.is_personal)

    @property
    def nullable_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.nullable)

    @property
    def unsettable_fields(self) -> tuple[Field, ...]:
        """The fields that can be null and can be omitted, for which UNSET is the default."""
        return tuple(field for field in self.nullable_fields if not field.required)

    @property
    def required_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.required)

    @property
    def reader_options(self) -> Code:
        return Code(", cls.__personal__" if self.personal_fields else "")

    @property
    def violations(self) -> Code:
        """The violations of an error, which must not contain personal data."""
        hidden = "without_values(violations, self.__personal__)"
        return Code(hidden if self.personal_fields else "violations")

    @property
    def standard_imports(self) -> tuple[Import, ...]:
        return tuple(item for item in self.imports if not item.is_relative)

    @property
    def package_imports(self) -> tuple[Import, ...]:
        return tuple(item for item in self.imports if item.is_relative)


@dataclass(frozen=True, slots=True)
class Package:
    """All schemas of one snapshot, sorted by id."""

    records: tuple[Record, ...]

    @property
    def contract_header(self) -> Code:
        """The columns of the index that contracts fill."""
        return Code(" Owner | Personal data |" if self.has_contracts else "")

    @property
    def contract_rule(self) -> Code:
        return Code(" --- | --- |" if self.has_contracts else "")

    @property
    def has_contracts(self) -> bool:
        return any(record.has_contract for record in self.records)
