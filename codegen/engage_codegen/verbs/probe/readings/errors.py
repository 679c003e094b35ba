"""The statuses and the bodies of answers to creates, deletes and errors."""

from ....schema.jsontext import Json
from ..asking.exchange import Exchange
from .reading import Observations, Reading, describe, hidden, observed, read_same, unexplained

_BODIES = {
    "engage": {"errorCode", "message", "messageDetails"},
    "validation-errors": {"validationErrors"},
    "problem-details": {"type", "title", "status", "detail"},
    "message": {"message"},
}
_CREATES = ("non-string-attributes", "string-attributes")


def _is_create(exchange: Exchange) -> bool:
    name = exchange.step.name
    if exchange.step.method != "POST" or not exchange.is_success:
        return False
    return name in _CREATES or name in ("plain", "declared") or name.startswith("fill-")


def read_create_status(observations: Observations) -> Reading:
    """Read the status of all creates that succeed."""
    creates = [item for item in observations.exchanges.values() if _is_create(item)]
    return read_same(creates, {200: 200, 201: 201}, "create")


def read_delete_status(observations: Observations) -> Reading:
    """Read the status of all deletes."""
    deletes = [item for item in observations.exchanges.values() if item.step.method == "DELETE"]
    return read_same(deletes, {200: 200, 204: 204}, "delete")


def read_validation_status(observations: Observations) -> Reading:
    """Read the status of everything that is refused because it is invalid."""
    names = ["non-string-attributes", "other-keywords", "invalid-schema"]
    names += ["broken", "ill-typed", "no-offset", "future"]
    refusals = [item for item in observations.get(*names) if item.is_refusal]
    return read_same(refusals, {400: 400, 422: 422}, "invalid request")


def read_unknown_contact(observations: Observations) -> Reading:
    """Read the status of an interaction of a contact that does not exist."""
    statuses = {400: 400, 404: 404, 422: 422}
    return read_same(observations.get("unknown-contact"), statuses, "interaction")


def read_duplicate_schema(observations: Observations) -> Reading:
    """Read the status of a schema whose id is used."""
    statuses = {400: 400, 409: 409, 422: 422}
    return read_same(observations.get("duplicate-schema"), statuses, "schema")


def _body_of(value: Json) -> str:
    """Return the form of an error, or nothing."""
    if not isinstance(value, dict):
        return ""
    form = next((form for form, names in _BODIES.items() if names == value.keys()), "")
    texts = [value.get(name, "") for name in ("errorCode", "message", "title", "detail")]
    if not all(isinstance(text, str) for text in texts):
        return ""
    if form == "validation-errors":
        reasons = value["validationErrors"]
        is_list = isinstance(reasons, list) and all(
            isinstance(reason, dict) and reason.keys() == {"errorDescription"} for reason in reasons
        )
        return form if is_list and reasons else ""
    return form


def read_error_body(observations: Observations) -> Reading:
    """Read the form of the bodies of all errors, which must be the same."""
    errors = [item for item in observations.exchanges.values() if item.is_refusal]
    if not errors:
        return hidden("nothing was refused")
    forms = {_body_of(item.value) for item in errors}
    if len(forms) == 1 and "" not in forms:
        return observed(forms.pop())
    odd = [item for item in errors if not _body_of(item.value)] or errors
    members = sorted(odd[0].value) if isinstance(odd[0].value, dict) else repr(odd[0].value)[:80]
    text = f"{describe(odd[0])} and the members {members}"
    return unexplained(text, *(item.step.name for item in odd[:3]))


def _code_of(exchange: Exchange) -> str:
    """Return the error code, or nothing if bodies have none."""
    code = exchange.value.get("errorCode") if isinstance(exchange.value, dict) else None
    return code if isinstance(code, str) else ""


_DOCUMENTED_CODES = {
    "malformed-email": "InvalidEmailAddress",
    "malformed-phone": "InvalidPhoneNumber",
}


def _has(exchange: Exchange, status: int, code: str) -> bool:
    is_status = not exchange.problem and exchange.status == status
    return is_status and _code_of(exchange) in ("", code)


def read_contact_errors(observations: Observations) -> Reading:
    """Read how searches for contacts fail."""
    answers = observations.get("unknown-email", *_DOCUMENTED_CODES)
    unknown, *malformed = answers
    codes = list(_DOCUMENTED_CODES.values())
    is_documented = all(_has(item, 400, code) for item, code in zip(malformed, codes, strict=True))
    if _has(unknown, 404, "ContactNotFound") and is_documented:
        return observed("documented")
    if all(_has(item, 404, "ContactNotFound") for item in answers):
        return observed("not-found")
    texts = [f"{describe(item)} {_code_of(item)}".strip() for item in answers]
    return unexplained("; ".join(texts), *(item.step.name for item in answers))


def read_custom_key(observations: Observations) -> Reading:
    """Read whether contacts can be searched by a custom key."""
    (answer,) = observations.get("unknown-custom-key")
    if _has(answer, 404, "ContactNotFound"):
        return observed(True)
    if _has(answer, 500, "InvalidSystemConfiguration"):
        return observed(False)
    return unexplained(f"{describe(answer)} {_code_of(answer)}".strip(), answer.step.name)


def read_feature(observations: Observations) -> Reading:
    """Read whether interactions are enabled."""
    answer = observations.exchanges["list-schemas"]
    if answer.is_success:
        return observed(True)
    contacts = observations.exchanges.get("count-contacts")
    if answer.status == 403 and contacts and contacts.is_success:
        return observed(False)
    return unexplained(describe(answer), "list-schemas")


def read_keywords(observations: Observations) -> Reading:
    """Read whether a schema with enum, bounds, lengths and a pattern is accepted."""
    answers = observations.get("other-keywords")
    if not answers:
        return hidden("no schema could be created")
    if answers[0].is_success:
        return observed("accept")
    if answers[0].is_refusal:
        return observed("reject")
    return unexplained(describe(answers[0]), "other-keywords")


def read_attributes(observations: Observations) -> Reading:
    """Read whether booleans and numbers are accepted as attributes."""
    answers = observations.get("non-string-attributes", "string-attributes")
    if answers and answers[0].is_success:
        return observed("warn")
    if len(answers) == 2 and answers[0].is_refusal and answers[1].is_success:
        return observed("reject")
    return unexplained("; ".join(map(describe, answers)), *(item.step.name for item in answers))
