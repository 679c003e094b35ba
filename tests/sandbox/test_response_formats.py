"""The options that return dates, payloads, lists and links in another form than they were sent."""

import html
import itertools
from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from tests.sandbox.helpers import CONTACT, INTERACTIONS, connect

DATE = "2026-03-14T09:26:53.589+01:00"
REPAIR = {
    "productSku": " 8810-42 ",
    "repairType": "zipper",
    "receivedAt": "2026-11-01T09:00:59.998+01:00",
    "cost": 120,
    "underWarranty": True,
}
COUNT = 120
"""Three pages."""


@pytest.fixture(scope="module")
def full() -> Generator[Sandbox]:
    """A sandbox with three pages of interactions of one contact."""
    with running(options=Options(rate_limit=0)) as sandbox:
        with connect(sandbox) as web:
            for number in range(COUNT):
                send(web, schemaId="favourite", payload={"productSku": str(number)})
        yield sandbox


@pytest.fixture
def web(full: Sandbox) -> Generator[httpx.Client]:
    full.state.options = full.state.initial_options
    with connect(full) as client:
        yield client


def set_options(web: httpx.Client, **options: str | bool) -> None:
    body = {name.replace("_", "-"): value for name, value in options.items()}
    web.patch("/_sandbox/options", json=body).raise_for_status()


def send(web: httpx.Client, **members: object) -> dict[str, Any]:
    body = {"contactId": CONTACT, "schemaId": "repair", "payload": REPAIR, **members}
    created: dict[str, Any] = web.post(INTERACTIONS, json=body).raise_for_status().json()
    return created


def get(web: httpx.Client, created: dict[str, Any]) -> dict[str, Any]:
    interaction: dict[str, Any] = web.get(f"{INTERACTIONS}/{created['id']}").json()
    return interaction


def get_page(web: httpx.Client, **query: str) -> dict[str, Any]:
    params = {"contactId": CONTACT, "schemaId": "favourite", **query}
    page: dict[str, Any] = web.get(INTERACTIONS, params=params).raise_for_status().json()
    return page


def follow(web: httpx.Client, href: str) -> dict[str, Any]:
    page: dict[str, Any] = web.get(href).raise_for_status().json()
    return page


def list_ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


@pytest.mark.parametrize(
    ("precision", "offset", "expected"),
    [
        ("milliseconds", "Z", "2026-03-14T08:26:53.589Z"),
        ("milliseconds", "+00:00", "2026-03-14T08:26:53.589+00:00"),
        ("milliseconds", "+02:00", "2026-03-14T10:26:53.589+02:00"),
        ("milliseconds", "none", "2026-03-14T08:26:53.589"),
        ("seconds", "Z", "2026-03-14T08:26:53Z"),
        ("seconds", "+02:00", "2026-03-14T10:26:53+02:00"),
        ("rounded-seconds", "Z", "2026-03-14T08:26:54Z"),
        ("sql-datetime", "none", "2026-03-14T08:26:53.590"),
        ("ticks", "Z", "2026-03-14T08:26:53.5890000Z"),
    ],
)
def test_a_created_date_has_the_precision_and_the_offset_of_the_options(
    precision: str, offset: str, expected: str, web: httpx.Client
) -> None:
    set_options(web, date_precision=precision, date_offset=offset)
    created = send(web, createdDate=DATE)
    assert created["self"]["created"] == expected
    assert get(web, created)["createdDate"] == expected


@pytest.mark.parametrize(
    ("millisecond", "expected"),
    [(0, "00.000"), (1, "00.000"), (2, "00.003"), (5, "00.007"), (998, "00.997"), (999, "01.000")],
)
def test_sql_dates_have_steps_of_a_three_hundredth_second(
    millisecond: int, expected: str, web: httpx.Client
) -> None:
    set_options(web, date_precision="sql-datetime")
    created = send(web, createdDate=f"2026-03-14T09:26:00.{millisecond:03}Z")
    assert created["self"]["created"] == f"2026-03-14T09:26:{expected}Z"


def test_the_last_date_of_the_calendar_is_returned_as_it_is_stored(web: httpx.Client) -> None:
    set_options(web, date_precision="rounded-seconds", date_offset="+02:00")
    created = send(web, createdDate="9999-12-31T23:59:59.999Z")
    assert created["self"]["created"] == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    ("payload_format", "changes"),
    [
        ("as-stored", {}),
        ("dates", {"receivedAt": "2026-11-01T08:00:59Z"}),
        ("trimmed", {"productSku": "8810-42"}),
        ("decimals", {"cost": 120.0}),
        ("numbers-as-text", {"cost": "120"}),
        ("nulls", {"category": None, "store": None}),
        ("addition", {"receivedBy": "Engage"}),
    ],
)
def test_a_payload_has_the_format_of_the_options_in_lists_and_alone(
    payload_format: str, changes: dict[str, object], web: httpx.Client
) -> None:
    created = send(web)
    set_options(web, payload_format=payload_format, date_precision="seconds")
    interaction = get(web, created)
    payload: dict[str, object] = interaction["payload"]
    assert payload == {**REPAIR, **changes}
    assert [type(payload[name]) for name in changes] == [type(item) for item in changes.values()]
    assert interaction in get_page(web, schemaId="repair")["items"]


