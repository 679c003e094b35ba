"""Templates of a project and the model -> texts. Pure."""

import traceback
from collections.abc import Mapping, Sequence
from functools import cache

import jinja2

from ...errors import TemplateError
from ...model.ir import Package, Record
from ...schema.text import escape
from ..format import format_any_module
from . import sources
from .contract import require_version
from .language import ORIGINAL
from .pieces import find_misplacement, split_pieces
from .sandbox import Budget, OwnEnvironment, TemplateFailure
from .sources import OwnTemplates

_MAX_BYTES, _MAX_PYTHON_BYTES = 4_000_000, 1_000_000
"""The largest file that a template can make. Larger ones are not read back, or take black long."""
_MAX_FILES = 10_000


class OwnRenderer:
    """Renders a package by the templates of a project, and those of the tool that they change.

    Raises `TemplateError` for a template that cannot be used, whether it is rendered or not.
    """

    def __init__(
        self, templates: OwnTemplates, original: Mapping[str, str], package: Package
    ) -> None:
        sources.check_names(templates, original)
        for name, text in sorted(templates.texts.items()):
            require_version(text, templates.place(name))
        self._templates = templates
        self._package = package
        self._steps = 1_000_000 + 20_000 * len(package.records)
        self._characters = 10_000_000 + 100_000 * len(package.records)
        originals = {f"{ORIGINAL}{name}": text for name, text in original.items()}
        self._sources = {**original, **originals, **templates.texts}
        self._environment = OwnEnvironment(self._sources)
        includes = {
            name: self._compile(name) if name in templates.texts else _included_names(text)
            for name, text in sorted(self._sources.items())
        }
        self._check_includes(includes)

    def render_files(self) -> dict[str, str]:
        """Return the files that templates add to the package: path -> text."""
        records = {str(record.schema_id): record for record in self._package.records}
        modules = {schema_id: record.names.module for schema_id, record in records.items()}
        files = dict(sources.added_files(self._templates.texts, modules))
        if len(files) > _MAX_FILES:
            name = next(iter(files.values())).template
            message = f"the templates make more than {_MAX_FILES:,} files"
            raise self._templates.error(name, message, "remove templates")
        return {
            path: self.render(file.template, path, records.get(file.schema_id))
            for path, file in files.items()
        }

    def render(self, name: str, path: str, record: Record | None = None) -> str:
        """Return the text of one file, `path` below the package. Raises `TemplateError`."""
        values: dict[str, object] = {"package": self._package}
        if record is not None:
            values["record"] = record
        budget = self._take_budget([record] if record else self._package.records)
        try:
            output = self._join(name, values, budget)
        except Exception as error:
            raise self._describe(error, name) from None
        self._steps -= budget.used_steps
        self._characters -= budget.used_characters
        text, spans = split_pieces(output)
        is_python = path.endswith((".py", ".pyi"))
        limit = _MAX_PYTHON_BYTES if is_python else _MAX_BYTES
        if len(text.encode("utf-8", "replace")) > limit:
            raise self._templates.error(name, f"{path} is larger than {limit:,} bytes", _SPLIT)
        if not is_python:
            return text
        problem = find_misplacement(text, budget.pieces, spans)
        if problem is not None:
            template = problem.template or name
            message = f"{escape(problem.message)} (in {path})"
            raise self._error(template, message, problem.line, name)
        try:
            return format_any_module(text, is_stub=path.endswith(".pyi"))
        except Exception as error:  # whatever black raises for text that Python accepts
            message = f"black cannot format the output: {escape(str(error))[:200]} (in {path})"
            raise self._error(name, message, 1, name) from None

    def _take_budget(self, records: Sequence[Record]) -> Budget:
        """Return the budget of a file: much more than any needs, and at most what is left of that
        of the package."""
        file_steps, file_characters = _limits_of(records)
        budget = Budget(min(file_steps, self._steps), min(file_characters, self._characters))
        self._environment.budget = budget
        return budget

    def _join(self, name: str, values: Mapping[str, object], budget: Budget) -> str:
        template = self._environment.get_template(name)
        return "".join(budget.take_text(part) for part in template.generate(values))

    def _compile(self, name: str) -> list[str]:
        try:
            return self._environment.compile_checked(self._sources[name], name)
        except Exception as error:
            raise self._describe(error, name) from None

    def _check_includes(self, includes: Mapping[str, list[str]]) -> None:
        """Raise `TemplateError` for an include of a missing template, or of the template itself."""
        done: set[str] = set()

        def visit(name: str, path: tuple[str, ...]) -> None:
            for included in includes[name]:
                if included not in includes:
                    message = f"there is no template {included!r} to include"
                    raise self._error(name, message, self._find_line(name, included), name)
                if included in (*path, name):
                    message = f"the template {included!r} includes itself"
                    raise self._error(name, message, self._find_line(name, included), name)
                if included not in done:
                    visit(included, (*path, name))
            done.add(name)

        for name in includes:
            visit(name, ())

    def _find_line(self, name: str, text: str) -> int:
        lines = self._sources[name].split("\n")
        return next((number for number, line in enumerate(lines, 1) if text in line), 1)

    def _describe(self, error: Exception, name: str) -> TemplateError:
        """Return the error for whatever a template raised, at its line."""
        if isinstance(error, jinja2.TemplateSyntaxError):
            return self._error(error.name or name, error.message or "", error.lineno, name)
        template, line = name, 1
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in self._sources:
                template, line = frame.filename, frame.lineno or 1
        if isinstance(error, (jinja2.UndefinedError, TemplateFailure)):
            message = str(error)
        elif isinstance(error, (RecursionError, MemoryError, SyntaxError)):
            message = "the template is nested too deeply"
        else:
            message = f"{type(error).__name__}: {error}"
        return self._error(template, escape(message), line, name)

    def _error(self, name: str, message: str, line: int, rendered: str) -> TemplateError:
        """Return the error at a line of a template that `rendered` includes, or of itself."""
        if name in self._templates.texts:
            return self._templates.error(name, message, _FIX, line)
        # A template of engage-codegen fails only because of what a template of the project did.
        message = f"{message} (in {name}, line {line}, of engage-codegen)"
        replaced = sorted(key for key in self._templates.texts if "/" not in key)
        is_own = rendered in self._templates.texts or not replaced
        return self._templates.error(rendered if is_own else replaced[0], message, _FIX)


@cache
def _included_names(text: str) -> list[str]:
    """Return the names that a template of engage-codegen includes."""
    return OwnEnvironment({}).compile_checked(text, "")


_FIX = "correct the template; engage-codegen templates contract prints what a template can use"
_SPLIT = "let the template make less, or a file for each schema"


def _limits_of(records: Sequence[Record]) -> tuple[int, int]:
    """Return the steps and the characters for a file about these records."""
    fields = [field for record in records for field in record.fields]
    texts = sum(len(field.doc) + len(field.annotation) + len(field.rule) for field in fields)
    texts += sum(len(record.title) + len(record.doc) for record in records)
    steps = 50_000 + 1_000 * len(records) + 300 * len(fields)
    return steps, 500_000 + 20_000 * len(records) + 1_000 * len(fields) + 30 * texts
