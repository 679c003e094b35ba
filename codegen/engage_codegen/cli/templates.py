"""The command `templates`."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from ..config import Config
from ..errors import ConfigError, InputError
from ..schema.text import quote, suggest
from ..sources.interface import ApiKey
from .console import print_line, print_status, shorten
from .options import config_options, load_configs, run_for_targets
from .reporting import FindingReport, reports_findings

EXAMPLES = [
    "engage-codegen templates list",
    "engage-codegen templates copy pydantic-twin",
    "engage-codegen templates check",
]


@click.command("templates")
@click.argument("action", type=click.Choice(["list", "copy", "check", "contract"]))
@click.argument("name", required=False, default="")
@config_options
@reports_findings
def command(report: FindingReport, action: str, name: str, **options: object) -> int:
    """Copy and check templates of your own.

    They are in the folder that the configuration key `templates` names.

    list prints the names of the templates that can be replaced, and of the examples. copy NAME
    copies one of them into the folder; nothing is overwritten. check renders the templates with
    hostile schemas, compiles and type-checks the result, and says which promises of the package
    they take over. contract prints what a template can use. Works offline.
    """
    if bool(name) != (action == "copy"):
        needs_name = "copy needs a name: engage-codegen templates list"
        raise click.UsageError(needs_name if action == "copy" else f"{action} takes no name")
    if action == "contract":
        from ..render.own.contract import describe_contract

        for line in describe_contract().splitlines():
            print_line(line)
        return 0
    if action == "list":
        return _list_names()

    def run(config: Config, _key: ApiKey) -> int:
        return _copy(config, name) if action == "copy" else _check(config)

    return run_for_targets(load_configs(options), run, report)


def _list_names() -> int:
    from ..render.resources import example_templates, package_templates

    for name in package_templates():
        print_line(name)
    for name, templates in example_templates().items():
        print_line(f"{name}: example, {', '.join(templates)}")
    return 0


def _copy(config: Config, name: str) -> int:
    from ..filesystem import replace_files

    folder = _require_folder(config)
    texts = {folder / path: text for path, text in _texts_of(name).items()}
    for path in texts:
        if os.path.lexists(path):
            raise InputError("the template exists already", where=str(path), fix="edit the file")
    replace_files(texts, config.file.parent if config.file else None)
    for path in texts:
        print_status(f"wrote {shorten(path)}")
    return 0


def _texts_of(name: str) -> Mapping[str, str]:
    """Return the templates of a name, with the version of the contract: path -> text."""
    from ..render.own.contract import state_version
    from ..render.resources import example_templates, package_templates

    templates, examples = package_templates(), example_templates()
    if name in templates:
        return {name: state_version(templates[name])}
    if name in examples:
        return examples[name]
    raise InputError(
        f"there is no template {quote(name)}",
        where="engage-codegen",
        fix=suggest(name, [*templates, *examples]) or "engage-codegen templates list",
    )


def _require_folder(config: Config) -> Path:
    if config.templates is not None:
        return config.templates
    raise ConfigError(
        "no folder of templates is configured",
        where=str(config.file or "no pyproject.toml with a section [tool.engage-codegen]"),
        fix='add templates = "engage_templates" to the section',
    )


def _check(config: Config) -> int:
    from ..verify.templates import check_templates

    _require_folder(config)
    result = check_templates(config)
    for line in result.format_lines():
        print_line(line)
    print_status(result.verdict)
    return 0 if result.is_sound else 1
