"""The results of calls: receipts and stored interactions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from .errors import InvalidPayloadError, UnreadablePayloadError
from .payload.codecs import read_date_time
from .payload.types import Json, Payload
from .violation import InvalidValueError, Violation

P = TypeVar("P", bound=Payload)

_BELOW_MICROSECOND = re.compile(r"(\.[0-9]{6})[0-9]+")


class Record:
    """The base class of dataclasses whose pickles survive a new version of the package.

    Python pickles a frozen dataclass with slots as a list of values, and restores them by
    position. A record is pickled by the names of its fields.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, object]]

    def __reduce__(self) -> tuple[object, ...]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return restore, (type(self), values)


R = TypeVar("R", bound=Record)


def restore(record_class: type[R], values: Mapping[str, object]) -> R:
    """Create a record from the values in a pickle. Ignores fields that no longer exist."""
    names = record_class.__dataclass_fields__.keys()
    return record_class(**{name: value for name, value in values.items() if name in names})


@dataclass(frozen=True, slots=True)
class ResponseInfo(Record):
    """What is worth keeping of an HTTP response, for logs and for tickets to the vendor."""

    status: int
    """The HTTP status."""

    headers: Mapping[str, str]
    """The headers that identify the request for the vendor's support, such as ``x-request-id``.
    Their names are in lower case."""

    seconds: float
    """The duration of the request in seconds."""


@dataclass(frozen=True, slots=True)
class Receipt(Record):
    """The proof that Engage stored an interaction."""

    id: str
    """The id of the stored interaction."""

    contact_id: str
    """The id of its contact."""

    schema_id: str
    """The id of its interaction schema."""

    created_date: datetime
    """When the interaction happened, as it was sent. Segments in Engage use this date."""

    response: ResponseInfo | None = field(default=None, compare=False, repr=False)
    """The response to the POST. None if a lookup found the interaction."""


@dataclass(frozen=True, slots=True)
class SchemaSummary(Record):
    """An interaction schema of the tenant."""

    id: str
    """The id of the schema."""

    title: str
    """The title in Engage's user interface."""


@dataclass(frozen=True, slots=True)
class SchemaCheck(Record):
    """How the schemas of the tenant compare with those that the package was generated from."""

    same: tuple[str, ...]
    """The ids of the schemas that are the same."""

    different: tuple[str, ...]
    """The ids of the schemas that were deleted and created again with other contents: Engage may
    drop properties and ignore interactions."""

    missing: tuple[str, ...]
    """The ids of the schemas that the tenant does not have: sends raise `UnknownSchemaError`."""

    additional: tuple[str, ...]
    """The ids of the schemas that only the tenant has. They do no harm."""

    @property
    def is_same(self) -> bool:
        """True if the tenant has all schemas of the package, and none of them is different."""
        return not self.different and not self.missing


def created_date_key(stored: "Stored[Payload]") -> tuple[bool, float]:
    """Return a sort key: the created date, and after all others those that cannot be read."""
    try:
        return (False, stored.created_date.timestamp())
    except UnreadablePayloadError:
        return (True, 0.0)


@dataclass(frozen=True, slots=True)
class Stored(Record, Generic[P]):
    """A stored interaction, as Engage returned it.

    `payload` and `created_date` are decoded when you access them. They raise
    `UnreadablePayloadError` for an interaction that does not fit, so that one old or damaged
    interaction does not break a loop over all of them.
    """

    id: str
    """The id of the interaction."""

    contact_id: str
    """The id of its contact."""

    schema_id: str
    """The id of its interaction schema."""

    raw: Json = field(repr=False)
    """The payload as Engage returned it, usually a JSON object."""

    raw_created_date: str
    """When the interaction happened, as Engage returned it."""

    payload_class: type[P] = field(repr=False)
    """The payload class that you asked for."""

    @property
    def payload(self) -> P:
        """The payload as an instance of the payload class that you asked for.

        Ignores undeclared properties, and null where the schema does not allow it. A value that
        breaks only the contract is there as Engage returned it: see `contract_violations`. Raises
        `UnreadablePayloadError`.
        """
        payload = self._declared()
        try:
            return self.payload_class.from_payload(payload)
        except InvalidPayloadError:
            return self._read_stored(payload)

    @property
    def contract_violations(self) -> tuple[Violation, ...]:
        """Where the payload breaks the contract that the package was generated with.

        It was stored before the contract, or by somebody else. Raises `UnreadablePayloadError`.
        """
        payload = self._declared()
        try:
            self.payload_class.from_payload(payload)
            return ()
        except InvalidPayloadError as error:
            violations = error.violations
        self._read_stored(payload)
        return violations

    def _read_stored(self, payload: Mapping[str, Json]) -> P:
        reason = ""
        try:
            return self.payload_class.__read_stored__(payload)
        except InvalidPayloadError as error:
            reason = str(error)
        raise UnreadablePayloadError(
            f"The payload of the interaction {self.id} does not fit the schema {reason}"
        ) from None

    def _declared(self) -> dict[str, Json]:
        """Return the declared properties, without null where it is not allowed."""
        if self.schema_id != self.payload_class.__schema_id__:
            raise UnreadablePayloadError(
                f"The interaction {self.id} has another schema: {self.schema_id}."
            )
        if not isinstance(self.raw, dict):
            raise UnreadablePayloadError(f"The interaction {self.id} has no payload.")
        declared = self.payload_class.__properties__
        nullable: frozenset[str] = getattr(self.payload_class, "__nullable__", frozenset())
        return {
            name: value
            for name, value in self.raw.items()
            if name in declared and (value is not None or name in nullable)
        }

    @property
    def created_date(self) -> datetime:
        """When the interaction happened, to the microsecond.

        The time zone is UTC if Engage returned no offset. Raises `UnreadablePayloadError`.
        """
        text = _BELOW_MICROSECOND.sub(r"\1", self.raw_created_date)
        for candidate in (text, f"{text}Z"):
            try:
                return read_date_time(candidate)
            except InvalidValueError:
                continue
        raise UnreadablePayloadError(
            f"The createdDate of the interaction {self.id} is not an RFC 3339 date-time."
        )
