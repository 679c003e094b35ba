"""The environment of templates of a project. Nothing but the contract can be reached in it.

Four walls, each of which would do: the language has no calls and no items (`language.py`); an
attribute is read only if the contract names it; there are no globals and no files; and Jinja's own
sandbox. Steps and characters are counted, so that rendering ends, on each machine at the same
place.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn, TypeVar, cast

import jinja2
from jinja2 import nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ...model.ir import Code, Field, Package, Prose, Record, literal
from ...schema.names import Identifier
from .. import filters
from . import contract, language
from .pieces import END, START, FilteredText, Piece, piece_of

_T = TypeVar("_T")


class TemplateFailure(Exception):
    """A template did something that it may not do. The traceback has the template and the line."""


class Budget:
    """The steps and the characters that rendering one file may take, and the pieces of the file.

    A step is a round of a loop, an included template, a printed value or a filter. The characters
    are those of each text that is read, filtered or written.
    """

    def __init__(self, steps: int, characters: int) -> None:
        self._steps, self._all_steps = steps, steps
        self._characters, self._all_characters = characters, characters
        self.pieces: list[Piece] = []

    @property
    def used_steps(self) -> int:
        return self._all_steps - self._steps

    @property
    def used_characters(self) -> int:
        return self._all_characters - self._characters

    def take_step(self) -> None:
        """Count a step. Raises `TemplateFailure` if there were too many."""
        self._steps -= 1
        if self._steps < 0:
            raise TemplateFailure(f"the template takes more than {self._all_steps:,} steps")

    def take_text(self, value: _T) -> _T:
        """Count the characters of a value, and return it. Raises `TemplateFailure`."""
        if isinstance(value, str):
            self._characters -= len(value)
            if self._characters < 0:
                raise TemplateFailure(
                    f"the template reads and writes more than {self._all_characters:,} characters"
                )
        return value


NO_BUDGET = Budget(0, 0)


class OwnEnvironment(ImmutableSandboxedEnvironment):
    """The environment in which templates of one project are rendered, one file at a time."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        super().__init__(
            loader=jinja2.FunctionLoader(lambda name: _load(sources, name)),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
            auto_reload=False,
        )
        self.budget = NO_BUDGET
        self.globals.clear()
        self.tests.clear()
        filters_of_jinja = cast("dict[str, object]", self.filters)
        filters_of_jinja.clear()
        for name, call in _FILTERS.items():
            filters_of_jinja[name] = self._count(name, call)
        filters_of_jinja[language.ITERATE] = _with_context(self._iterate)
        filters_of_jinja[language.PRINT] = _with_context(self._print)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        language.check_source(source, name or "")
        template = super()._parse(source, name, filename)
        language.check_language(template, name or "")
        return template

    def compile_checked(self, source: str, name: str) -> list[str]:
        """Parse and compile a template, and return the names that it includes."""
        template = self._parse(source, name, name)
        included = language.included_names(template)
        self.compile(source, name, name)
        return included

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        language.instrument(source, name or "")
        return super()._generate(source, name, filename, defer_init)

    def get_template(
        self,
        name: str | jinja2.Template,
        parent: str | None = None,
        globals: object = None,  # noqa: A002 - the name in Jinja
    ) -> jinja2.Template:
        """Return a template. Each include calls this."""
        del globals
        self.budget.take_step()
        return super().get_template(name, parent)

    def getattr(self, obj: object, attribute: str) -> object:
        """Return an attribute that the contract names. Raises `TemplateFailure` for any other."""
        if isinstance(obj, jinja2.Undefined):
            str(obj)  # raises
        found_object = contract.attributes_of(obj)
        if isinstance(obj, LoopContext):
            found_object = ("loop", contract.LOOP)
        if found_object is None:
            raise TemplateFailure(f"{_describe(obj)} has no attributes, such as {attribute!r}")
        name, attributes = found_object
        if attribute not in attributes:
            names = ", ".join(attributes)
            raise TemplateFailure(f"`{name}` has no attribute {attribute!r}. It has {names}")
        return self.budget.take_text(getattr(obj, attribute))

    def getitem(self, obj: object, argument: object) -> NoReturn:
        """Refuse: items are not part of the language."""
        raise TemplateFailure(f"{_describe(obj)} has no items, such as {argument!r}")

    def call(self, *_arguments: object, **_options: object) -> NoReturn:
        """Refuse: calls are not part of the language."""
        raise TemplateFailure("templates cannot call anything")

    def _iterate(self, value: object) -> Iterator[object]:
        if not isinstance(value, tuple):
            raise TemplateFailure(f"a loop needs a list, not {_describe(value)}")
        for item in cast("tuple[object, ...]", value):
            self.budget.take_step()
            yield item

    def _print(self, value: object, template: str, line: int) -> str:
        if isinstance(value, jinja2.Undefined):
            str(value)  # raises
        if not isinstance(value, (Code, Identifier, int)) or isinstance(value, bool):
            raise TemplateFailure(
                f"{_describe(value)} cannot be printed without a filter that makes it safe"
            )
        self.budget.take_step()
        piece = piece_of(value, template, line)
        self.budget.pieces.append(piece)
        return f"{START}{piece.text}{END}"

    def _count(self, name: str, call: Callable[..., Code]) -> Callable[..., object]:
        def apply(value: object, *arguments: object) -> Code:
            self.budget.take_step()
            if isinstance(value, jinja2.Undefined):
                str(value)  # raises
            try:
                return call(self.budget.take_text(value), *arguments)
            except (TypeError, AttributeError, ValueError):
                raise TemplateFailure(
                    f"the filter `{name}` cannot be used for {_describe(value)}"
                ) from None

        return _with_context(apply)


