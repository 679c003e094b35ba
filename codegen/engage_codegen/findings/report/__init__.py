"""Findings as text for people, JSON for programs, SARIF for dashboards, annotations for GitHub."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from ..finding import Finding

OutputFormat: TypeAlias = Literal["text", "json", "sarif", "github"]
FORMATS: tuple[OutputFormat, ...] = ("text", "json", "sarif", "github")

Verdicts: TypeAlias = Mapping[tuple[str, str, str], str]
"""Package, schema id and tenant -> SAFE, BREAKS or UNKNOWN."""


def render_report(
    findings: Sequence[Finding],
    output_format: OutputFormat,
    *,
    color: bool = False,
    verdicts: Verdicts | None = None,
) -> str:
    """Return all findings as one text that ends in a newline.

    Text and annotations are empty without findings. `color` applies to text, and `verdicts`, those
    of `preflight`, to JSON.
    """
    # Imported here, because most runs have nothing to report.
    if output_format == "json":
        from . import json

        return json.render(findings, verdicts)
    if output_format == "sarif":
        from . import sarif

        return sarif.render(findings)
    if output_format == "github":
        from . import github

        return github.render(findings)
    from . import text

    return text.render(findings, color=color)