def test_a_format_changes_responses_and_not_what_is_stored(web: httpx.Client) -> None:
    created = send(web)
    set_options(web, payload_format="trimmed", date_precision="seconds")
    set_options(web, payload_format="as-stored", date_precision="milliseconds")
    assert get(web, created)["payload"] == REPAIR


def read_list_links(page: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in page["links"]}


READ_LINKS: dict[str, Callable[[dict[str, Any]], dict[str, str]]] = {
    "list": read_list_links,
    "rel-lists": lambda page: {rel: a["href"] for a in page["links"] for rel in a["rel"]},
    "object": lambda page: {rel: link["href"] for rel, link in page["links"].items()},
    "html-escaped": lambda page: {
        rel: html.unescape(href) for rel, href in read_list_links(page).items() if "&amp;" in href
    },
}


@pytest.mark.parametrize("token_name", ["continuation", "Continuation"])
@pytest.mark.parametrize("link_format", READ_LINKS)
def test_every_form_of_links_leads_to_every_page(
    link_format: str, token_name: str, web: httpx.Client
) -> None:
    set_options(web, link_format=link_format, capitalized_token=token_name == "Continuation")
    pages = [get_page(web)]
    while href := READ_LINKS[link_format](pages[-1]).get("next"):
        assert f"&{token_name}=" in href
        pages.append(follow(web, href))
    assert [len(page["items"]) for page in pages] == [50, 50, 20]
    assert len(set(itertools.chain(*map(list_ids, pages)))) == COUNT


@pytest.mark.parametrize("token_name", ["continuation", "Continuation"])
def test_the_token_can_be_a_member_of_the_page(token_name: str, web: httpx.Client) -> None:
    set_options(web, link_format="token", capitalized_token=token_name == "Continuation")
    pages = [get_page(web)]
    while token := pages[-1][token_name]:
        pages.append(get_page(web, **{token_name: token}))
    assert [len(page["items"]) for page in pages] == [50, 50, 20]
    assert all(page["links"] == [] for page in pages)


def test_a_list_can_have_no_links_at_all(web: httpx.Client) -> None:
    set_options(web, link_format="none")
    page = get_page(web)
    assert list(page) == ["items"]
    assert len(page["items"]) == 50


@pytest.mark.parametrize("list_order", ["newest-first", "shuffled"])
@pytest.mark.parametrize("other_links", ["lower-case", "capitalized"])
def test_other_links_lead_to_the_pages_that_they_name(
    other_links: str, list_order: str, web: httpx.Client
) -> None:
    set_options(web, list_order=list_order)
    pages = [get_page(web)]
    while href := read_list_links(pages[-1]).get("next"):
        pages.append(follow(web, href))
    first, second, third = map(list_ids, pages)
    set_options(web, other_links=other_links, next_rel="more")
    expected = [
        {"self": first, "current": first, "first": first, "last": third, "more": second},
        {**dict.fromkeys(("self", "current"), second), "first": first, "prev": first},
        {**dict.fromkeys(("self", "current", "last"), third), "first": first, "prev": second},
    ]
    expected[1] |= {"last": third, "more": third}
    page: dict[str, Any] | None = get_page(web)
    for targets in expected:
        assert page
        links = read_list_links(page)
        assert all(
            rel == "more" or rel.istitle() == (other_links == "capitalized") for rel in links
        )
        assert {rel.lower(): list_ids(follow(web, href)) for rel, href in links.items()} == targets
        page = follow(web, links["more"]) if "more" in links else None
    assert page is None


def test_a_page_of_the_first_link_has_no_token(web: httpx.Client) -> None:
    set_options(web, other_links="lower-case")
    query = parse_qs(urlsplit(read_list_links(get_page(web))["first"]).query)
    assert list(query) == ["contactId", "schemaId"]


def test_a_list_can_have_every_item_twice_in_a_row(web: httpx.Client) -> None:
    ids = list_ids(get_page(web))
    set_options(web, repeated_items="same-page")
    assert list_ids(get_page(web)) == [item for item in ids for _ in range(2)]


def test_a_page_can_begin_with_the_last_item_of_the_page_before(web: httpx.Client) -> None:
    set_options(web, repeated_items="next-page")
    pages = [get_page(web)]
    while href := read_list_links(pages[-1]).get("next"):
        pages.append(follow(web, href))
    ids = [list_ids(page) for page in pages]
    assert all(before[-1] == after[0] for before, after in itertools.pairwise(ids))
    assert len(set(itertools.chain(*ids))) == COUNT


def test_dates_that_are_returned_in_utc_without_an_offset_are_the_same_times(
    web: httpx.Client,
) -> None:
    set_options(web, date_offset="none")
    text = send(web, createdDate=DATE)["self"]["created"]
    assert datetime.fromisoformat(f"{text}+00:00") == datetime.fromisoformat(DATE)
