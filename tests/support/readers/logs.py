"""Logs as their readers see them: terminals, GitHub, Azure and GitLab, and the tasks of an editor.

Each parser follows the documentation or the source of its reader: ECMA-48 and Unicode, the runner
of GitHub (`ActionCommand`), the traces of GitLab, and the pattern in the tasks that `init` writes.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.paths import ROOT

_TASKS = ROOT / "codegen/engage_codegen/integrations/files/tasks.json"
_INVISIBLE = {
    *range(0xFE00, 0xFE10),
    *(
        0x34F,
        0x115F,
        0x1160,
        0x17B4,
        0x17B5,
        0x180B,
        0x180C,
        0x180D,
        0x180F,
        0x2800,
        0x3164,
        0xFFA0,
    ),
}


class Command(NamedTuple):
    """A workflow command of GitHub."""

    name: str
    properties: dict[str, str]
    data: str


def find_controls(text: str) -> list[str]:
    """Return the characters that control a terminal, reorder or break its lines, or have no glyph.

    The line feed is none of them.
    """
    return [
        character
        for character in text
        if (unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs"))
        or ord(character) in _INVISIBLE
        if character not in "\n "
    ]


def read_commands(text: str) -> list[Command]:
    """Return the commands that a runner of GitHub or Azure executes in a log."""
    lines = re.split(r"\r\n|\r|\n", text)
    return [command for line in lines if (command := _read_command(line)) is not None]


def _read_command(line: str) -> Command | None:
    stripped = line.lstrip()
    if stripped.startswith("::") and (end := stripped.find("::", 2)) >= 0:
        name, _, rest = stripped[2:end].partition(" ")
        pairs = [pair.partition("=") for pair in rest.strip().split(",") if "=" in pair]
        properties = {key: _decode(value, ":,") for key, _, value in pairs}
        return Command(name, properties, _decode(stripped[end + 2 :], ""))
    match = re.search(r"##(vso|teamcity)?\[([^\]]*)\](.*)", line)
    return Command(match[2].partition(" ")[0], {}, match[3]) if match else None


def _decode(value: str, special: str) -> str:
    for character in f"\r\n{special}%":
        value = value.replace(f"%{ord(character):02X}", character)
    return value


def find_sections(text: str) -> list[str]:
    """Return the sections of a GitLab job that begin or end in a log."""
    return re.findall(r"section_(?:start|end):\d+:([^\r]+)\r\x1b\[0K", text)


def read_problems(text: str) -> list[tuple[str, ...]]:
    """Return file, line, column, severity, code and message of each problem in an editor."""
    tasks = json.loads(_TASKS.read_text("utf-8"))["tasks"]
    (pattern,) = {
        task["problemMatcher"]["pattern"]["regexp"] for task in tasks if task["problemMatcher"]
    }
    matches = [re.match(pattern, line) for line in text.splitlines()]
    return [match.groups() for match in matches if match]


def assert_plain(text: str, lines: int | None = None, *, problems: Sequence[object] = ()) -> None:
    """Fail if a log makes one of its readers do more than show it.

    `lines` is the number of its lines, and `problems` are those that an editor shows.
    """
    assert not find_controls(text), (text, find_controls(text))
    assert not read_commands(text), (text, read_commands(text))
    assert not find_sections(text), text
    assert len(read_problems(text)) == len(problems), (text, read_problems(text))
    assert lines is None or len(text.splitlines()) == lines, text


LOG_SYNTAX = (
    *Path(__file__).with_name("log_syntax.txt").read_text("utf-8").splitlines(),
    *("\u034f", "\u115f", "\u3164", "\u2800", "\ufe0f", "é", "日本", "😀"),
    *("\x1b[31m", "\x1b]0;title\x07", "\x1b]8;;http://evil.example\x07", "\x9b31m"),
    *("\x9d0;x\x9c", "\x07", "\r", "\n", "\r\n", "\x0b", "\x0c", "\x85", "\u2028"),
    *("\u2029", "\x1c", "\x08", "\x7f", "\x00", "\t", "\u202e", "\u2066", "\u200b"),
    *("\u2060", "\ufeff", "\xad", "\U000e0041", "\ue000", "\ud800", "\xa0", "\u3000"),
    *("\nsection_start:1:x\r\x1b[0Kx", "\r\x1b[0K", "fix: ", "error: ", "  where: ", " "),
    *("  ", ". "),
)
"""Texts that mean something in a log, and harmless ones between which they stand."""
