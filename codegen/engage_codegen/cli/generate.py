"""The command `generate`."""

from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import pipeline
from ..config import Config
from ..errors import CodegenError
from ..output.lockfile import FOLDER
from ..sources.interface import ApiKey
from .console import count, print_status, shorten
from .options import config_options, load_configs, run_for_targets
from .reporting import FindingReport, reports_findings

if TYPE_CHECKING:
    from ..verbs.watch import WatchedPaths

EXAMPLES = ["engage-codegen generate", "engage-codegen generate --watch"]


@click.command("generate")
@config_options
@click.option("--force", is_flag=True, help="Discard hand edits in generated files.")
@click.option(
    "--allow-removal", is_flag=True, help="Delete more than one module whose schema is gone."
)
@click.option("--watch", is_flag=True, help="Generate again whenever a schema changes.")
@reports_findings
def command(
    report: FindingReport, force: bool, allow_removal: bool, watch: bool, **options: object
) -> int:
    """Write the package from the snapshot. Works offline.

    A generated file that was edited by hand is never overwritten without --force, which names all
    of them first. More than one module whose schema is gone is only deleted with --allow-removal,
    unless pull removed the schemas. With --watch the command runs until Ctrl-C: each change of the
    schemas, contracts, templates or the configuration is generated at once, and an error is shown
    and leaves the last good package.
    """

    def generate_target(config: Config, _key: ApiKey) -> int:
        return _generate_target(config, force=force, allow_removal=allow_removal)

    if watch:
        return _watch(report, generate_target, options)
    return run_for_targets(load_configs(options), generate_target, report)


def _generate_target(config: Config, *, force: bool, allow_removal: bool) -> int:
    result = pipeline.generate(
        config, force=force, allow_removal=allow_removal, on_discard=_print_discarded
    )
    if result.completed_interrupted:
        print_status("completed a run that had been interrupted")
    if result.is_ignored:
        print_status(f"warning: git ignores {shorten(config.output)}, so it is not checked in")
    if not result.written and not result.deleted:
        print_status(f"up to date: {count(result.schemas, 'schema')}")
        return 0
    for word, paths in (("wrote", result.written), ("deleted", result.deleted)):
        for path in paths:
            print_status(f"{word:9}{path}", 2)
    deleted = f", deleted {len(result.deleted)}" if result.deleted else ""
    files = count(len(result.written), "file")
    schemas = count(result.schemas, "schema")
    print_status(f"{schemas}: wrote {files}{deleted} in {shorten(config.output)}")
    if config.output / "__init__.py" in {config.output / path for path in result.written}:
        name = _import_name(config.output)
        print_status(f"next: from {name} import EngageClient (engage-codegen docs package)")
    return 0


def _import_name(output: Path) -> str:
    """Return the name by which Python imports a package, with the packages that it is in."""
    packages = takewhile(lambda folder: (folder / "__init__.py").is_file(), output.parents)
    return ".".join(reversed([output.name, *(folder.name for folder in packages)]))


def _print_discarded(paths: tuple[Path, ...]) -> None:
    for path in paths:
        print_status(f"discarding the hand edit of {shorten(path)}", 0)


def _watch(
    report: FindingReport,
    generate_target: Callable[[Config, ApiKey], int],
    options: Mapping[str, object],
) -> int:
    """Run one round for each change. Editors rely on the lines that begin and end a round."""
    try:
        from ..verbs.watch import WatchedPaths, watch_changes
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"--watch needs {error.name}: install engage-codegen[watch]"
        ) from None
    configs = load_configs(options)
    files = {config.file for config in configs if config.file}

    def watched_paths() -> "WatchedPaths":
        sources = [
            path for config in configs for path in config.schemas or [config.output / FOLDER]
        ]
        folders = {folder for item in configs for folder in (item.contracts, item.templates)}
        return WatchedPaths([*sources, *sorted(files)], sorted(filter(None, folders)))

    try:
        for changed in watch_changes(watched_paths):
            print_status(f"changed: {', '.join(map(shorten, changed)) or 'nothing yet'}", 0)
            round_report = FindingReport(report.output_format)
            try:
                configs = load_configs(options)
                run_for_targets(configs, generate_target, round_report)
            except CodegenError as error:
                round_report.add_error(error)
            round_report.print()
            watched = watched_paths()
            paths = [*watched.paths, *watched.whole_folders]
            print_status(f"watching {', '.join(map(shorten, paths))}", 0)
    except KeyboardInterrupt:
        print_status("stopped")
    return 0
