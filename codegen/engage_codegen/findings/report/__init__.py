"""Findings in the formats of people, programs, dashboards and CI systems."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from ...schema.jsontext import Json
from ..finding import Finding

OutputFormat: TypeAlias = Literal["text", "json", "sarif", "github", "gitlab", "junit"]
FORMATS: tuple[OutputFormat, ...] = ("text", "json", "sarif", "github", "gitlab", "junit")

Verdicts: TypeAlias = Mapping[tuple[str, str, str], str]
"""Package, schema id and tenant -> SAFE, BREAKS or UNKNOWN."""


class TenantRow(NamedTuple):
    """A tenant that the command talked to.

    `name` is that of the target, empty if there is only one. `origin` is the file and key, the
    variable or the flag that named the tenant. `replaced_url` is the URL of the configuration file
    if the environment replaced it, and else empty.
    """

    name: str
    url: str
    origin: str
    replaced_url: str = ""

    def describe(self) -> str:
        """Return the row as one line."""
        name = f" {self.name}" if self.name else ""
        return f"tenant{name}: {self.url} (from {self.origin})"


def render_report(
    findings: Sequence[Finding],
    output_format: OutputFormat,
    *,
    color: bool = False,
    verdicts: Verdicts | None = None,
    tenants: Sequence[TenantRow] = (),
    plans: Sequence[Json] | None = None,
) -> str:
    """Return all findings as one text that ends in a newline.

    Text is empty without findings, and annotations without findings and tenants. `color` applies to
    text, `verdicts` and `plans`, those of `preflight` and `push`, to JSON, and `tenants` to all
    formats but text, whose reader sees them on stderr, and GitLab's, which has no place for them.
    """
    # Imported here, because most runs have nothing to report.
    if output_format == "json":
        from . import json

        return json.render(findings, verdicts, tenants, plans)
    if output_format == "sarif":
        from . import sarif

        return sarif.render(findings, tenants)
    if output_format == "github":
        from . import github

        return github.render(findings, tenants)
    if output_format == "gitlab":
        from . import gitlab

        return gitlab.render(findings)
    if output_format == "junit":
        from . import junit

        return junit.render(findings, tenants)
    from . import text

    return text.render(findings, color=color)
