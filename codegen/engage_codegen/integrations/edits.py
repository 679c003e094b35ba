"""Edits of files that the user wrote. Every byte of the file stays, except for a replaced value.

Each function returns the new text, or None if the edit cannot be made safely. It checks its own
result by parsing it. Additions get the line ends of the file. Pure.
"""

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ..config import parse_toml

if TYPE_CHECKING:
    from yaml import Node

Table: TypeAlias = Mapping[str, object]


def append_table(text: str, name: str, lines: Sequence[str]) -> str | None:
    """Return a TOML file with another table at its end."""
    block = "\n".join([f"[{name}]", *lines]) + "\n"
    new = _append_block(text, block)
    before = _parse_toml(text)
    if before is None:
        return None
    return new if _parse_toml(new) == _merge(before, parse_toml(block)) else None


def replace_value(text: str, table: str, key: str, value: str) -> str | None:
    """Return a TOML file with another string as the value of a key; the key has to be there, as a
    string on one line."""
    before = _parse_toml(text)
    block = _find_table(text, table)
    if before is None or block is None:
        return None
    line = re.compile(rf"""^{re.escape(key)}[ \t]*=[ \t]*("[^"\r\n]*"|'[^'\r\n]*')""", re.MULTILINE)
    match = line.search(text, *block)
    if match is None:
        return None
    new = text[: match.start(1)] + json.dumps(value) + text[match.end(1) :]
    values = parse_toml(f"[{table}]\n{key} = {json.dumps(value)}\n")
    return new if _parse_toml(new) == _merge(before, values) else None


def replace_in_table(text: str, table: str, replace: Callable[[str], str]) -> str | None:
    """Return a TOML file with `replace` applied to the text of one table."""
    block = _find_table(text, table)
    if block is None:
        return None
    start, end = block
    new = text[:start] + replace(text[start:end]) + text[end:]
    before, after = _parse_toml(text), _parse_toml(new)
    if before is None or after is None:
        return None
    name = table.partition(".")[0]
    others = (
        {key: document[key] for key in document if key != name} for document in (before, after)
    )
    return new if next(others) == next(others) else None


def insert_item(text: str, table: str, key: str, item: str) -> str | None:
    """Return a TOML file with another string at the start of an array. The table has to be there;
    the array is added if it is missing."""
    before = _parse_toml(text)
    block = _find_table(text, table)
    if before is None or block is None:
        return None
    start, end = block
    literal = json.dumps(item)
    opening = re.compile(rf"^{re.escape(key)}[ \t]*=[ \t]*\[", re.MULTILINE).search(
        text, start, end
    )
    if opening is None:
        new = f"{text[:start]}{_newline(text)}{key} = [{literal}]{text[start:]}"
    else:
        new = text[: opening.end()] + _insert_first(text[opening.end() :], literal)
    expected = _merge(before, {})
    inner = cast("dict[str, Any]", expected)
    for part in table.split("."):
        inner = inner.get(part, {})  # the header may stand inside a string
    inner[key] = [item, *inner.get(key, [])]
    return new if _parse_toml(new) == expected else None


def _find_table(text: str, table: str) -> tuple[int, int] | None:
    """Return where the body of a TOML table starts, after its header, and where it ends."""
    header = re.search(rf"^\[{re.escape(table)}\][ \t]*(?:#[^\r\n]*)?(?=\r?$)", text, re.MULTILINE)
    if header is None:
        return None
    following = re.compile(r"^\[", re.MULTILINE).search(text, header.end())
    return header.end(), following.start() if following else len(text)


def _insert_first(rest: str, literal: str) -> str:
    """Return the text after the ``[`` of an array with another item in front."""
    own_lines = re.match(r"([ \t]*(?:#.*)?\r?\n)([ \t]*)", rest)
    if own_lines and not rest[own_lines.end() :].startswith("]"):
        first, indent = own_lines.groups()
        newline = "\r\n" if first.endswith("\r\n") else "\n"
        return f"{first}{indent}{literal},{newline}{rest[len(first) :]}"
    is_empty = re.match(r"\s*\]", rest)
    return f"{literal}{'' if is_empty else ', '}{rest}"


