"""The order of the steps of a probe, and which of them depend on earlier answers."""

import html
import re
from urllib.parse import unquote

from ....schema.jsontext import Json
from . import steps
from .exchange import Exchange, Step
from .recorder import Recorder

PAGE_SIZE = 50
MAX_LAG = 12.0
"""Seconds after which a list that still does not show an interaction is unexplained."""

_TOKEN = re.compile(r"[?&]([Cc]ontinuation)=([^&#]+)")
_SPACING = 0.12
_SPARE, _MIDDLE = 3, 40
_RESERVE = 4
"""Requests after the search for the delay of the list: a page and the deletion."""


def run_script(recorder: Recorder) -> None:
    """Send everything but the deletion."""
    send = recorder.send
    for step in steps.CONTACT_STEPS:
        send(step)
    if not _create_schemas(recorder):
        return
    plain = send(steps.PLAIN)
    if not plain.id:
        plain = send(steps.DECLARED_ONLY)
    if not plain.id:
        send(steps.BROKEN)
        send(steps.UNKNOWN_CONTACT)
        return
    is_late = plain.id not in list_ids(send(steps.list_interactions("first-list")))
    send(steps.read_interaction(plain.step.name))
    broken = send(steps.BROKEN)
    if broken.id:
        send(steps.read_interaction("broken"))
    send(steps.UNKNOWN_CONTACT)
    trials = [send(step) for step in steps.TRIALS]
    if "short-contact-net" in recorder.bindings:
        shorts = [send(steps.SHORT_NET), send(steps.SHORT_RFC)]
    else:
        shorts = []
    if not broken.is_refusal:
        trials = []  # an id says nothing about whether they were stored
    missing = PAGE_SIZE + 1 - sum(1 for exchange in (plain, *trials, *shorts) if exchange.id)
    for number in range(missing + _SPARE):
        if missing <= 0:
            break
        if is_late:
            recorder.timer.sleep(_SPACING)  # so that a list shows some of them and others not yet
        if is_late and number == _MIDDLE:  # while the page is not full
            send(steps.list_interactions("list-middle"))
        missing -= 1 if send(steps.filler(number)).id else 0
    _read_lists(recorder)


def _create_schemas(recorder: Recorder) -> bool:
    """Create the schema that everything else needs, and try those that may be refused."""
    send = recorder.send
    own = send(steps.NON_STRINGS)
    if not own.is_success:
        own = send(steps.STRINGS)
    if not own.is_success:
        return False
    send(steps.DUPLICATE)
    keywords = send(steps.KEYWORDS)
    if not keywords.is_refusal:
        send(steps.delete_schema("b"))
        if not send(steps.INVALID).is_refusal:
            send(steps.delete_schema("c"))
    return True


def _read_lists(recorder: Recorder) -> None:
    """Read the list until it shows everything, and its second page."""
    stored = stored_exchanges(recorder.exchanges)
    if not stored:
        return
    middle = recorder.exchanges.get("list-middle")
    if middle is not None and list_ids(middle):
        recorder.timer.sleep(_choose_pause(middle, stored, recorder.elapsed))
    page = recorder.send(steps.list_interactions("list-0"))
    number = 0
    while not _shows_all(page, stored[-1]) and recorder.remaining > _count_reserve(recorder):
        if page.received - stored[-1].sent > MAX_LAG:
            break
        number += 1
        recorder.timer.sleep(_choose_pause(page, stored, recorder.elapsed))
        page = recorder.send(steps.list_interactions(f"list-{number}"))
    token = find_token(page.value)
    if token:
        recorder.bindings["token"] = token[1]
        recorder.send(steps.next_page(token[0]))
    _read_unlisted(recorder)


def _count_reserve(recorder: Recorder) -> int:
    """Return the requests after the last list: a page, the deletion, and perhaps reads."""
    exchanges = recorder.exchanges
    if "broken" in exchanges and exchanges["broken"].is_refusal:
        return _RESERVE
    names = [step.name for step in (*steps.TRIALS, steps.SHORT_NET, steps.SHORT_RFC)]
    return _RESERVE + sum(1 for name in names if name in exchanges and exchanges[name].id)


