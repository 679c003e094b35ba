"""Formatting: black as a library, with settings of ours, whatever the user's project says."""

from collections.abc import Mapping

import black
from black.mode import Mode, TargetVersion
from black.parsing import InvalidInput

from ..errors import RenderError

_MODE = Mode(target_versions={TargetVersion.PY311}, line_length=88)


def formatted(source: str, template: str) -> str:
    """The module in black's style. Raises `RenderError` for text that is no Python."""
    try:
        return black.format_str(source, mode=_MODE)
    except (InvalidInput, SyntaxError) as error:
        raise RenderError(
            f"the template made text that is no Python: {error}",
            where=template,
            fix="this is a bug in engage-codegen; report it, with the schema",
        ) from error


def all_formatted(sources: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Many modules: path -> template and source, to path -> text. Where it pays, on all cores."""
    return {path: formatted(source, template) for path, (template, source) in sources.items()}
