"""What became of an interaction: the options about broken, ill-typed and odd ones."""

from typing import Literal, TypeAlias

from ..asking import steps
from ..asking.exchange import Exchange
from ..asking.script import is_complete, list_items, pages_of
from .reading import Observations, Reading, describe, hidden, observed, unexplained

Fate: TypeAlias = Literal["stored", "refused", "ignored", "ignored-without-id", "unclear"]

_BROKEN = {"refused": "reject", "ignored": "ignore", "ignored-without-id": "ignore-without-id"}


def fate_of(observations: Observations, name: str) -> Fate:
    """Return what became of the interaction of a step."""
    exchange = observations.exchanges.get(name)
    if exchange is None or not exchange.is_success:
        return "refused" if exchange and exchange.is_refusal else "unclear"
    listed = _is_listed(observations, exchange)
    if not exchange.id:
        is_empty = exchange.value in (None, {})
        return "ignored-without-id" if is_empty and not listed else "unclear"
    return _fate_of_id(observations, name, listed)


def _fate_of_id(observations: Observations, name: str, listed: bool) -> Fate:
    """Return what became of an interaction that was answered with an id."""
    read = observations.exchanges.get(f"read-{name}")
    if listed or (read and read.is_success):
        return "stored"
    if read:
        return "ignored" if read.status == 404 and not read.problem else "unclear"
    return "ignored" if is_complete(observations.exchanges) else "unclear"


def _is_listed(observations: Observations, exchange: Exchange) -> bool:
    name = exchange.step.name
    for page in pages_of(observations.exchanges):
        for item in list_items(page):
            payload = item.get("payload")
            marker = payload.get("step") if isinstance(payload, dict) else None
            if (exchange.id and item.get("id") == exchange.id) or marker == name:
                return True
    return False


def read_broken(observations: Observations) -> Reading:
    """Read what an interaction without a required property is answered with."""
    fate = fate_of(observations, "broken")
    if fate in _BROKEN:
        return observed(_BROKEN[fate])
    if "broken" not in observations.exchanges:
        return hidden("no schema could be created")
    if fate == "stored":
        return unexplained("an interaction without a required property is stored", "broken")
    return unexplained(describe(observations.exchanges["broken"]), "broken", "read-broken")


def is_broken_fate(observations: Observations, name: str) -> bool:
    """Return True if an interaction was treated like a broken one."""
    fate = fate_of(observations, name)
    return fate in _BROKEN and fate == fate_of(observations, "broken")


def read_odd_dates(observations: Observations) -> Reading:
    """Read whether a createdDate without an offset, and one in the future, are accepted."""
    names = [step.name for step in (steps.NO_OFFSET, steps.FUTURE)]
    if not observations.get(*names):
        return hidden("no schema could be created")
    fates = [fate_of(observations, name) for name in names]
    if fates == ["stored", "stored"]:
        return observed("warn")
    if all(is_broken_fate(observations, name) for name in names):
        return observed("reject")
    texts = [f"{name}: {fate}" for name, fate in zip(names, fates, strict=True)]
    return unexplained("; ".join(texts), *names)


def read_short_ids(observations: Observations) -> Reading:
    """Read whether a short GUID stands for its contact."""
    names = [step.name for step in (steps.SHORT_NET, steps.SHORT_RFC)]
    answers = observations.get(*names)
    if not answers:
        return hidden("the id of the contact is not a GUID")
    unknown = observations.exchanges["unknown-contact"]
    fates = [fate_of(observations, name) for name in names]
    if fates == ["stored", "stored"]:
        return observed("accept")
    is_unknown = all(answer.status == unknown.status for answer in answers)
    if fates == ["refused", "refused"] and is_unknown:
        return observed("reject")
    texts = [f"{name}: {fate}" for name, fate in zip(names, fates, strict=True)]
    return unexplained("; ".join(map(describe, answers)) + f" ({', '.join(texts)})", *names)
