"""Model -> texts. Pure but for the templates, which `env` reads."""

from collections.abc import Mapping, Sequence

import jinja2

from ..errors import RenderError
from ..model.ir import Package, Record
from .style import formatted


def render(package: Package, parts: Sequence[str], env: jinja2.Environment) -> dict[str, str]:
    """The files of a package that are made from templates, with some `parts`: path -> text."""
    texts = {
        "__init__.py": _python(env, "__init__.py.jinja", {}),
        "INDEX.md": _text(env, "INDEX.md.jinja", {"package": package}),
    }
    for part in parts:
        texts[f"{part}.py"] = _python(env, f"{part}.py.jinja", {})
    for record in package.records:
        texts[f"{record.names.module}.py"] = module(record, env)
    return texts


def module(record: Record, env: jinja2.Environment) -> str:
    """The module of one schema."""
    return _python(env, "module.py.jinja", {"record": record})


def _python(env: jinja2.Environment, template: str, values: Mapping[str, object]) -> str:
    return formatted(_text(env, template, values), template)


def _text(env: jinja2.Environment, template: str, values: Mapping[str, object]) -> str:
    try:
        return env.get_template(template).render(values)
    except jinja2.TemplateError as error:
        where = f"{error.name or template}:{getattr(error, 'lineno', '?')}"  # type: ignore
        raise RenderError(f"a template failed: {error}", where=where, fix="report this") from error
    except TypeError as error:
        raise RenderError(
            f"a template failed: {error}", where=template, fix="report this"
        ) from error
