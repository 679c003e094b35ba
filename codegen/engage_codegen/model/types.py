"""Python types of JSON types and formats, as datamodel-code-generator chooses them.

The generator gets types and formats only, under names of ours and for a whole package in one call.
No text of a tenant reaches it, and neither the order nor the number of properties affects it.
"""

import ast
import json
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import RenderError
from .ir import Code, Import


@dataclass(frozen=True, slots=True, order=True)
class JsonType:
    """The part of a property's schema that decides its Python type."""

    name: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A type as source text, and the imports that it needs."""

    text: Code
    imports: tuple[Import, ...]


_UUID = Annotation(Code("UUID"), (Import(Code("uuid"), (Code("UUID"),)),))
_OWN_ANNOTATIONS = {JsonType("string", "uuid"): _UUID}
"""Types that datamodel-code-generator does not have for dataclasses."""


def generate_annotations(json_types: Iterable[JsonType]) -> dict[JsonType, Annotation]:
    """Return the Python type of each JSON type.

    Raises `RenderError` if the output of datamodel-code-generator cannot be interpreted.
    """
    requested = sorted(set(json_types) - _OWN_ANNOTATIONS.keys())
    fields = {f"field_{number}": json_type for number, json_type in enumerate(requested)}
    try:
        annotations = _parse(_generate(fields)) if fields else {}
        return _OWN_ANNOTATIONS | {
            json_type: annotations[name] for name, json_type in fields.items()
        }
    except (SyntaxError, KeyError, ValueError) as error:
        raise RenderError(
            f"the output of datamodel-code-generator cannot be interpreted: {error!r}",
            where="model/types.py",
            fix="report this bug, with the schemas",
        ) from error


def _generate(fields: dict[str, JsonType]) -> str:
    # This import takes longer than all the rest of a small run.
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
        "properties": {name: _schema(json_type) for name, json_type in fields.items()},
        "required": list(fields),
    }
    config = GenerateConfig(
        input_file_type=InputFileType.JsonSchema,
        output_model_type=DataModelType.DataclassesDataclass,
        class_name="Types",
        disable_timestamp=True,
        enum_field_as_literal=LiteralType.All,
        formatters=[],
        output_datetime_class=DatetimeClassType.Datetime,
        target_python_version=PythonVersion.PY_311,
        use_standard_collections=True,
        use_union_operator=True,
    )
    return str(generate(json.dumps(schema), config=config))


def _schema(json_type: JsonType) -> dict[str, str]:
    return {"type": json_type.name} | ({"format": json_type.format} if json_type.format else {})


def _parse(source: str) -> dict[str, Annotation]:
    """Return the annotation of each field of the only class in a module."""
    tree = ast.parse(source)
    modules = {
        alias.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    (model,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {
        statement.target.id: _annotation(statement.annotation, modules)
        for statement in model.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    }


def _annotation(node: ast.expr, modules: dict[str, str]) -> Annotation:
    text = ast.unparse(node)
    if text not in modules:
        return Annotation(Code(text), ())
    # An attribute named `date` or `time` would hide the type from the attributes after it. No
    # attribute can be named `datetime`: that name is reserved.
    alias = text if text == "datetime" else text.capitalize()
    name = text if alias == text else f"{text} as {alias}"
    return Annotation(Code(alias), (Import(Code(modules[text]), (Code(name),)),))
