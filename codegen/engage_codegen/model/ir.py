"""The model: what the templates see of a schema. Names are Python's, wire names travel beside."""

from dataclasses import dataclass

from ..names import Identifier, SchemaNames


class Code(str):
    """Python source text that we made: an annotation, a quoted literal, a name of the runtime.

    Templates refuse any other text but identifiers, so that nothing typed into a schema can
    become code.
    """

    __slots__ = ()


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
    makes the JSON value; empty where there is none. `read` makes the Python value.
    """

    exact: Code
    check: Code
    encode: Code
    read: Code
    note: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a payload."""

    wire: str
    name: Identifier
    annotation: Code
    codec: Codec
    required: bool
    doc: str

    @property
    def declaration(self) -> Code:
        """What stands behind the name in the class."""
        return self.annotation if self.required else Code(f"{self.annotation} | None = None")

    @property
    def suspicion(self) -> Code:
        """The condition under which the value needs its check, a fast way past it; empty where
        the check always runs."""
        tests = [] if self.required else [f"self.{self.name} is not None"]
        tests += [f"type(self.{self.name}) is not {self.codec.exact}"] if self.codec.exact else []
        return Code(" and ".join(tests))

    @property
    def encoded(self) -> Code:
        """The JSON value of the attribute."""
        value = f"self.{self.name}"
        return Code(f"{self.codec.encode}({value})" if self.codec.encode else value)

    @property
    def presence(self) -> Code:
        """The method of the runtime's reader."""
        return Code("required" if self.required else "optional")


@dataclass(frozen=True, slots=True)
class Record:
    """One schema: one module with one class and its senders."""

    schema_id: Code
    names: SchemaNames
    title: str
    doc: str
    fields: tuple[Field, ...]
    imports: tuple[Import, ...]

    @property
    def headline(self) -> str:
        """The first line of the module."""
        return f"{self.title} (interaction schema ``{self.schema_id}``)."

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
