"""Templates of a project, tried with drawn schemas: rendered, compiled and type-checked."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from ..config import Config
from ..errors import CodegenError, TemplateError
from ..model.build import build
from ..output.recipe import Recipe
from ..render.own.sources import EACH, ONCE, PROMISES, SUFFIX, OwnTemplates
from ..render.package import render_package
from ..render.resources import package_templates
from ..schema.contract import Contract, PropertyContract
from ..schema.envelope import Schema, from_envelope
from ..schema.jsontext import JsonObject
from .checkers import check_types
from .results import CheckerResult, format_checker

_TEXTS = (
    *("", " ", "x", "Größe", "it's", 'a "b"', '"""', "'''", "\\", '\\"', "a\nb", "\u2028"),
    *("\u202e", "{{ 7 }}", "{% raw %}", "{# x #}", "#}", "%s", "{0}", "# noqa", "<b>", "](x)"),
    *("`", "-->", "y" * 300, "; import os #", "'; import os #", '"); import os #', "\\N{BULLET}"),
)
_FORMATS = ("date-time", "date", "time", "uuid", "email")
_TYPES: tuple[JsonObject, ...] = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": ["string", "null"]},
    {"type": ["integer", "null"]},
    {"type": ["string", "number"]},
    {"type": "string", "maxLength": 9},
    {"type": "string", "pattern": "^['\"]$"},
    {"type": "integer", "minimum": 1, "maximum": 5},
    {"enum": ["a", "it's"]},
    {"enum": [1, 2, None]},
    {"const": '"""'},
    {"const": 1.5},
    *(cast(JsonObject, {"type": "string", "format": name}) for name in _FORMATS),
)
_COUNT = 12


@dataclass(frozen=True, slots=True)
class TemplatesResult:
    """The result of a check: a line for each template, and the type checkers."""

    lines: tuple[str, ...]
    schemas: int
    checkers: tuple[CheckerResult, ...]

    @property
    def is_sound(self) -> bool:
        return all(checker.is_sound for checker in self.checkers)

    @property
    def verdict(self) -> str:
        """The verdict in one sentence."""
        word = "checked" if self.is_sound else "not sound"
        return f"{word}: {len(self.lines)} templates with {self.schemas} schemas"

    def format_lines(self) -> Iterator[str]:
        """Yield a line for each template, and those of the type checkers."""
        yield from self.lines
        for checker in self.checkers:
            yield from format_checker(checker)


def check_templates(config: Config) -> TemplatesResult:
    """Check the templates of a configuration. Writes nothing, and runs no code of their output.

    Raises `TemplateError` for a template that cannot be rendered with every schema.
    """
    recipe = Recipe.of(config)
    schemas = draw_schemas()
    package = build(schemas, {}, "json-schema")
    texts = render_package(package, recipe.without, recipe.http, recipe.own)
    _compile_files(texts, recipe.own)
    with TemporaryDirectory(prefix="engage-codegen-") as name:
        output = Path(name) / config.output.name
        for path, text in texts.items():
            (output / path).parent.mkdir(parents=True, exist_ok=True)
            (output / path).write_text(text, "utf-8")
        paths = [path for path in texts if path.endswith((".py", ".pyi", "py.typed"))]
        checkers = check_types(output, paths)
    lines = tuple(_describe(template) for template in sorted(recipe.own.texts))
    return TemplatesResult(lines, len(schemas), checkers)


def _compile_files(texts: Mapping[str, str], own: OwnTemplates) -> None:
    """Raise `TemplateError` for a module that Python parses, but does not compile."""
    for path, text in texts.items():
        if path.endswith((".py", ".pyi")):
            try:
                compile(text, path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise TemplateError(
                    f"the file {path} cannot be compiled: {error}",
                    where=own.folder,
                    fix="correct the template that makes it",
                ) from None


def _describe(template: str) -> str:
    """Return what a template makes, and which promises of the package it takes over."""
    name = template.partition("/")[2].removesuffix(SUFFIX)
    if template.startswith(EACH):
        return f"{template}: adds <module>_{name} for each schema, and changes nothing else"
    if template.startswith(ONCE):
        return f"{template}: adds {name}, and changes nothing else"
    if template not in package_templates():
        return f"{template}: a partial"
    promises = PROMISES.get(template)
    if promises is None:
        return f"{template}: replaces the one of engage-codegen, and takes over no promise"
    return f"{template}: takes over {promises}, which engage-codegen verify proves"


def draw_schemas() -> dict[str, Schema]:
    """Return schemas with hostile texts and every type, the same in each run, by id."""
    # The same numbers everywhere; nothing secret depends on them.
    chance = random.Random(17)  # noqa: S311  # nosec B311
    schemas: dict[str, Schema] = {}
    for number in range(_COUNT):
        schema = _draw_schema(chance, f"drawn-{number}")
        try:
            build({schema.id: schema}, {}, "json-schema")
        except CodegenError:  # names that collide, or cannot be read
            continue
        schemas[schema.id] = schema
    return schemas


def _draw_schema(chance: random.Random, schema_id: str) -> Schema:
    count = chance.choice([0, 1, 3, len(_TYPES)])
    properties: dict[str, JsonObject] = {}
    for number, type_ in enumerate(chance.sample(_TYPES, count)):
        notes = {key: chance.choice(_TEXTS) for key in ("title", "description", "displayName")}
        properties[f"p{number} {chance.choice(_TEXTS)[:40]}"] = {**type_, **notes}
    required = [name for name in properties if chance.random() < 0.5]
    body: JsonObject = {
        "type": "object",
        "description": chance.choice(_TEXTS),
        "deprecated": chance.random() < 0.3,
        "properties": dict(properties),
        "required": list(required),
    }
    title = chance.choice(_TEXTS)
    schema = from_envelope({"id": schema_id, "displayName": title, "jsonSchema": body}, schema_id)
    if chance.random() < 0.5:
        return schema
    rules = {name: PropertyContract({}, personal_data="direct") for name in properties}
    contract = Contract(schema_id, chance.choice(_TEXTS), chance.choice(_TEXTS), properties=rules)
    return replace(schema, contract=contract)
