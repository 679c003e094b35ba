"""Foreign text, made safe to show in terminals, logs, messages and generated files."""

import re
from collections.abc import Iterable

UNSAFE_IN_TEXT = re.compile(
    "[\\x00-\\x1f\\x7f-\\xa0\\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800"
    "\u3000\u3164\\ud800-\\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U0010ffff]"
)
"""Characters that are escaped wherever text is written: control and format characters, unusual
spaces, bidirectional overrides, private use, and characters without a glyph. The list is fixed, so
that the Unicode version of the running Python does not change the output."""

COMMANDS = re.compile(
    r"(?<=#)\#(?=[\w.]*\[)"  # ##[error] and ##vso[…], anywhere in a line
    r"|(?<![^ ]):(?=:)"  # ::error::, as the first or a later word of a line
    r"|:(?=\d+:\d+: (?:error|warning|note) EG\d)",  # a finding, for problem matchers
)
"""Characters that begin what a reader of our output executes: workflow commands of GitHub and Azure
in the log of a job, and findings of ours in the terminal of an editor."""


def escape_match(match: re.Match[str]) -> str:
    """Return one character as an escape sequence of Python, JSON and TOML (``\\u00e9``)."""
    code = ord(match.group())
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def escape(text: str) -> str:
    """Return `text` with every unsafe character as an escape sequence."""
    return UNSAFE_IN_TEXT.sub(escape_match, text)


def escape_line(text: str) -> str:
    """Return `text` as one line for a terminal, the log of a CI job or the tasks of an editor.

    It can neither control the terminal nor begin a line, a command or a finding of its own.
    Sections of GitLab need control characters, so they are covered as well.
    """
    return COMMANDS.sub(escape_match, escape(text))


def quote(text: str, limit: int = 80) -> str:
    """Return foreign text in single quotes, on one line, cut at `limit` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "'" + escape(cut.replace("\n", "\\n")) + "'"


def suggest(word: str, names: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the name that is nearest to a misspelled word, or ""."""
    import difflib

    near = difflib.get_close_matches(word, list(names), n=1, cutoff=0.5)
    return f"did you mean {quote(near[0])}?" if near else ""
