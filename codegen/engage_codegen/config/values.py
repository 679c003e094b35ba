"""Raw values -> what they stand for; each error names the place that the value stands in."""

import keyword
import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal, TypeAlias, cast

from ..errors import ConfigError
from ..findings.waivers import Waiver
from ..schema.envelope import DIALECTS, Dialect
from ..schema.text import quote

SECTION = "tool.engage-codegen"

PARTS = ("bulk", "outbox", "testing")
"""The parts of a package that can be left out."""


Build: TypeAlias = Literal["check", "generate"]
"""What a build hook does."""


@dataclass(frozen=True, slots=True)
class Value:
    """A raw value, and what to call the place it stands in; paths are relative to `folder`."""

    raw: object
    place: str
    folder: Path


def text(value: Value) -> str:
    if not isinstance(value.raw, str) or not value.raw.isprintable():
        raise ConfigError(
            "the value has to be a string on one line", where=value.place, fix="put it in quotes"
        )
    return value.raw.strip()


def api_version(value: Value) -> str:
    if value.raw not in ("v2", "v3"):
        raise ConfigError(
            "the value has to be v2 or v3", where=value.place, fix="use v3, or leave it out"
        )
    return text(value)


def dialect(value: Value) -> Dialect:
    for dialect in DIALECTS:
        if value.raw == dialect:
            return dialect
    raise ConfigError(
        f"there is no dialect {quote(str(value.raw))}",
        where=value.place,
        fix=f"the dialects are {' and '.join(DIALECTS)}",
    )


def build(value: Value) -> Build:
    for build in ("check", "generate"):
        if value.raw == build:
            return build
    raise ConfigError(
        f"a build hook does not know {quote(str(value.raw))}",
        where=value.place,
        fix="write check, which is the default, or generate",
    )


def output(value: Value) -> Path:
    path = Path(os.path.abspath(value.folder / text(value)))
    if value.folder.is_relative_to(path):
        raise ConfigError(
            "the output is the package folder itself, not a folder that other things are in",
            where=value.place,
            fix="end it in a Python package name, like src/acme/engage_interactions",
        )
    if not path.name.isidentifier() or keyword.iskeyword(path.name):
        raise ConfigError(
            f"the output {quote(path.name)} cannot be imported: it is the package folder itself",
            where=value.place,
            fix="end it in a Python package name, like src/acme/engage_interactions",
        )
    return path


def paths(value: Value) -> tuple[Path, ...]:
    raw = [value.raw] if isinstance(value.raw, str) else value.raw
    if not isinstance(raw, (list, tuple)):
        raise ConfigError(
            "the value has to be a path or a list of paths",
            where=value.place,
            fix='write it like schemas = ["schemas"]',
        )
    items = cast("list[object]", raw)
    return tuple(
        Path(os.path.abspath(value.folder / text(Value(item, value.place, value.folder))))
        for item in items
    )


def parts(value: Value) -> tuple[str, ...]:
    raw = cast("list[object]", value.raw) if isinstance(value.raw, list) else [value.raw]
    for part in raw:
        if part not in PARTS:
            raise ConfigError(
                f"there is no part {quote(str(part))} to leave out",
                where=value.place,
                fix=f"the parts are {', '.join(PARTS)}",
            )
    return tuple(sorted({str(part) for part in raw}))


def renames(value: Value) -> dict[str, str]:
    if not isinstance(value.raw, dict):
        raise ConfigError(
            "the value has to be a table of names",
            where=value.place,
            fix=f'write [{SECTION}.renames] and below it lines like "id" = "name"',
        )
    table = cast("dict[str, object]", value.raw)
    for key, name in table.items():
        if not isinstance(name, str) or not name.isascii() or not name.isidentifier():
            raise ConfigError(
                f"the name {quote(str(name))} for {quote(key)} is no Python identifier",
                where=value.place,
                fix="use ASCII letters, digits and '_'",
            )
    return {key: str(name) for key, name in sorted(table.items())}


def waivers(value: Value) -> tuple[Waiver, ...]:
    """The list of tables with `finding`, `reason` and `until`."""
    raw = cast("list[object]", value.raw) if isinstance(value.raw, list) else [value.raw]
    return tuple(_waiver(Value(item, value.place, value.folder)) for item in raw)


def _waiver(value: Value) -> Waiver:
    from ..findings.finding import is_fingerprint

    table = cast("dict[str, object]", value.raw) if isinstance(value.raw, dict) else {}
    finding, reason, until = (table.get(key) for key in ("finding", "reason", "until"))
    problem = ""
    if set(table) != {"finding", "reason", "until"}:
        problem = "a waiver has the keys finding, reason and until, and no others"
    elif not isinstance(finding, str) or not is_fingerprint(finding):
        problem = f"{quote(str(finding))} is no fingerprint of a finding"
    elif not isinstance(reason, str) or not reason.strip():
        problem = f"the waiver of {finding} has no reason"
    elif not isinstance(until, date) or isinstance(until, datetime):
        problem = f"the waiver of {finding} ends at {quote(str(until))}, which is no date"
    else:
        return Waiver(finding, " ".join(reason.split()), until)
    raise ConfigError(
        problem,
        where=value.place,
        fix=f'write [[{SECTION}.waivers]] and below it finding = "EG301:0123456789abcdef", '
        'reason = "…" and until = 2030-12-31',
    )
