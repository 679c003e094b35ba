"""Additions to files that somebody else wrote: every byte that was there stays. Pure.

Each function returns the new text, or None where the addition cannot be made safely; it checks its
own result by parsing it. Line ends are those of the file.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

Table: TypeAlias = Mapping[str, object]


def with_table(text: str, name: str, lines: Sequence[str]) -> str | None:
    """A TOML file with one more table at its end."""
    block = "\n".join([f"[{name}]", *lines]) + "\n"
    new = _joined(text, block)
    expected = _toml(text)
    if expected is None:
        return None
    values = tomllib.loads(block)
    return new if _toml(new) == _merged(expected, values) else None


def with_item(text: str, table: str, key: str, item: str) -> str | None:
    """A TOML file with one more string at the beginning of an array; the array is made if the table
    is there."""
    before = _toml(text)
    header = re.search(rf"^\[{re.escape(table)}\][ \t]*(?:#[^\r\n]*)?(?=\r?$)", text, re.MULTILINE)
    if before is None or header is None:
        return None
    following = re.compile(r"^\[", re.MULTILINE).search(text, header.end())
    end = following.start() if following else len(text)
    opening = re.compile(rf"^{re.escape(key)}[ \t]*=[ \t]*\[", re.MULTILINE).search(
        text, header.end(), end
    )
    literal = json.dumps(item)
    if opening is None:
        new = f"{text[: header.end()]}{_newline(text)}{key} = [{literal}]{text[header.end() :]}"
    else:
        new = text[: opening.end()] + _in_array(text[opening.end() :], literal)
    expected = _merged(before, {})
    inner = cast("dict[str, Any]", expected)
    for part in table.split("."):
        inner = inner.get(part, {})  # the header may stand inside a string
    inner[key] = [item, *inner.get(key, [])]
    return new if _toml(new) == expected else None


def _in_array(rest: str, literal: str) -> str:
    """What follows a ``[``, with one more item in front."""
    own_lines = re.match(r"([ \t]*(?:#.*)?\r?\n)([ \t]*)", rest)
    if own_lines and not rest[own_lines.end() :].startswith("]"):
        first, indent = own_lines.groups()
        newline = "\r\n" if first.endswith("\r\n") else "\n"
        return f"{first}{indent}{literal},{newline}{rest[len(first) :]}"
    is_empty = re.match(r"\s*\]", rest)
    return f"{literal}{'' if is_empty else ', '}{rest}"


def with_tasks(text: str, tasks: Sequence[Mapping[str, object]]) -> str | None:
    """VS Code's tasks.json, which may have comments and trailing commas, with more tasks in front
    of those that it has."""
    parsed = _jsonc(text)
    if not isinstance(parsed, dict):
        return None
    found = cast("dict[str, object]", parsed)
    opening = list(re.finditer(r'"tasks"\s*:\s*\[', _blanked(text)))
    if len(opening) != 1:
        return None
    at = opening[0].end()
    newline = _newline(text)
    block = ",\n".join(_indented(json.dumps(task, indent=2), 4) for task in tasks)
    known = cast("list[object]", found.get("tasks", []))
    added = newline + block.replace("\n", newline) + ("," if known else "")
    new = text[:at] + added + text[at:]
    expected = {**found, "tasks": [*tasks, *known]}
    return new if _jsonc(new) == expected else None


def with_repo(text: str, entry: str) -> str | None:
    """A .pre-commit-config.yaml with one more item at the end of ``repos``; `entry` is that item,
    indented by two spaces."""
    import yaml

    try:
        parsed: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return None
    before = cast("dict[str, object]", parsed) if isinstance(parsed, dict) else {}
    repos = before.get("repos")
    if not isinstance(repos, list):
        return None
    start = re.search(r"^repos:[ \t]*(?:#.*)?\r?\n", text, re.MULTILINE)
    if start is None:
        return None
    following = re.compile(r"^[^\s#-]", re.MULTILINE).search(text, start.end())
    end = following.start() if following else len(text)
    first = re.compile(r"^([ \t]*)- ", re.MULTILINE).search(text, start.end(), end)
    indent = first[1] if first else "  "
    lines = [indent + line[2:] for line in entry.splitlines()]
    newline = _newline(text)
    used = re.match(r"(?s).*\S[^\n]*\n?", text[:end])
    at = used.end() if used else end
    new = text[:at] + ("" if text[:at].endswith("\n") else newline)
    new += newline.join(lines) + newline + text[at:]
    added = yaml.safe_load("repos:\n" + entry)["repos"]
    expected = {**before, "repos": [*cast("list[object]", repos), *added]}
    return new if yaml.safe_load(new) == expected else None


def with_line(text: str, line: str) -> str:
    """A file of lines with one more at its end, unless it has it."""
    return text if line in text.splitlines() else _joined(text, f"{line}\n", gap="")


def _joined(text: str, block: str, gap: str = "\n") -> str:
    newline = _newline(text)
    end = "" if not text or text.endswith("\n") else newline
    between = gap if text.strip() else ""
    return text + end + (between + block).replace("\n", newline)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _toml(text: str) -> Table | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _merged(one: Table, other: Table) -> dict[str, object]:
    """A deep copy of one with what the other has beside."""
    result: dict[str, object] = {}
    for key in {**one, **other}:
        mine, theirs = one.get(key), other.get(key)
        if isinstance(mine, dict) or isinstance(theirs, dict):
            result[key] = _merged(cast(Table, mine or {}), cast(Table, theirs or {}))
        else:
            result[key] = theirs if key in other else mine
    return result


_COMMENT_OR_STRING = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def _blanked(text: str) -> str:
    """The same length, without comments."""
    return _COMMENT_OR_STRING.sub(
        lambda it: it[0] if it[0][0] == '"' else re.sub(r"[^\n]", " ", it[0]), text
    )


def _jsonc(text: str) -> object:
    plain = _blanked(text)
    plain = re.sub(
        r'"(?:\\.|[^"\\])*"|,(?=\s*[\]}])', lambda it: it[0] if it[0] != "," else " ", plain
    )
    try:
        return cast(object, json.loads(plain))
    except ValueError:
        return None


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.splitlines())
