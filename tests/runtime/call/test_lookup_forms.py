"""A lookup recognizes its interaction in whatever form the platform returns it, or says so.

The first POST is stored and not answered. Whatever the list looks like, there is no second POST.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeAlias

import pytest

from engage_interactions import EngageError, OutcomeUnknownError, PayloadDroppedError, Receipt
from engage_interactions.repair import Repair
from tests.support.runtime.raw.one_send import (
    CONTACT,
    client_for,
    first,
    outcome_of,
    parse_date,
    store_and_reset,
)
from tests.support.runtime.raw.platform import Exchange, Item, RawPlatform, accept, render_answer

pytestmark = pytest.mark.slow

Form: TypeAlias = Callable[[Item], Item]

MILLISECONDS = datetime(2026, 3, 14, 9, 26, 53, 589000, tzinfo=UTC)
ROUNDED_UP = MILLISECONDS.replace(microsecond=999600)
ON_THE_SECOND = MILLISECONDS.replace(microsecond=0)
IN_INDIA = MILLISECONDS.astimezone(timezone(timedelta(hours=5, minutes=30)))
DATES = {
    "milliseconds": MILLISECONDS,
    "microseconds": ROUNDED_UP,
    "seconds": ON_THE_SECOND,
    "another zone": IN_INDIA,
    "now": None,
}
REPAIR = Repair(
    product_sku="8810-42",
    repair_type="zipper",
    store=" Gävle e\u0301 ",
    received_at=datetime(2026, 11, 1, 9, 0, 0, 250000, tzinfo=UTC),
    cost=12.345,
    under_warranty=True,
)


def date(write: Callable[[datetime], object]) -> Form:
    """Write the createdDate in another form."""
    return lambda item: {**item, "createdDate": write(parse_date(item["createdDate"]))}


def payload(write: Callable[[dict[str, Any]], object]) -> Form:
    """Write the payload in another form."""
    return lambda item: {**item, "payload": write(item["payload"])}


def values(write: Callable[[Any], object]) -> Form:
    """Write each value of the payload in another form."""
    return payload(lambda sent: {name: write(value) for name, value in sent.items()})


def received(write: Callable[[datetime], str]) -> Form:
    """Write the date-time property in another form."""
    return payload(lambda sent: {**sent, "receivedAt": write(parse_date(sent["receivedAt"]))})


def utc(at: datetime, digits: int = 6, suffix: str = "Z") -> str:
    fraction = f"{at.microsecond:06}000"[:digits]
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{fraction}{suffix}"


def in_zone(hours: float) -> Callable[[datetime], str]:
    return lambda at: at.astimezone(timezone(timedelta(hours=hours))).isoformat()


def truncate(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def round_to(step: timedelta) -> Callable[[datetime], str]:
    def write(at: datetime) -> str:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        return utc(midnight + round((at - midnight) / step) * step)

    return write


EQUAL: dict[str, Form] = {
    "as sent": lambda item: item,
    "createdDate with Z": date(utc),
    "createdDate with +00:00": date(lambda at: utc(at, suffix="+00:00")),
    "createdDate in the east": date(in_zone(2)),
    "createdDate in the west, with minutes": date(in_zone(-3.5)),
    "createdDate with seven digits": date(lambda at: utc(at, 7)),
    "createdDate with nine digits": date(lambda at: utc(at, 9)),
    "a date with Z": received(utc),
    "a date in another zone": received(in_zone(1)),
    "a date with two digits": received(lambda at: utc(at, 2)),
    "a date with seven digits": received(lambda at: utc(at, 7, "+00:00")),
    "properties in another order": payload(lambda sent: dict(reversed(sent.items()))),
    "null for what was not sent": payload(lambda sent: {"store": None, "category": None, **sent}),
    "an undeclared property": payload(lambda sent: {**sent, "productName": "Jacket"}),
    "an undeclared object": payload(lambda sent: {**sent, "meta": {"source": [1, None]}}),
    "an undeclared null": payload(lambda sent: {"tenant": None, **sent}),
    "an undeclared member of the item": lambda item: {**item, "modified": None, "links": []},
    "a number as a fraction with zeros": values(
        lambda value: json.loads(f"{value}000") if isinstance(value, float) else value
    ),
}
"""Forms that mean the same: the lookup finds the interaction."""

NEAR: dict[str, Form] = {
    "createdDate cut to seconds": date(lambda at: truncate(at).isoformat()),
    "createdDate cut to seconds, with Z": date(lambda at: utc(truncate(at))),
    "createdDate rounded to seconds": date(round_to(timedelta(seconds=1))),
    "createdDate rounded to milliseconds": date(round_to(timedelta(milliseconds=1))),
    "createdDate cut to milliseconds": date(lambda at: utc(at, 3)),
    "createdDate in steps of 1/300 second": date(round_to(timedelta(seconds=1) / 300)),
    "createdDate without an offset": date(lambda at: utc(at, suffix="")),
    "createdDate of another zone without its offset": date(lambda at: in_zone(2)(at)[:-6]),
    "createdDate without an offset, in seconds": date(lambda at: utc(truncate(at), 1, "")),
    "createdDate as a day": date(lambda at: at.date().isoformat()),
    "createdDate with a space": date(lambda at: at.isoformat(" ")),
    "createdDate in lower case": date(lambda at: utc(at).lower()),
    "createdDate in the basic format": date(lambda at: f"{at:%Y%m%dT%H%M%S%z}"),
    "createdDate as seconds since 1970": date(datetime.timestamp),
    "createdDate as an old .NET date": date(lambda at: f"/Date({at.timestamp() * 1000:.0f})/"),
    "createdDate in words": date(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} GMT"),
    "createdDate null": date(lambda at: None),
    "createdDate empty": date(lambda at: ""),
    "createdDate as an object": date(lambda at: {"value": utc(at)}),
    "createdDate 1.9 seconds later": date(lambda at: utc(at + timedelta(seconds=1.9))),
    "createdDate 1.9 seconds earlier": date(lambda at: utc(at - timedelta(seconds=1.9))),
    "createdDate of the arrival": date(lambda at: utc(datetime.now(UTC))),
    "no createdDate": lambda item: {
        name: value for name, value in item.items() if name != "createdDate"
    },
    "texts trimmed": values(lambda value: value.strip() if isinstance(value, str) else value),
    "texts in upper case": values(lambda v: v.upper() if isinstance(v, str) else v),
    "texts composed": values(
        lambda value: unicodedata.normalize("NFC", value) if isinstance(value, str) else value
    ),
    "texts cut": values(lambda value: value[:5] if isinstance(value, str) else value),
    "texts escaped": values(lambda v: v.replace("e", "&#101;") if isinstance(v, str) else v),
    "numbers as texts": values(lambda v: str(v) if isinstance(v, float) else v),
    "numbers rounded": values(lambda v: round(v, 2) if isinstance(v, float) else v),
    "all values as texts": values(str),
    "booleans as numbers": values(lambda v: int(v) if isinstance(v, bool) else v),
    "a date without its fraction": received(lambda at: truncate(at).isoformat()),
    "a date without an offset": received(lambda at: utc(at, suffix="")),
    "a date as a day": received(lambda at: at.date().isoformat()),
    "a property that is a default": payload(lambda sent: {"store": "", **sent}),
    "names in another case": payload(lambda sent: {k[:1].upper() + k[1:]: sent[k] for k in sent}),
    "names in lower case": payload(lambda sent: {name.lower(): sent[name] for name in sent}),
    "all properties null": values(lambda value: None),
    "one property null": payload(lambda sent: {**sent, "repairType": None}),
    "one property dropped": payload(lambda sent: {k: sent[k] for k in sent if k != "repairType"}),
    "an empty payload": payload(lambda sent: {}),
    "payload null": payload(lambda sent: None),
    "payload as a text": payload(json.dumps),
    "payload as pairs": payload(lambda sent: [{"name": k, "value": sent[k]} for k in sent]),
    "payload in an envelope": payload(lambda sent: {"data": sent}),
    "no payload": lambda item: {name: item[name] for name in item if name != "payload"},
    "id as a number": lambda item: {**item, "id": 4711},
    "contact in upper case": lambda item: {**item, "contactId": item["contactId"].upper()},
    "contact without hyphens": lambda item: {
        **item,
        "contactId": item["contactId"].replace("-", ""),
    },
    "schema in another case": lambda item: {**item, "schemaId": "Repair"},
    "no contact": lambda item: {name: item[name] for name in item if name != "contactId"},
    "no schema": lambda item: {name: item[name] for name in item if name != "schemaId"},
    "no id": lambda item: {name: item[name] for name in item if name != "id"},
    "id null": lambda item: {**item, "id": None},
    "members in another case": lambda item: {k[:1].upper() + k[1:]: item[k] for k in item},
}
"""Forms that may mean the same: the outcome may be unknown."""

FORMS = EQUAL | NEAR


def send(platform: RawPlatform, created_date: datetime | None) -> Receipt | EngageError:
    with client_for(platform) as client:
        return outcome_of(lambda: client.send(CONTACT, REPAIR, created_date=created_date))


@pytest.mark.parametrize("created_date", DATES.values(), ids=DATES)
@pytest.mark.parametrize("form", FORMS)
def test_an_interaction_in_another_form_is_never_sent_again(
    form: str, created_date: datetime | None
) -> None:
    with RawPlatform(post=first(store_and_reset), present=FORMS[form]) as platform:
        outcome = send(platform, created_date)
        assert (platform.count("POST"), len(platform.stored)) == (1, 1)
    if form in EQUAL:
        assert isinstance(outcome, Receipt), outcome
    if isinstance(outcome, Receipt):
        assert outcome.id == str(FORMS[form](platform.stored[0])["id"])
    else:
        assert isinstance(outcome, OutcomeUnknownError)


@pytest.mark.parametrize("number", [1, 2, 2.0, 120, 0, -3.5, 1e3])
@pytest.mark.parametrize("write", [float, str, "{:.3f}".format], ids=["2.0", "2", "2.000"])
def test_a_number_is_compared_as_a_number(number: float, write: Callable[[float], object]) -> None:
    form = payload(lambda sent: {**sent, "cost": write(sent["cost"])})
    repair = Repair(product_sku="1", repair_type="zipper", received_at=MILLISECONDS, cost=number)
    with (
        RawPlatform(post=first(store_and_reset), present=form) as platform,
        client_for(platform) as client,
    ):
        outcome = outcome_of(lambda: client.send(CONTACT, repair))
        assert platform.count("POST") == 1
    assert isinstance(outcome, Receipt if write is float else Receipt | OutcomeUnknownError)


def repeat_each(items: list[Item]) -> list[Item]:
    return [item for item in items for _ in range(2)]


def repeat_all(items: list[Item]) -> list[Item]:
    return items * 3


def repeat_in_another_form(items: list[Item]) -> list[Item]:
    return [*items, *map(EQUAL["createdDate with Z"], items)]


def repeat_with_an_id_in_upper_case(items: list[Item]) -> list[Item]:
    return [*items, *({**item, "id": item["id"].upper()} for item in items)]


@pytest.mark.parametrize("page_size", [1, 50])
@pytest.mark.parametrize("repeat", [repeat_each, repeat_all, repeat_in_another_form])
def test_an_interaction_that_a_list_has_twice_is_one(
    repeat: Callable[[list[Item]], list[Item]], page_size: int
) -> None:
    with RawPlatform(post=first(store_and_reset)) as platform:
        platform.page = pages_of(lambda: repeat(platform.stored), page_size)
        outcome = send(platform, None)
        assert (platform.count("POST"), len(platform.stored)) == (1, 1)
    # A page that brings nothing new may end the list with an error.
    assert isinstance(outcome, Receipt if page_size > 1 else Receipt | OutcomeUnknownError), outcome
    if isinstance(outcome, Receipt):
        assert outcome.id == platform.stored[0]["id"]


def test_an_id_in_two_spellings_is_not_sent_again() -> None:
    with RawPlatform(post=first(store_and_reset)) as platform:
        platform.page = pages_of(lambda: repeat_with_an_id_in_upper_case(platform.stored), 50)
        outcome = send(platform, None)
        assert (platform.count("POST"), len(platform.stored)) == (1, 1)
    assert isinstance(outcome, Receipt | OutcomeUnknownError)


def pages_of(list_items: Callable[[], list[Item]], size: int) -> Callable[[Exchange], None]:
    """Answer with pages of any size."""

    def answer(exchange: Exchange) -> None:
        start = int(exchange.request.query.get("continuation", "0"))
        items = list_items()
        end = start + size
        link = {"href": f"/x?continuation={end}", "rel": "next", "method": "GET"}
        links = [link] if end < len(items) else []
        exchange.write(render_answer(200, {"items": items[start:end], "links": links}))

    return answer


def earlier_items() -> Iterator[Item]:
    """Interactions of the contact that certainly are not the one that is sent."""
    for number, hours in enumerate((1, 24, 24 * 365)):
        yield {
            "id": f"earlier-{number}",
            "contactId": CONTACT,
            "schemaId": "repair",
            "createdDate": utc(MILLISECONDS - timedelta(hours=hours)),
            "payload": REPAIR.to_payload(),
        }


def test_an_interaction_that_is_certainly_absent_is_sent_again() -> None:
    with RawPlatform(post=first(lambda exchange: exchange.reset())) as platform:
        platform.stored.extend(earlier_items())
        outcome = send(platform, MILLISECONDS)
        assert platform.count("POST") == 2
    assert isinstance(outcome, Receipt)
    assert outcome.id == platform.stored[-1]["id"]


CONFIRMED = {name: form for name, form in EQUAL.items() if not name.startswith("createdDate")}


@pytest.mark.parametrize("form", CONFIRMED)
def test_confirm_accepts_every_form_that_means_the_same(form: str) -> None:
    with (
        RawPlatform(present=CONFIRMED[form]) as platform,
        client_for(platform) as client,
    ):
        client.send(CONTACT, REPAIR, confirm=True)
        assert platform.count("GET") == 1


@pytest.mark.parametrize("name", ["productSku", "repairType", "receivedAt", "cost"])
@pytest.mark.parametrize("value", [None, "absent", "other"])
def test_confirm_names_a_property_that_is_not_what_was_sent(name: str, value: str | None) -> None:
    def present(item: Item) -> Item:
        others = {key: item["payload"][key] for key in item["payload"] if key != name}
        return {**item, "payload": others if value == "absent" else {**others, name: value}}

    with (
        RawPlatform(post=accept, present=present) as platform,
        client_for(platform) as client,
        pytest.raises(PayloadDroppedError) as caught,
    ):
        client.send(CONTACT, REPAIR, confirm=True)
    assert caught.value.properties == (name,)
