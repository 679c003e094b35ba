"""The contacts of the tenant, and the record of when each was created, updated and deleted."""

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum

from engage_codegen.sandbox.store.contact_keys import (
    to_email_key,
    to_phone_key,
    to_social_security_key,
)

_FIELDS = "id, name, email, mobile_phone, social_security_number, custom_key, contact_type"
_KEYS = "email_key, phone_key, social_security_key"
_EXISTING = "deleted IS NULL"

MEMBER = "Member"
"""The contact type that every tenant has (documented)."""


@dataclass(frozen=True, slots=True)
class StoredContact:
    """A contact of the tenant. A field that is not set is None, an unknown name is empty."""

    id: str
    name: str = ""
    email: str | None = None
    mobile_phone: str | None = None
    social_security_number: str | None = None
    custom_key: str | None = None
    contact_type: str = MEMBER


class SearchKey(StrEnum):
    """The columns that contacts are found by."""

    EMAIL = "email_key"
    MOBILE_PHONE = "phone_key"
    SOCIAL_SECURITY_NUMBER = "social_security_key"
    CUSTOM_KEY = "custom_key"


class ChangeType(StrEnum):
    """The changes of a contact."""

    CREATED = "Created"
    UPDATED = "Updated"
    DELETED = "Deleted"


class Contacts:
    """The reads and writes of contacts within a transaction.

    A deleted contact keeps its id for ever, so that no other contact can get it. Everything else
    about it is erased at once; on the platform, that takes 7 days (documented).

    The times of changes have the format of `dates.format_date`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection.execute

    def add(self, contact: StoredContact, at: str) -> None:
        """Add a contact whose id was never used."""
        self._sql(
            f"INSERT INTO contacts ({_FIELDS}, {_KEYS}) VALUES ({', '.join('?' * 10)})",  # noqa: S608 - our own names  # nosec B608
            (*astuple(contact), *_build_keys(contact)),
        )
        self._record(contact.id, ChangeType.CREATED, at)

    def replace(self, contact: StoredContact, at: str) -> None:
        """Replace all fields of an existing contact but its id."""
        self._write(contact)
        self._record(contact.id, ChangeType.UPDATED, at)

    def delete(self, contact_id: str, at: str, *, with_interactions: bool) -> bool:
        """Delete a contact, and perhaps its interactions. Return False if it does not exist."""
        if not self.exists(contact_id):
            return False
        self._write(StoredContact(contact_id))
        self._sql("UPDATE contacts SET deleted = ? WHERE id = ?", (at, contact_id))
        if with_interactions:
            self._sql("DELETE FROM interactions WHERE contact_id = ?", (contact_id,))
        self._record(contact_id, ChangeType.DELETED, at)
        return True

    def get(self, contact_id: str) -> StoredContact | None:
        """Return a contact, or None if it does not exist or was deleted."""
        rows = self._sql(
            f"SELECT {_FIELDS} FROM contacts WHERE id = ? AND {_EXISTING}",  # noqa: S608 - our own names  # nosec B608
            (contact_id,),
        )
        return next((StoredContact(*row) for row in rows), None)

    def exists(self, contact_id: str, *, or_deleted: bool = False) -> bool:
        """Return True if the contact exists, or, with `or_deleted`, if it ever existed."""
        where = "id = ?" if or_deleted else f"id = ? AND {_EXISTING}"
        row = self._sql(f"SELECT 1 FROM contacts WHERE {where}", (contact_id,)).fetchone()  # noqa: S608 - our own names  # nosec B608
        return row is not None

    def list_all(self) -> list[StoredContact]:
        """Return the contacts, oldest first."""
        rows = self._sql(f"SELECT {_FIELDS} FROM contacts WHERE {_EXISTING} ORDER BY rowid")  # noqa: S608 - our own names  # nosec B608
        return [StoredContact(*row) for row in rows]

    def list_types(self) -> set[str]:
        """Return the contact types in use."""
        rows = self._sql(f"SELECT DISTINCT contact_type FROM contacts WHERE {_EXISTING}")  # noqa: S608 - our own names  # nosec B608
        return {row[0] for row in rows}

    def count(self) -> int:
        """Return the number of contacts."""
        (count,) = self._sql(f"SELECT count(*) FROM contacts WHERE {_EXISTING}").fetchone()  # noqa: S608 - our own names  # nosec B608
        return int(count)

    def find(
        self, criteria: Sequence[tuple[SearchKey, str]], contact_type: str | None
    ) -> list[str]:
        """Return the ids of the contacts that meet all criteria, oldest first."""
        pairs: list[tuple[str, str]] = [*criteria]
        if contact_type is not None:
            pairs.append(("contact_type", contact_type))
        where = " AND ".join([_EXISTING, *(f"{column} = ?" for column, _ in pairs)])
        rows = self._sql(
            f"SELECT id FROM contacts WHERE {where} ORDER BY rowid",  # noqa: S608 - our own names  # nosec B608
            [value for _, value in pairs],
        )
        return [row[0] for row in rows]

    def list_changed(self, change: ChangeType, since: str, until: str, limit: int) -> list[str]:
        """Return the ids of the contacts that were changed from `since` until before `until`.

        Deleted contacts are listed as deleted alone.
        """
        is_existing = "NOT NULL" if change is ChangeType.DELETED else "NULL"
        rows = self._sql(
            f"""SELECT contact_id FROM contact_changes JOIN contacts ON contacts.id = contact_id
            WHERE change = ? AND at >= ? AND at < ? AND deleted IS {is_existing}
            GROUP BY contact_id ORDER BY max(at), contact_id LIMIT ?""",  # noqa: S608 - our own names  # nosec B608
            (change, since, until, limit),
        )
        return [row[0] for row in rows]

    def _write(self, contact: StoredContact) -> None:
        columns = ", ".join(f"{name} = ?" for name in f"{_FIELDS}, {_KEYS}".split(", "))
        values = (*astuple(contact), *_build_keys(contact), contact.id)
        self._sql(f"UPDATE contacts SET {columns} WHERE id = ?", values)  # noqa: S608 - our own names  # nosec B608

    def _record(self, contact_id: str, change: ChangeType, at: str) -> None:
        self._sql("INSERT INTO contact_changes VALUES (?, ?, ?)", (change, at, contact_id))


def _build_keys(contact: StoredContact) -> tuple[str | None, str | None, str | None]:
    """Build the columns that contacts are compared by; a value in no known format has none."""
    return (
        to_email_key(contact.email or ""),
        to_phone_key(contact.mobile_phone or ""),
        to_social_security_key(contact.social_security_number or ""),
    )
