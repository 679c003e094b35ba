"""The lists of interactions: their order, their links, and how late they are."""

from collections.abc import Iterator
from dataclasses import dataclass

from ....schema.jsontext import Json
from ..asking.exchange import Exchange
from ..asking.script import PAGE_SIZE, list_ids, pages_of, stored_exchanges
from .reading import Observations, Reading, Value, describe, hidden, observed, unexplained

_OTHER_RELS = ("self", "current", "first", "prev", "last")


def _usable_pages(observations: Observations) -> list[Exchange]:
    return [page for page in pages_of(observations.exchanges) if page.is_success]


def read_lag(observations: Observations) -> Reading:
    """Read the delay of the list: the shortest number that fits what every list shows."""
    stored = stored_exchanges(observations.exchanges)
    lists = [
        item
        for name, item in observations.exchanges.items()
        if (name == "first-list" or name.startswith("list-")) and name != "list-schemas"
        if item.is_success
    ]
    if not stored or not lists:
        return hidden("no interaction was stored, or no list was answered")
    low, high = -1.0, float("inf")
    for page in lists:
        ids = set(list_ids(page))
        for item in stored:
            if item.id in ids:
                high = min(high, page.received - item.sent)
            elif item.received < page.sent and len(ids) < PAGE_SIZE:
                low = max(low, page.sent - item.received)
    if high == float("inf"):
        return unexplained(f"nothing is listed after {low:.1f} seconds", lists[-1].step.name)
    if low >= high or (high - low > max(0.3, high / 4) and low >= 0):
        text = f"the list is between {low:.2f} and {high:.2f} seconds late"
        return unexplained(text, lists[-1].step.name)
    return observed(_shortest_number(low, high))


