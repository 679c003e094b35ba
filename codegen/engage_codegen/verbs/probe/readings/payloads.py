"""The payload of an interaction that is read back, by what each value of an option predicts."""

from ....schema.jsontext import Json, JsonObject
from ..asking import steps
from ..asking.script import list_items, pages_of
from .dates import write_date
from .fates import fate_of, is_broken_fate
from .reading import Observations, Reading, describe, hidden, observed, unexplained

_FORMATS = ("as-stored", "dates", "trimmed", "decimals", "numbers-as-text", "nulls")
_ILL_TYPED = ("whole", "date")


def read_back_of(observations: Observations, name: str) -> JsonObject | None:
    """Return the payload of an interaction as it came back, alone or in a list."""
    payload = observations.member(f"read-{name}", "payload")
    if isinstance(payload, dict):
        return payload
    exchange = observations.exchanges.get(name)
    for page in pages_of(observations.exchanges):
        for item in list_items(page):
            payload = item.get("payload")
            if exchange and exchange.id and item.get("id") == exchange.id:
                return payload if isinstance(payload, dict) else None
    return None


def _sent_payload(observations: Observations, name: str) -> JsonObject:
    payload = (observations.exchanges[name].step.body or {}).get("payload")
    return payload if isinstance(payload, dict) else {}


def _plain(observations: Observations) -> tuple[str, JsonObject, JsonObject] | None:
    """Return the step, the payload that was sent, and the payload that came back."""
    for name in ("plain", "declared"):
        payload = read_back_of(observations, name)
        if payload is not None:
            return name, _sent_payload(observations, name), payload
    return None


def read_read_back(observations: Observations) -> Reading:
    """Read whether an undeclared property comes back."""
    if "plain" not in observations.exchanges:
        return hidden("no schema could be created")
    payload = read_back_of(observations, "plain")
    if payload is None:
        answer = describe(observations.exchanges["plain"])
        return unexplained(f"an interaction with an undeclared property: {answer}", "plain")
    if "undeclared" not in payload:
        return observed("accepted")
    if payload["undeclared"] == steps.UNDECLARED:
        return observed("everything")
    text = f"an undeclared property comes back as {payload['undeclared']!r}"
    return unexplained(text, "read-plain")


def _format(name: str, value: Json, format_name: str, observations: Observations) -> Json:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if format_name == "dates" and name == "date":
        precision, offset = (
            observations.values.get(option) for option in ("date-precision", "date-offset")
        )
        return write_date(str(value), str(precision), str(offset)) if precision and offset else None
    if format_name == "trimmed" and isinstance(value, str):
        return value.strip()
    if format_name == "decimals" and isinstance(value, int) and is_number:
        return float(value)
    if format_name == "numbers-as-text" and is_number:
        return str(value)
    return value


def _predict(payload: JsonObject, format_name: str, observations: Observations) -> JsonObject:
    changed = {
        name: _format(name, value, format_name, observations) for name, value in payload.items()
    }
    if format_name == "nulls":
        return dict.fromkeys(steps.DECLARED) | changed
    return changed


def read_payload_format(observations: Observations) -> Reading:
    """Read in which form a payload comes back."""
    plain = _plain(observations)
    if plain is None:
        return hidden("no interaction could be read")
    name, sent, payload = plain
    sent = {key: value for key, value in sent.items() if key in steps.DECLARED}
    payload = {key: value for key, value in payload.items() if key != "undeclared"}
    additions = [key for key in payload if key not in steps.DECLARED]
    rest = {key: value for key, value in payload.items() if key in steps.DECLARED}
    if len(additions) == 1 and _is_same(rest, sent):
        return observed("addition")
    matches = [
        format_name
        for format_name in _FORMATS
        if _is_same(payload, _predict(sent, format_name, observations))
    ]
    if len(matches) != 1:
        text = f"the payload {_write(sent)} comes back as {_write(payload)}"
        return unexplained(text, f"read-{name}")
    return observed(matches[0])


def _is_same(left: JsonObject, right: JsonObject) -> bool:
    """Compare with the types of numbers: 2 is not 2.0."""
    return _write(left) == _write(right)


def _write(payload: JsonObject) -> str:
    return repr(sorted(payload.items()))


def read_ill_typed(observations: Observations) -> Reading:
    """Read whether properties with a wrong type and a wrong format are dropped."""
    name = steps.ILL_TYPED.name
    if name not in observations.exchanges:
        return hidden("no schema could be created")
    if is_broken_fate(observations, name):
        return observed("break")
    payload = read_back_of(observations, name)
    if fate_of(observations, name) != "stored":
        answer = describe(observations.exchanges[name])
        return unexplained(f"{answer}, and it is {fate_of(observations, name)}", name)
    if payload is None:
        return hidden("the interaction is on no page that can be reached")
    sent = _sent_payload(observations, name)
    has_nulls = observations.values.get("payload-format") == "nulls"
    rest = {
        key: payload[key]
        for key in _ILL_TYPED
        if key in payload and not (has_nulls and payload[key] is None)
    }
    expected = {key: sent[key] for key in _ILL_TYPED}
    if rest == (expected if observations.values.get("read-back") == "everything" else {}):
        return observed("drop")
    return unexplained(f"the ill-typed values {expected} come back as {rest}", name)
