"""Raw values -> typed values. Each error names the place of the value."""

import keyword
import os
import re
from datetime import date, datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias, cast

from ..errors import ConfigError, Location
from ..filesystem import is_inside
from ..findings.waivers import Waiver
from ..schema.envelope import DIALECTS, Dialect
from ..schema.text import UNSAFE_IN_TEXT, quote
from .project import is_in_project

SECTION = "tool.engage-codegen"

PARTS = ("bulk", "outbox", "postgres", "testing")
"""The optional parts of a package."""

HttpLibrary: TypeAlias = Literal["httpx", "httpx2"]
"""The HTTP library of a package."""

HTTP_LIBRARIES: tuple[HttpLibrary, ...] = ("httpx", "httpx2")


MAX_TIMEOUT = 86400
_MAX_PATHS = 100

_OUTPUT = re.compile(r"(\w[\w.-]*/)*\w+")

Build: TypeAlias = Literal["check", "generate"]
"""What a build hook does before a build."""


class Value(NamedTuple):
    """A raw value, and where it comes from.

    `name` is the key, flag or environment variable, and `place` the same with its file. Paths are
    relative to `folder`. `location` is the line of the configuration file, if there is one.
    """

    raw: object
    name: str
    place: str
    folder: Path
    location: Location = Location()

    def error(self, message: str, fix: str) -> ConfigError:
        """Return the error for this value."""
        return ConfigError(message, where=self.place, fix=fix, location=self.location)


def parse_text(value: Value) -> str:
    if not isinstance(value.raw, str) or UNSAFE_IN_TEXT.search(value.raw):
        raise value.error(f"{value.name} must be a string on one line", "put it in quotes")
    return value.raw.strip()


def parse_api_version(value: Value) -> str:
    if value.raw not in ("v2", "v3"):
        raise value.error(f"{value.name} must be v2 or v3", "use v3, or remove the key")
    return parse_text(value)


def parse_dialect(value: Value) -> Dialect:
    for dialect in DIALECTS:
        if value.raw == dialect:
            return dialect
    raise value.error(
        f"unknown dialect {quote(str(value.raw))}", f"the dialects are {' and '.join(DIALECTS)}"
    )


def parse_http(value: Value) -> HttpLibrary:
    for library in HTTP_LIBRARIES:
        if value.raw == library:
            return library
    raise value.error(
        f"unknown HTTP library {quote(str(value.raw))}",
        f"the libraries are {' and '.join(HTTP_LIBRARIES)}",
    )


def parse_build(value: Value) -> Build:
    for build in ("check", "generate"):
        if value.raw == build:
            return build
    raise value.error(
        f"unknown action of the build hook: {quote(str(value.raw))}",
        "use check (the default) or generate",
    )


def parse_timeout(value: Value) -> float:
    seconds = value.raw
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        seconds = 0
    if not 0 < seconds <= MAX_TIMEOUT:
        raise value.error(
            f"{value.name} must be a number of seconds between 0 and {MAX_TIMEOUT}",
            "use a number such as 120, the default",
        )
    return float(seconds)


def parse_output(value: Value) -> Path:
    """Return the absolute path of the package folder.

    A file is not trusted: it can only name a folder below its own. A link never leads elsewhere.
    """
    text = parse_text(value)
    path = Path(os.path.abspath(value.folder / text))
    if value.folder.is_relative_to(path):
        raise value.error(
            "the output must be the package folder itself, not a folder with other files",
            "end it with a package name, such as src/acme/engage_interactions",
        )
    if not path.name.isidentifier() or keyword.iskeyword(path.name):
        raise value.error(
            f"the output is the package folder itself, and {quote(path.name)} is no package name",
            "end it with a package name, such as src/acme/engage_interactions",
        )
    if value.name == "`output`" and not _OUTPUT.fullmatch(_relative(path, value.folder)):
        raise value.error(
            f"the output {quote(text)} must be a path below the folder of the file, of names and /",
            "write it like src/acme/engage_interactions; to write elsewhere, pass --output",
        )
    if not is_inside(path, value.folder):
        raise value.error(
            f"the output {quote(text)} is outside of the project: a link leads to "
            f"{quote(os.path.realpath(path))}",
            "replace the link by a folder of the project",
        )
    return path


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def parse_paths(value: Value) -> tuple[Path, ...]:
    """Return the absolute paths of schema files and folders.

    A file is not trusted: it can only name what is in its repository.
    """
    raw = [value.raw] if isinstance(value.raw, str) else value.raw
    if not isinstance(raw, (list, tuple)):
        raise value.error(
            f"{value.name} must be a path or a list of paths", 'write schemas = ["schemas"]'
        )
    items = cast("list[object]", raw)
    if len(items) > _MAX_PATHS:
        raise value.error(f"{value.name} has more than {_MAX_PATHS} paths", "name their folders")
    return tuple(_parse_path(value._replace(raw=item)) for item in items)


