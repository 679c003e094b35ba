"""The registry of finding codes, as ``codes.toml`` lists them.

Everything that is said of a code comes from here: its severity, its title, ``lint --explain``, the
rules in SARIF, and the page of rules in the docs.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias, cast

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Rule:
    """One code: what a finding of it means, why that matters, and what to do.

    `fails` and `passes` are the smallest examples that raise the finding and that do not; both
    are empty for codes of failed runs. A finding can be waived if its rule is `waivable`. `page` is
    the page of the documentation that says more, or empty.
    """

    code: str
    severity: Severity
    title: str
    help: str
    remedy: str
    fails: str = ""
    passes: str = ""
    waivable: bool = True
    page: str = ""


@cache
def rules() -> Mapping[str, Rule]:
    """Return every rule by its code, sorted."""
    path = os.path.join(os.path.dirname(__file__), "codes.toml")
    with open(path, "rb") as file:
        tables = cast("dict[str, dict[str, str]]", tomllib.load(file))
    return {code: _rule(code, tables[code]) for code in sorted(tables)}


@cache
def documentation_url() -> str:
    """Return the URL of the documentation as the installed distribution names it, or ""."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        urls = metadata("engage-codegen").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    links = dict(url.split(", ", 1) for url in urls if ", " in url)
    return str(links.get("Documentation", "")).rstrip("/")


def severity_of(code: str) -> Severity:
    """Return the severity of a code."""
    return rules()[code].severity


def _rule(code: str, table: Mapping[str, str]) -> Rule:
    severities: dict[str, Severity] = {name: name for name in SEVERITIES}
    return Rule(
        code,
        severities[table["severity"]],
        table["title"],
        table["help"],
        table["remedy"],
        table.get("fails", ""),
        table.get("passes", ""),
        bool(table.get("waivable", True)),
        table.get("page", ""),
    )
