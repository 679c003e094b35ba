"""The Jinja environment. The one module of rendering that reads files: the templates."""

import os
from collections.abc import Sequence

import jinja2

from ..resources import template_files, templates_folder
from .filters import FILTERS, only_code


def environment() -> jinja2.Environment:
    """Templates see no globals, refuse undefined names and refuse raw text."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.join(templates_folder(), "package")),
        undefined=jinja2.StrictUndefined,
        finalize=only_code,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is Python; only_code is its autoescape
    )
    env.globals.clear()
    env.filters.clear()
    env.filters.update(FILTERS)
    return env


def runtime(without: Sequence[str]) -> dict[str, str]:
    """The runtime, as it is copied into a package `without` some parts: path -> text."""
    texts: dict[str, str] = {}
    for name, path in template_files().items():
        folder, _, file = name.partition("/")
        # A part is a module of its name, and others whose names begin with it.
        if folder == "runtime" and file.removesuffix(".py").partition("_")[0] not in without:
            with open(path, encoding="utf-8") as source:
                texts[f"_runtime/{file}"] = source.read()
    return texts