def _parse_path(value: Value) -> Path:
    text = parse_text(value)
    path = Path(os.path.abspath(value.folder / text))
    if value.name == "`schemas`" and not is_in_project(path, value.folder):
        raise value.error(
            f"the path {quote(text)} of `schemas` leads out of the repository of the project",
            "copy the schemas into the repository, or pass --schemas or ENGAGE_CODEGEN_SCHEMAS, "
            "which can name any path",
        )
    return path


def parse_folder(value: Value) -> Path | None:
    """Return the absolute path of a folder in the repository, or None for an empty text."""
    text = parse_text(value)
    if not text:
        return None
    path = Path(os.path.abspath(value.folder / text))
    if not is_in_project(path, value.folder):
        raise value.error(
            f"the path {quote(text)} of {value.name} leads out of the repository of the project",
            "move the folder into the repository",
        )
    return path


def parse_parts(value: Value) -> tuple[str, ...]:
    raw = cast("list[object]", value.raw) if isinstance(value.raw, list) else [value.raw]
    for part in raw:
        if part not in PARTS:
            raise value.error(
                f"unknown optional part {quote(str(part))}", f"the parts are {', '.join(PARTS)}"
            )
    return tuple(sorted({str(part) for part in raw}))


def parse_renames(value: Value) -> dict[str, str]:
    if not isinstance(value.raw, dict):
        raise value.error(
            f"{value.name} must be a table of names",
            f'write [{SECTION}.renames] and below it lines like "id" = "name"',
        )
    table = cast("dict[str, object]", value.raw)
    for key, name in table.items():
        if not isinstance(name, str) or not name.isascii() or not name.isidentifier():
            raise value.error(
                f"the name {quote(str(name))} for {quote(key)} is not a Python identifier",
                "use ASCII letters, digits and '_'",
            )
    return {key: str(name) for key, name in sorted(table.items())}


def parse_waivers(value: Value) -> tuple[Waiver, ...]:
    """Return the waivers in a list of tables with `finding`, `reason`, `until` and `owner`."""
    raw = cast("list[object]", value.raw) if isinstance(value.raw, list) else [value.raw]
    return tuple(_waiver(value._replace(raw=item)) for item in raw)


def _waiver(value: Value) -> Waiver:
    from ..findings.codes import rules
    from ..findings.finding import is_fingerprint

    table = cast("dict[str, object]", value.raw) if isinstance(value.raw, dict) else {}
    finding, reason, until = (table.get(key) for key in ("finding", "reason", "until"))
    owner = table.get("owner", "nobody")
    problem = ""
    if set(table) - {"owner"} != {"finding", "reason", "until"}:
        problem = "a waiver must have the keys finding, reason and until, and can have owner"
    elif not isinstance(finding, str) or not is_fingerprint(finding):
        problem = f"{quote(str(finding))} is not the id of a finding"
    elif (rule := rules().get(finding.partition(":")[0])) and not rule.waivable:
        raise value.error(f"findings of {rule.code} cannot be waived", "remove the waiver")
    elif not isinstance(reason, str) or not reason.strip():
        problem = f"the waiver of {finding} has no reason"
    elif not isinstance(owner, str) or not owner.strip():
        problem = f"`owner` of the waiver of {finding} must name somebody"
    elif not isinstance(until, date) or isinstance(until, datetime):
        problem = f"`until` of the waiver of {finding} is {quote(str(until))}, which is not a date"
    else:
        names = " ".join(owner.split()) if "owner" in table else ""
        return Waiver(finding, " ".join(reason.split()), until, owner=names)
    raise value.error(
        problem,
        f'write [[{SECTION}.waivers]] and below it finding = "EG301:0123456789abcdef", '
        'reason = "…" and until = 2030-12-31',
    )