def insert_tasks(text: str, tasks: Sequence[Mapping[str, object]]) -> str | None:
    """Return VS Code's tasks.json, which may have comments and trailing commas, with more tasks at
    the start of its list."""
    parsed = _parse_jsonc(text)
    if not isinstance(parsed, dict):
        return None
    before = cast("dict[str, object]", parsed)
    opening = list(re.finditer(r'"tasks"\s*:\s*\[', _blank_comments(text)))
    if len(opening) != 1:
        return None
    at = opening[0].end()
    newline = _newline(text)
    block = ",\n".join(textwrap.indent(json.dumps(task, indent=2), " " * 4) for task in tasks)
    existing = cast("list[object]", before.get("tasks", []))
    addition = newline + block.replace("\n", newline) + ("," if existing else "")
    new = text[:at] + addition + text[at:]
    expected = {**before, "tasks": [*tasks, *existing]}
    return new if _parse_jsonc(new) == expected else None


def append_repo(text: str, entry: str) -> str | None:
    """Return a .pre-commit-config.yaml with another item at the end of ``repos``.

    `entry` is the item, indented by two spaces.
    """
    before = _parse_yaml(text)
    repos = before.get("repos") if isinstance(before, dict) else None
    if not isinstance(before, dict) or not isinstance(repos, list):
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
    content = re.match(r"(?s).*\S[^\n]*\n?", text[:end])
    at = content.end() if content else end
    new = text[:at] + ("" if text[:at].endswith("\n") else newline)
    new += newline.join(lines) + newline + text[at:]
    addition = cast("dict[str, list[_Yaml]]", _parse_yaml("repos:\n" + entry))["repos"]
    expected = {**before, "repos": [*repos, *addition]}
    return new if _parse_yaml(new) == expected else None


def append_line(text: str, line: str) -> str:
    """Return a file of lines that has this line; a missing one is added at the end."""
    return text if line in text.splitlines() else _append_block(text, f"{line}\n", gap="")


def _append_block(text: str, block: str, gap: str = "\n") -> str:
    newline = _newline(text)
    end = "" if not text or text.endswith("\n") else newline
    between = gap if text.strip() else ""
    return text + end + (between + block).replace("\n", newline)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _parse_toml(text: str) -> Table | None:
    try:
        return parse_toml(text)
    except ValueError:
        return None


def _merge(base: Table, changes: Table) -> dict[str, object]:
    """Return a deep copy of `base` with the values of `changes` added or replaced."""
    result: dict[str, object] = {}
    for key in {**base, **changes}:
        old, new = base.get(key), changes.get(key)
        if isinstance(old, dict) or isinstance(new, dict):
            result[key] = _merge(cast(Table, old or {}), cast(Table, new or {}))
        else:
            result[key] = new if key in changes else old
    return result


_Yaml: TypeAlias = "str | tuple[str, str] | list[_Yaml] | dict[str, _Yaml]"
_MAX_YAML = 100_000


def _parse_yaml(text: str) -> "_Yaml | None":
    """Return the values of YAML as text, or None if it is broken or has too many of them.

    A few lines with aliases stand for billions of values.
    """
    import yaml

    if len(text) > _MAX_YAML:
        return None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return None if node is None else _read_node(node, iter(range(_MAX_YAML)))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _read_node(node: "Node", budget: Iterator[int]) -> "_Yaml":
    """Return the values of a node, each with its tag.

    `budget` yields once for each value that is allowed. Raises `ValueError` for more of them, and
    for a key that is repeated or not a text.
    """
    from yaml import MappingNode, ScalarNode, SequenceNode

    if next(budget, None) is None:
        raise ValueError("too many values")
    if isinstance(node, SequenceNode):
        return [_read_node(item, budget) for item in node.value]
    if isinstance(node, MappingNode):
        keys = {key.value for key, _ in node.value if isinstance(key, ScalarNode)}
        if len(keys) < len(node.value):
            raise ValueError("a key is repeated or not a text")
        return {key.value: _read_node(value, budget) for key, value in node.value}
    return (node.tag, node.value)


# An unfinished string or comment reaches to the end: each attempt to match it would read the rest.
_COMMENT_OR_STRING = re.compile(r'"(?:\\.|[^"\\])*"?|//[^\n]*|/\*(?:.*?\*/|.*)', re.DOTALL)


def _blank_comments(text: str) -> str:
    """Return JSON with spaces for its comments, so that positions stay the same."""
    return _COMMENT_OR_STRING.sub(
        lambda match: match[0] if match[0][0] == '"' else re.sub(r"[^\n]", " ", match[0]), text
    )


def _parse_jsonc(text: str) -> object:
    """Return the value of JSON with comments and trailing commas, or None if it is broken."""
    plain = re.sub(
        r'"(?:\\.|[^"\\])*"?|,(?=\s*[\]}])',
        lambda match: match[0] if match[0] != "," else " ",
        _blank_comments(text),
    )
    try:
        return cast(object, json.loads(plain))
    except (ValueError, RecursionError):
        return None
