"""The model: what the templates see of a schema. Names are Python's, wire names travel beside."""

from dataclasses import dataclass

from ..schema.names import Identifier, SchemaNames
from ..schema.text import escape


class Code(str):
    """Python source text that we made: an annotation, a quoted literal, a name of the runtime.

    Templates refuse any other text but identifiers, so that nothing typed into a schema can
    become code.
    """

    __slots__ = ()


NO_CODE = Code("")


def literal(text: str) -> Code:
    """A string literal in double quotes."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return Code(f'"{escape(quoted)}"')


@dataclass(frozen=True, slots=True)
class Import:
    """``from module import names``; the names are sorted."""

    module: Code
    names: tuple[Code, ...]

    @property
    def is_relative(self) -> bool:
        return self.module.startswith(".")


@dataclass(frozen=True, slots=True)
class Codec:
    """How a value of one Python type is checked, written and read, by the runtime's functions.

    `exact` is the class whose very instances need no further check, `encode` the function that
    makes the JSON value; empty where there is none. `read` makes the Python value. `rule` makes the
    object whose methods `check` and `read` are; empty where they are functions.
    """

    exact: Code
    check: Code
    encode: Code
    read: Code
    note: str = ""
    rule: Code = NO_CODE


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a payload."""

    wire: str
    name: Identifier
    annotation: Code
    codec: Codec
    required: bool
    nullable: bool
    doc: str

    @property
    def declaration(self) -> Code:
        """What stands behind the name in the class. None leaves a property out; where the schema
        allows null it is null, and UNSET leaves it out."""
        if self.nullable:
            annotation = f"{self.annotation} | None"
            return Code(annotation if self.required else f"{annotation} | Unset = UNSET")
        return self.annotation if self.required else Code(f"{self.annotation} | None = None")

    @property
    def constant(self) -> Code:
        """The name of the rule in the module."""
        return Code(f"_{self.name.upper()}")

    @property
    def check(self) -> Code:
        return Code(f"{self.constant}.check") if self.codec.rule else self.codec.check

    @property
    def read(self) -> Code:
        return Code(f"{self.constant}.read") if self.codec.rule else self.codec.read

    @property
    def given(self) -> Code:
        """The condition under which the property is in the payload; empty where it always is."""
        if self.required:
            return Code("")
        return Code(f"self.{self.name} is not {'UNSET' if self.nullable else 'None'}")

    @property
    def suspicion(self) -> Code:
        """The condition under which the value needs its check, a fast way past it; empty where
        the check always runs."""
        tests: list[str] = [self.given] if self.given else []
        tests += [f"self.{self.name} is not None"] if self.nullable else []
        tests += [f"type(self.{self.name}) is not {self.codec.exact}"] if self.codec.exact else []
        return Code(" and ".join(tests))

    @property
    def encoded(self) -> Code:
        """The JSON value of the attribute."""
        value = f"self.{self.name}"
        if not self.codec.encode:
            return Code(value)
        written = f"{self.codec.encode}({value})"
        return Code(f"None if {value} is None else {written}" if self.nullable else written)

    @property
    def presence(self) -> Code:
        """The method of the runtime's reader."""
        if self.nullable:
            return Code("nullable" if self.required else "unsettable")
        return Code("required" if self.required else "optional")


@dataclass(frozen=True, slots=True)
class Record:
    """One schema: one module with one class and its senders. `limits` are the arguments of the
    check of the whole payload, empty where there is none; `deprecation` is what the senders warn
    of."""

    schema_id: Code
    names: SchemaNames
    title: str
    doc: str
    fields: tuple[Field, ...]
    imports: tuple[Import, ...]
    limits: Code = NO_CODE
    deprecation: str = ""

    @property
    def headline(self) -> str:
        """The first line of the module."""
        return f"{self.title} (interaction schema ``{self.schema_id}``)."

    @property
    def ruled_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.codec.rule)

    @property
    def nullable_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.nullable)

    @property
    def required_fields(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.required)

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