def _with_context(call: Callable[..., object]) -> Callable[..., object]:
    """Return a filter that Jinja does not run when it compiles a template."""

    def apply(_context: object, *arguments: object) -> object:
        return call(*arguments)

    return jinja2.pass_context(apply)


def _load(sources: Mapping[str, str], name: str) -> tuple[str, str, None] | None:
    return (sources[name], name, None) if name in sources else None


def _describe(value: object) -> str:
    """Return what a template would call a value."""
    known_object = contract.attributes_of(value)
    if known_object:
        return f"a `{known_object[0]}`"
    if isinstance(value, tuple):
        return "a list"
    return "raw text" if isinstance(value, str) else f"a value of the type {type(value).__name__}"


def _literal(value: object) -> Code:
    if isinstance(value, str):
        return literal(value)
    return _scalar(value, repr)


def _json(value: object) -> Code:
    if not isinstance(value, str):
        return FilteredText(_scalar(value, json.dumps), "json")
    text = json.dumps(value)
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return FilteredText(text, "json")


def _scalar(value: object, write: Callable[[object], str]) -> Code:
    if value is not None and not isinstance(value, int):
        raise TypeError("not a scalar")
    return Code(write(value))


def _doc(text: str, indent: int = 0) -> Code:
    _require(text, str)
    return FilteredText(filters.doc(text, indent), "doc")


def _cell(text: str) -> Code:
    _require(text, str)
    pieces = text.pieces if isinstance(text, Prose) else (text,)
    # An inline literal of ours is one in Markdown too.
    cells = (
        piece.replace("|", "\\|") if isinstance(piece, Code) else filters.cell(piece)
        for piece in pieces
    )
    return FilteredText("".join(cells), "markdown")


def _names(items: tuple[Code | Field, ...]) -> Code:
    _require(items, tuple)
    for item in items:
        _require(item, (Code, Identifier, Field))
    return filters.names(items)


def _wires(fields: tuple[Field, ...]) -> Code:
    _require(fields, tuple)
    for field in fields:
        _require(field, Field)
    return filters.wires(fields)


def _contract_cells(record: Record, package: Package) -> Code:
    _require(record, Record)
    _require(package, Package)
    return FilteredText(filters.contract_cells(record, package), "markdown")


def _require(value: object, types: type | tuple[type, ...]) -> None:
    if not isinstance(value, types):
        raise TypeError("a value has the wrong type")


_FILTERS: Mapping[str, Callable[..., Code]] = {
    "literal": _literal,
    "doc": _doc,
    "cell": _cell,
    "json": _json,
    "names": _names,
    "wires": _wires,
    "contract_cells": _contract_cells,
}
