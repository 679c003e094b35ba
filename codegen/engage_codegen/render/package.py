"""Model -> texts. Pure but for the templates, which `env` reads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import jinja2

from ..errors import RenderError
from ..model.ir import Package
from .style import formatted

Style: TypeAlias = Callable[[str, str], str]
"""A source and its template -> the source as black lays it out."""


def render(
    package: Package,
    parts: Sequence[str],
    env: jinja2.Environment,
    known: Collection[str] = (),
    *,
    style: Style = formatted,
) -> dict[str, str]:
    """The files of a package that are made from templates, with some `parts`, but for the paths
    that are `known`: path -> text."""
    texts = {"INDEX.md": _text(env, "INDEX.md.jinja", {"package": package})}
    sources = {
        path: (template, _text(env, template, {}))
        for path in ("__init__.py", *(f"{part}.py" for part in parts))
        if path not in known
        for template in (f"{path}.jinja",)
    }
    for record in package.records:
        sources[f"{record.names.module}.py"] = _MODULE, _text(env, _MODULE, {"record": record})
    return texts | {path: style(text, template) for path, (template, text) in sources.items()}


_MODULE = "module.py.jinja"


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
