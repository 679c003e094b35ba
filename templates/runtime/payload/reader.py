"""Reading a payload: one error for everything that is wrong with it."""

from collections.abc import Callable, Mapping, Set
from types import TracebackType
from typing import Self, TypeVar, cast

from ..errors import InvalidPayloadError
from ..violation import PAYLOAD_CODES, InvalidValueError, Violation
from .checks import wrong_type
from .types import UNSET, Json, Unset

T = TypeVar("T")


class Reader:
    """Reads the properties of one payload, as a context manager.

    The end of the ``with`` block raises one `InvalidPayloadError` with all violations.
    """

    def __init__(
        self,
        schema_id: str,
        payload: Mapping[str, Json],
        declared: Set[str],
        personal: Set[str] = frozenset(),
    ) -> None:
        self._schema_id = schema_id
        self._personal = personal
        self._payload: Mapping[str, Json] = payload
        self._violations: list[Violation] = []
        if not _is_mapping(payload):
            self._payload = {}
            self._violations.append(wrong_type("payload", "an object", payload))
        elif not payload.keys() <= declared:
            self._violations += [
                Violation(str(name), "undeclared", _UNDECLARED, payload[name])
                for name in sorted(payload.keys() - declared, key=str)
            ]

    def required(self, name: str, read: Callable[[Json], T]) -> T:
        """Return the value of a required property."""
        if name in self._payload:
            value = self._payload[name]
            try:
                return read(value)
            except InvalidValueError as error:
                self._violations.append(Violation(name, error.code, error.message, value))
        else:
            self._violations.append(Violation(name, "required", "is required"))
        # A placeholder: the block ends with an error for this property.
        return cast(T, None)

    def optional(self, name: str, read: Callable[[Json], T]) -> T | None:
        """Return the value of an optional property, or None if the payload does not have it."""
        return self.required(name, read) if name in self._payload else None

    def nullable(self, name: str, read: Callable[[Json], T]) -> T | None:
        """Return the value of a required property that may be null."""
        if name in self._payload and self._payload[name] is None:
            return None
        return self.required(name, read)

    def unsettable(self, name: str, read: Callable[[Json], T]) -> T | None | Unset:
        """Return the value of an optional property that may be null, or UNSET."""
        if name not in self._payload:
            return UNSET
        return self.nullable(name, read)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, InvalidPayloadError):
            unread = {violation.property for violation in self._violations}
            self._violations += [
                violation
                for violation in error.violations
                # A property that could not be read is missing for the rules about the payload.
                if violation.property not in unread
                and not (unread and violation.code in PAYLOAD_CODES)
            ]
        elif error is not None:
            return
        if self._violations:
            violations = self._violations
            if self._personal:
                from .contract import without_values

                violations = without_values(violations, self._personal)
            raise InvalidPayloadError(self._schema_id, violations) from None


_UNDECLARED = "is not declared in the schema"


def _is_mapping(value: object) -> bool:
    """Return True for any mapping: JSON from a queue or a file can have any type at run time."""
    return type(value) is dict or isinstance(value, Mapping)
