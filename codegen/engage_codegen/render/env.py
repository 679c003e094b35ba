"""The Jinja environment, which reads the templates."""

import os

import jinja2

from .filters import FILTERS, only_code
from .resources import templates_folder


def environment() -> jinja2.Environment:
    """Return an environment without globals that refuses undefined names and raw text."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.join(templates_folder(), "package")),
        undefined=jinja2.StrictUndefined,
        finalize=only_code,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is Python; only_code is its autoescape  # nosec B701
    )
    env.globals.clear()
    env.filters.clear()
    env.filters.update(FILTERS)
    return env