def _shows_all(page: Exchange, last: Exchange) -> bool:
    ids = set(list_ids(page))
    return last.id in ids or (len(ids) >= PAGE_SIZE and find_token(page.value) is not None)


def _choose_pause(page: Exchange, stored: list[Exchange], now: float) -> float:
    """Return the seconds until a list shows everything, or again some of it."""
    ids = set(list_ids(page))
    delays = [page.received - exchange.sent for exchange in stored if exchange.id in ids]
    if delays:
        return max(0.05, min(delays) - (now - stored[-1].received) + 0.05)
    return max(0.2, (stored[-1].sent - stored[0].sent) * 0.8)


def _read_unlisted(recorder: Recorder) -> None:
    """Read the interactions with an id that no page shows, if pages may be missing."""
    if is_complete(recorder.exchanges):
        return
    listed = {identifier for page in pages_of(recorder.exchanges) for identifier in list_ids(page)}
    for step in (*steps.TRIALS, steps.SHORT_NET, steps.SHORT_RFC):
        exchange = recorder.exchanges.get(step.name)
        if exchange and exchange.id and exchange.id not in listed:
            recorder.send(steps.read_interaction(step.name))


def stored_exchanges(exchanges: dict[str, Exchange]) -> list[Exchange]:
    """Return the interactions that any tenant stores, in the order in which they were sent."""
    names = ("plain", "declared")
    return [
        exchange
        for name, exchange in exchanges.items()
        if exchange.id and (name in names or name.startswith("fill-"))
    ]


def pages_of(exchanges: dict[str, Exchange]) -> list[Exchange]:
    """Return the last first page that was read, and the second one."""
    lists = [exchange for name, exchange in exchanges.items() if re.fullmatch(r"list-\d+", name)]
    return [*lists[-1:], *([exchanges["second-page"]] if "second-page" in exchanges else [])]


def is_complete(exchanges: dict[str, Exchange]) -> bool:
    """Return True if the pages show every interaction that any tenant stores, and end."""
    pages = pages_of(exchanges)
    listed = {identifier for page in pages for identifier in list_ids(page)}
    return (
        bool(pages)
        and len(set(list_ids(pages[-1]))) < PAGE_SIZE
        and all(exchange.id in listed for exchange in stored_exchanges(exchanges))
    )


def list_items(page: Exchange) -> list[dict[str, Json]]:
    """Return the interactions of a page."""
    items = page.value.get("items") if isinstance(page.value, dict) else None
    if not page.is_success or not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


def list_ids(page: Exchange) -> list[str]:
    """Return the ids of the interactions of a page."""
    return [
        identifier for item in list_items(page) if isinstance(identifier := item.get("id"), str)
    ]


def find_token(page: Json) -> tuple[str, str] | None:
    """Return the name and the value of the token of the next page, wherever it is."""
    if not isinstance(page, dict):
        return None
    for name in ("continuation", "Continuation"):
        token = page.get(name)
        if isinstance(token, str):
            return name, token
    matches = [_TOKEN.search(html.unescape(href)) for href in _list_hrefs(page.get("links"))]
    tokens = [match for match in matches if match]
    return (tokens[-1][1], unquote(tokens[-1][2])) if tokens else None


def _list_hrefs(links: Json) -> list[str]:
    values = list(links.values()) if isinstance(links, dict) else links
    if not isinstance(values, list):
        return []
    return [
        href
        for link in values
        if isinstance(link, dict) and isinstance(href := link.get("href"), str)
    ]


def delete_all(recorder: Recorder) -> None:
    """Delete the schema with its interactions, and verify that they are gone."""
    recorder.send(steps.delete_schema("a"))
    stored = stored_exchanges(recorder.exchanges)
    if stored:
        name = stored[0].step.name
        step = steps.read_interaction(name)
        recorder.send(Step("read-deleted", step.method, step.path))
