"""What every tenant is expected to do, whatever its options: deviations are reported."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...schema.jsontext import Json
from .asking.exchange import Exchange
from .asking.script import PAGE_SIZE, list_ids, list_items, pages_of, stored_exchanges
from .readings.fates import fate_of
from .readings.reading import Observations, describe


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that no option describes: its subject, a text, and the steps that show it."""

    subject: str
    text: str
    steps: tuple[str, ...]


_MEMBERS = ("id", "contactId", "schemaId", "createdDate", "payload")
_SERVER_ERRORS = ("unknown-custom-key",)


def list_deviations(observations: Observations) -> list[Deviation]:
    """Return everything that the tenant did and that no option describes."""
    return [deviation for check in _CHECKS for deviation in check(observations)]


def _check_answers(observations: Observations) -> Iterator[Deviation]:
    for name, exchange in observations.exchanges.items():
        is_error = exchange.status >= 500 and name not in _SERVER_ERRORS
        if exchange.problem or is_error or 300 <= exchange.status < 400:
            yield Deviation("answer", describe(exchange), (name,))


def _check_created(observations: Observations) -> Iterator[Deviation]:
    for exchange in observations.get("plain", "declared", "string-attributes"):
        if not exchange.is_success:
            continue
        value = exchange.value if isinstance(exchange.value, dict) else {}
        details = value.get("self")
        members = set(details) if isinstance(details, dict) else set[str]()
        expected = {"href", "created"}
        if exchange.step.path == "interactions":
            expected.add("contactId")
        if not isinstance(value.get("id"), str) or not expected <= members:
            text = f"the answer to a create is {_shorten(exchange.value)}"
            yield Deviation("create", text, (exchange.step.name,))


def _check_read(observations: Observations) -> Iterator[Deviation]:
    for name in ("plain", "declared"):
        for exchange in observations.get(f"read-{name}"):
            value = exchange.value if isinstance(exchange.value, dict) else {}
            expected = {
                "id": observations.exchanges[name].id,
                "contactId": observations.bindings["contact"],
                "schemaId": observations.bindings["schema-a"],
            }
            for member in _MEMBERS:
                if member not in value:
                    yield Deviation(
                        "read", f"an interaction has no {member}", (exchange.step.name,)
                    )
            for member, text in expected.items():
                if member in value and str(value[member]).lower() != text.lower():
                    message = f"{member} of an interaction is not the one that was sent"
                    yield Deviation("read", message, (exchange.step.name,))
            details = observations.member(name, "self")
            created = details.get("created") if isinstance(details, dict) else None
            if created is not None and created != value.get("createdDate"):
                text = f"a create answers {created}, and a read {value.get('createdDate')}"
                yield Deviation("dates", text, (name, exchange.step.name))


def _check_refusals(observations: Observations) -> Iterator[Deviation]:
    if any(exchange.is_success for exchange in observations.get("invalid-schema")):
        text = "a schema with a property of the type array is accepted"
        yield Deviation("schema", text, ("invalid-schema",))
    for exchange in observations.get("plain"):
        if exchange.is_success and fate_of(observations, "plain") == "ignored-without-id":
            yield Deviation("create", "a valid interaction has no id", ("plain",))


def _check_lists(observations: Observations) -> Iterator[Deviation]:
    pages = [page for page in pages_of(observations.exchanges) if page.is_success]
    for page in pages:
        items = page.value.get("items") if isinstance(page.value, dict) else None
        if not isinstance(items, list):
            yield Deviation("list", f"a page is {_shorten(page.value)}", (page.step.name,))
    if pages and not list_items(pages[0]):
        yield Deviation("list", "the list is empty", (pages[0].step.name,))
    stored = stored_exchanges(observations.exchanges)
    listed = [item for page in pages for item in list_items(page)]
    yield from _check_page_size(pages, stored)
    if any(str(item.get("schemaId")) != observations.bindings["schema-a"] for item in listed):
        yield Deviation("list", "a list has interactions of other schemas", (pages[0].step.name,))
    for name in ("plain", "declared"):
        for exchange in observations.get(f"read-{name}"):
            twins = [item for item in listed if item.get("id") == observations.exchanges[name].id]
            if exchange.is_success and twins and twins[0] != exchange.value:
                text = f"a list shows {_shorten(twins[0])}, and a read {_shorten(exchange.value)}"
                yield Deviation("list", text, (exchange.step.name,))


def _check_page_size(pages: list[Exchange], stored: list[Exchange]) -> Iterator[Deviation]:
    if not pages or len(stored) < 40:
        return
    sizes = [len(set(list_ids(page))) for page in pages]
    ids = {identifier for page in pages for identifier in list_ids(page)}
    if sizes[0] != PAGE_SIZE:
        text = f"the first page has {sizes[0]} interactions, and not {PAGE_SIZE}"
        yield Deviation("list", text, (pages[0].step.name,))
    elif len(pages) > 1:
        absent = [exchange.step.name for exchange in stored if exchange.id not in ids]
        if absent:
            text = f"two pages show {len(ids)} interactions, and not {', '.join(absent)}"
            yield Deviation("list", text, (pages[1].step.name,))


def _check_deletion(observations: Observations) -> Iterator[Deviation]:
    for exchange in observations.get("read-deleted"):
        if exchange.is_success:
            text = "an interaction can still be read after its schema was deleted"
            yield Deviation("delete", text, ("read-deleted",))
        elif exchange.is_refusal and exchange.status != 404:
            text = f"an interaction that does not exist is answered with {exchange.status}"
            yield Deviation("delete", text, ("read-deleted",))


def _shorten(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:199]}…"


_CHECKS: tuple[Callable[[Observations], Iterator[Deviation]], ...] = (
    _check_answers,
    _check_created,
    _check_read,
    _check_refusals,
    _check_lists,
    _check_deletion,
)
