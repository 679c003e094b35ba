"""Python types for property schemas, as datamodel-code-generator decides them.

It is given nothing but types and formats under names of ours, a whole package in one call: what a
tenant typed never reaches it, and neither the order nor the number of properties matters to it.
"""

import ast
import json
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import RenderError
from .ir import Code, Import


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """What of a property's schema decides its Python type."""

    type: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A type as source text, and what has to be imported for it."""

    text: Code
    imports: tuple[Import, ...]


_UUID = Annotation(Code("UUID"), (Import(Code("uuid"), (Code("UUID"),)),))
_OURS = {Shape("string", "uuid"): _UUID}
"""The generator has no type for it in dataclasses."""


def annotations(shapes: Iterable[Shape]) -> dict[Shape, Annotation]:
    """Return the Python type of each shape.

    Raises `RenderError` if the answer of datamodel-code-generator is not understood.
    """
    requested = sorted(set(shapes))
    fields = {f"field_{number}": it for number, it in enumerate(requested) if it not in _OURS}
    try:
        parsed = _parse(_generate(fields)) if fields else {}
        return _OURS | {shape: parsed[name] for name, shape in fields.items()}
    except (SyntaxError, KeyError) as error:
        raise RenderError(
            f"datamodel-code-generator answered something unexpected: {error!r}",
            where="model/types.py",
            fix="report this, with the schemas",
        ) from error


def _generate(fields: dict[str, Shape]) -> str:
    # Its import takes longer than all the rest of a small run.
    from datamodel_code_generator import (
        GenerateConfig,
        InputFileType,
        LiteralType,
        PythonVersion,
        generate,
    )
    from datamodel_code_generator.enums import DataModelType
    from datamodel_code_generator.format import DatetimeClassType

    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {name: _schema(shape) for name, shape in fields.items()},
        "required": list(fields),
    }
    config = GenerateConfig(
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.DataclassesDataclass,
        class_name="Shapes",
        disable_timestamp=True,
        enum_field_as_literal=LiteralType.All,
        formatters=[],
        output_datetime_class=DatetimeClassType.Datetime,
        target_python_version=PythonVersion.PY_311,
        use_standard_collections=True,
        use_union_operator=True,
    )
    return str(generate(json.dumps(schema), config=config))


def _schema(shape: Shape) -> dict[str, str]:
    return {"type": shape.type} | ({"format": shape.format} if shape.format else {})


def _parse(source: str) -> dict[str, Annotation]:
    tree = ast.parse(source)
    origin = {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    (model,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {
        statement.target.id: _annotation(statement.annotation, origin)
        for statement in model.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }


def _annotation(node: ast.expr, origin: dict[str, str]) -> Annotation:
    text = ast.unparse(node)
    if text not in origin:
        return Annotation(Code(text), ())
    # An attribute may be called date or time, and would hide the type from those after it.
    alias = text if text in _HIDDEN_BY_NONE else text.capitalize()
    name = text if alias == text else f"{text} as {alias}"
    return Annotation(Code(alias), (Import(Code(origin[text]), (Code(name),)),))


_HIDDEN_BY_NONE = ("datetime",)
