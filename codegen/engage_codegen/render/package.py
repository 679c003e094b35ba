"""Model -> texts: every file of a package, path -> text."""

from collections.abc import Collection, Mapping

import jinja2

from ..errors import RenderError
from ..model.ir import Package
from .env import environment
from .format import format_module
from .resources import copied_files

_MODULE = "module.py.jinja"


def render_package(package: Package, without: Collection[str]) -> dict[str, str]:
    """Return every file of a package but its snapshot: path below the package -> text.

    `without` names the optional parts that are left out. Raises `RenderError`.
    """
    env = environment()
    texts = copied_files(without)
    texts["INDEX.md"] = _render(env, "INDEX.md.jinja", {"package": package})
    for record in package.records:
        source = _render(env, _MODULE, {"record": record})
        texts[f"{record.names.module}.py"] = format_module(source, _MODULE)
    return texts


def _render(env: jinja2.Environment, template: str, values: Mapping[str, object]) -> str:
    try:
        return env.get_template(template).render(values)
    except jinja2.TemplateError as error:
        where = f"{error.name or template}:{getattr(error, 'lineno', '?')}"  # type: ignore
        raise RenderError(f"a template failed: {error}", where=where, fix="report this") from error
    except TypeError as error:
        raise RenderError(
            f"a template failed: {error}", where=template, fix="report this"
        ) from error