def _shortest_number(low: float, high: float) -> float:
    """Return the number above `low` and up to `high` that people would write."""
    if low < 0:
        return 0.0
    for step in (1.0, 0.5, 0.1, 0.05, 0.01, 0.001):
        number = round((low // step + 1) * step, 3)
        if number <= high:
            return number
    return round(high, 3)


def read_order(observations: Observations) -> Reading:
    """Read the order of the interactions that have the usual dates."""
    dates = {
        item.id: str((item.step.body or {}).get("createdDate"))
        for item in stored_exchanges(observations.exchanges)
    }
    pages = _usable_pages(observations)
    ids = list(dict.fromkeys(identifier for page in pages for identifier in list_ids(page)))
    ids = [identifier for identifier in ids if identifier in dates]
    if len(ids) < 10:
        return hidden("no list shows enough interactions")
    newest_first = sorted(ids, key=dates.__getitem__, reverse=True)
    arrivals = [identifier for identifier in dates if identifier in set(ids)]
    orders = {
        "oldest first": newest_first[::-1],
        "in the order of arrival": arrivals,
        "in the reverse order of arrival": arrivals[::-1],
    }
    if ids == newest_first:
        return observed("newest-first")
    text = next((text for text, order in orders.items() if ids == order), "")
    return unexplained(f"the list is {text}", pages[0].step.name) if text else observed("shuffled")


def read_repeated(observations: Observations) -> Reading:
    """Read which interactions a list has twice."""
    pages = _usable_pages(observations)
    if not pages or not list_ids(pages[0]):
        return hidden("no list shows an interaction")
    lists = [list_ids(page) for page in pages]
    if any(len(set(ids)) < len(ids) for ids in lists):
        return _read_twice(lists, pages[0])
    if len(pages) < 2:
        return hidden("there is no second page")
    common = set(lists[0]) & set(lists[1])
    if not common:
        return observed("none")
    if lists[0][-1] == lists[1][0] and len(common) == 1:
        return observed("next-page")
    return unexplained("two pages have interactions in common", *(page.step.name for page in pages))


def _read_twice(lists: list[list[str]], page: Exchange) -> Reading:
    if all(ids == [item for item in dict.fromkeys(ids) for _ in range(2)] for ids in lists):
        return observed("same-page")
    return unexplained("a page has some interactions twice", page.step.name)


@dataclass(frozen=True, slots=True)
class _Links:
    """How a page writes its links: the form, and the rels and hrefs in their order."""

    format: str
    rels: tuple[str, ...]
    hrefs: tuple[str, ...]
    token_name: str = ""


def _parse_links(page: Exchange) -> _Links | None:
    """Return the links of a page, or None if no option describes them."""
    value = page.value
    if not page.is_success or not isinstance(value, dict):
        return None
    names = value.keys() - {"items"}
    links = value.get("links")
    if not names:
        return _Links("none", (), ())
    if links == [] and len(names) == 2:
        (name,) = names - {"links"}
        is_token = name in ("continuation", "Continuation")
        return _Links("token", (), (), name) if is_token else None
    if names != {"links"}:
        return None
    if isinstance(links, dict):
        return _parse_object(links)
    return _parse_list(links) if isinstance(links, list) else None


def _parse_object(links: dict[str, Json]) -> _Links | None:
    hrefs = [
        str(link["href"])
        for link in links.values()
        if isinstance(link, dict) and link.keys() == {"href"} and isinstance(link["href"], str)
    ]
    return _Links("object", tuple(links), tuple(hrefs)) if len(hrefs) == len(links) else None


def _parse_list(links: list[Json]) -> _Links | None:
    rels: list[str] = []
    hrefs: list[str] = []
    formats: set[str] = set()
    for link in links:
        if not isinstance(link, dict) or link.keys() != {"href", "method", "rel"}:
            return None
        rel, href = link["rel"], link["href"]
        if not isinstance(href, str) or link["method"] != "GET":
            return None
        if isinstance(rel, list) and len(rel) == 1:
            formats.add("rel-lists")
            rel = rel[0]
        else:
            formats.add("html-escaped" if "&amp;" in href else "list")
        if not isinstance(rel, str):
            return None
        rels.append(rel)
        hrefs.append(href)
    return _Links(formats.pop(), tuple(rels), tuple(hrefs)) if len(formats) == 1 else None


def _explain_rels(links: _Links) -> Iterator[tuple[str, str]]:
    """Yield each pair of other-links and next-rel that predicts the rels of a first page.

    The rel is empty if there is no next page.
    """
    rels = links.rels
    others = [name for name in _OTHER_RELS if name != "prev"]
    forms = {
        "none": [],
        "lower-case": others,
        "capitalized": [name.capitalize() for name in others],
    }
    for form, names in forms.items():
        if tuple(names) == rels and not any(map(_has_token, links.hrefs)):
            yield form, ""
        for rel, href in reversed(list(zip(rels, links.hrefs, strict=True))):
            if tuple(dict.fromkeys([*names, rel])) == rels and _has_token(href):
                yield form, rel
                break


def _has_token(href: str) -> bool:
    return "continuation=" in href.lower()


def _first_links(observations: Observations) -> tuple[_Links | None, Reading]:
    """Return the links of the first page, or why there are none."""
    pages = _usable_pages(observations)
    if not pages:
        return None, hidden("no list was answered")
    page = pages[0]
    links = _parse_links(page)
    if links is None:
        members = sorted(page.value) if isinstance(page.value, dict) else []
        shown = page.value.get("links") if isinstance(page.value, dict) else page.value
        text = f"a page has the members {members} and the links {str(shown)[:200]}"
        return None, unexplained(text, page.step.name)
    return links, hidden("")


def _read_links(observations: Observations, option: str) -> Reading:
    links, problem = _first_links(observations)
    if links is None:
        return problem
    if option == "link-format":
        return observed(links.format)
    if links.format in ("none", "token"):
        return hidden(f"a list has no links, because link-format is {links.format}")
    pairs = list(_explain_rels(links))
    if not pairs:
        return unexplained(f"the links are {', '.join(links.rels)}", "list-0")
    other_links, rel = pairs[0]
    if option == "other-links":
        return observed(other_links)
    return observed(rel) if rel else hidden("the first page has no link to a next one")


def read_link_format(observations: Observations) -> Reading:
    """Read the form of links."""
    return _read_links(observations, "link-format")


def read_other_links(observations: Observations) -> Reading:
    """Read the links beside that to the next page."""
    return _read_links(observations, "other-links")


def read_next_rel(observations: Observations) -> Reading:
    """Read the rel of the link to the next page."""
    return _read_links(observations, "next-rel")


def read_token_name(observations: Observations) -> Reading:
    """Read how the token is called."""
    links, problem = _first_links(observations)
    if links is None:
        return problem
    if links.format == "none":
        return hidden("a list has no links, because link-format is none")
    names: set[str] = {links.token_name} if links.token_name else set()
    for href in links.hrefs:
        names |= {name for name in ("continuation", "Continuation") if f"{name}=" in href}
    if len(names) != 1:
        return hidden("no link has a token") if not names else unexplained(f"tokens are {names}")
    values: dict[str, Value] = {"continuation": False, "Continuation": True}
    second = observations.exchanges.get("second-page")
    if second and not second.is_success:
        return unexplained(f"the token is not accepted: {describe(second)}", "second-page")
    return observed(values[names.pop()])
