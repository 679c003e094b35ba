"""The call that finds the id of a contact. The parameters and errors are the vendor's."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from ..errors import (
    AmbiguousContactError,
    ConfigurationError,
    ContactNotFoundError,
    EngageError,
    ReadError,
    RejectedError,
    UnknownContactError,
)
from ..payload.plain import join_surrogates, plain_value
from .ids import is_contact_id, is_id
from .pages import TRANSIENT
from .responses import describe_foreign, parse_body, require_read
from .retry import RetryPolicy, retry
from .steps import Answer, Call, Reply, Request

_LONGEST_VALUE = 500


class ContactQuery:
    """The values that a contact has to have, all of them. No repr shows them.

    Raises `ConfigurationError` if there is no value, or one that cannot be looked up.
    """

    def __init__(self, values: Mapping[str, str | None], contact_type: str | None) -> None:
        self.parameters: dict[str, str] = {}
        """The parameters of the vendor's API, in the order in which it documents them."""
        self._names = [name for name, value in values.items() if value is not None]
        self._contact_type = contact_type
        for name in self._names:
            self.parameters[_PARAMETERS[name]] = _check_value(name, values[name])
        if not self.parameters:
            *others, last = _PARAMETERS
            raise ConfigurationError(
                "find_contact was called without a value to look for. Nothing was sent. Pass "
                f"{', '.join(others)} or {last}."
            )
        if contact_type is not None:
            self.parameters["contactType"] = _check_value("contact_type", contact_type)

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """The parameters as a key of a dictionary."""
        return tuple(self.parameters.items())

    def describe(self) -> str:
        """Describe the values for a message by their names: they are personal data."""
        names = " and ".join(_DESCRIPTIONS[name] for name in self._names)
        return f"this {names}" + (" and this contact type" if self._contact_type else "")


def find_contact(query: ContactQuery, policy: RetryPolicy) -> Call[str]:
    """Return the id of the only contact that fits a query.

    Raises `ContactNotFoundError`, `AmbiguousContactError`, `RejectedError` for a value that Engage
    finds invalid, and `ReadError`.
    """
    request = Request("GET", f"contacts/id?{urlencode(query.parameters, quote_via=quote)}")
    try:
        return (yield from retry(request, _interpret, policy, TRANSIENT))
    except RejectedError as error:
        failure = error
    raise _explain(failure, query)


def _interpret(reply: Reply) -> str:
    if isinstance(reply, Answer) and reply.status == 500:
        _refuse_configuration(reply)
    if isinstance(reply, Answer) and reply.status == 409:
        _refuse_several(reply)
    answer = require_read(reply, ("contact",))
    contact_id = parse_body(answer)
    if not isinstance(contact_id, str) or not is_id(contact_id) or not is_contact_id(contact_id):
        raise ReadError(describe_foreign(answer))
    return contact_id


def _refuse_configuration(answer: Answer) -> None:
    """Raise `RejectedError` for the server error that no retry can change."""
    value = parse_body(answer)
    if isinstance(value, dict) and value.get("errorCode") == _INVALID_CONFIGURATION:
        raise RejectedError(
            f"{_INVALID_CONFIGURATION}: Engage is not set up for this lookup",
            answer.status,
            error_code=_INVALID_CONFIGURATION,
        )


def _refuse_several(answer: Answer) -> None:
    """Raise `_SeveralContactsError` if Engage found several contacts."""
    value = parse_body(answer)
    if not isinstance(value, dict) or value.get("errorCode") != "MultipleMatches":
        return
    details = value.get("messageDetails")
    ids = details.get("multipleMatchesFound") if isinstance(details, dict) else None
    texts = [text for text in ids if isinstance(text, str)] if isinstance(ids, list) else []
    raise _SeveralContactsError(
        "MultipleMatches", answer.status, [t for t in texts if is_id(t) and is_contact_id(t)]
    )


class _SeveralContactsError(RejectedError):
    """Several contacts match. `reasons` are their ids."""


def _explain(failure: RejectedError, query: ContactQuery) -> EngageError:
    """Return the error of a lookup that was answered with a refusal."""
    error: EngageError = failure
    if isinstance(failure, UnknownContactError):
        error = ContactNotFoundError(f"The tenant has no contact with {query.describe()}.")
    elif isinstance(failure, _SeveralContactsError):
        ids = failure.reasons
        error = AmbiguousContactError(
            f"{len(ids) or 'Several'} contacts have {query.describe()}. Pass contact_type, or "
            "decide by the ids in `contact_ids`.",
            ids,
        )
    error.response = failure.response
    return error


def _check_value(name: str, value: object) -> str:
    """Return a value as text. Raises `ConfigurationError` without the value."""
    text = plain_value(value)
    if not isinstance(text, str):
        message = f"The {name} must be a string, not a value of the type {type(value).__name__}."
        raise ConfigurationError(f"{message} Nothing was sent.")
    if not text.strip() or len(text) > _LONGEST_VALUE:
        problem = "is blank" if not text.strip() else f"is longer than {_LONGEST_VALUE} characters"
        raise ConfigurationError(f"The {name} {problem}. Nothing was sent.")
    try:
        return join_surrogates(text)
    except UnicodeError:
        pass
    raise ConfigurationError(f"The {name} has half a character. Nothing was sent.")


_PARAMETERS = {
    "email": "email",
    "mobile_phone": "mobilePhone",
    "social_security_number": "socialSecurityNumber",
    "custom_key": "customKey",
    "any_key": "any",
}
_DESCRIPTIONS = {
    "email": "e-mail address",
    "mobile_phone": "mobile phone number",
    "social_security_number": "social security number",
    "custom_key": "custom key",
    "any_key": "e-mail address, number or key",
}
_INVALID_CONFIGURATION = "InvalidSystemConfiguration"
