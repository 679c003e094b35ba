"""What may be written to a file of an answer: no key, no address of a person, no text of others."""

import re
from collections.abc import Callable, Mapping

from ....schema.jsontext import Json
from ....schema.text import escape
from .exchange import Exchange, map_texts

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@'\"<>,;:()]+@[^\s@'\"<>,;:()]+")
_DIGITS = re.compile(r"\d{7,}")
_URL = re.compile(r"https?://[^\s/?#\"'<>]+", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?")
_NUMBER = re.compile(r"-?\d{1,4}(?:\.\d{1,4})?")
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{0,39}")
_TOKEN = re.compile(r"(continuation=)[^&#\s\"']+", re.IGNORECASE)
_PLACEHOLDERS = re.compile(r"(\{[a-z0-9:-]+\})+")
_LINK_MEMBERS = ("href", "rel", "method")
_LARGE = 1_000_000
_MAX_LENGTH = 300


class Sanitizer:
    """Replaces what differs from tenant to tenant by placeholders, and drops what is not ours.

    `sent_texts` are the texts of the requests. `hide_secrets` removes the key.
    """

    def __init__(self, hide_secrets: Callable[[str], str]) -> None:
        self._hide_secrets = hide_secrets
        self.sent_texts: set[str] = set()

    def add_sent(self, value: Json) -> None:
        """Note the texts of a request, which may appear in answers."""

        def note(text: str) -> str:
            self.sent_texts.add(text)
            self.sent_texts.add(text.strip())
            return text

        map_texts(value, note)

    def replace(self, text: str, bindings: Mapping[str, str]) -> str:
        """Return a text of an answer with placeholders instead of values."""
        text = self._hide_secrets(text)
        for name, value in sorted(bindings.items(), key=lambda item: -len(item[1])):
            text = re.sub(re.escape(value), f"{{{name}}}", text, flags=re.IGNORECASE)
        text = _TOKEN.sub(r"\1{token}", text)
        text = _URL.sub("{host}", _EMAIL.sub("{email}", _GUID.sub("{guid}", text)))
        if not _DATE.fullmatch(text):
            text = _DIGITS.sub("{digits}", text)
        return escape(text[:_MAX_LENGTH])

    def sanitize(self, exchange: Exchange, bindings: Mapping[str, str]) -> Json:
        """Return the answer of an exchange without anything that must not be written."""
        value = exchange.value
        if exchange.step.name in ("list-schemas", "verify"):
            value = self._keep_own(value, bindings)
        return self._sanitize(value, bindings, "", is_error=not exchange.is_success)

    def _sanitize(
        self, value: Json, bindings: Mapping[str, str], member: str, *, is_error: bool
    ) -> Json:
        """Return a value; `member` is the name of the member that it belongs to."""
        if isinstance(value, dict):
            return {
                self._sanitize_text(name, bindings, is_kept=_WORD.fullmatch(name) is not None): (
                    self._sanitize(item, bindings, name, is_error=is_error)
                )
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._sanitize(item, bindings, member, is_error=is_error) for item in value]
        if isinstance(value, str):
            is_kept = is_error or member in _LINK_MEMBERS
            return self._sanitize_text(value, bindings, is_kept=is_kept)
        if isinstance(value, (int, float)) and abs(value) >= _LARGE:
            return _LARGE  # perhaps the number of a phone
        return value

    def _sanitize_text(self, text: str, bindings: Mapping[str, str], *, is_kept: bool) -> str:
        replaced = self.replace(text, bindings)
        is_neutral = _DATE.fullmatch(text) or _NUMBER.fullmatch(text)
        is_ours = text in self.sent_texts or is_neutral is not None
        is_placeholder = _PLACEHOLDERS.fullmatch(replaced) is not None
        return replaced if is_kept or is_ours or is_placeholder else "{text}"

    def _keep_own(self, value: Json, bindings: Mapping[str, str]) -> Json:
        """Return a list of schemas without those that the probe did not create."""
        if not isinstance(value, list):
            return value
        ids = set(bindings.values())
        return [item for item in value if isinstance(item, dict) and item.get("id") in ids]
