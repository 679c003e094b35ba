"""The pages of a list of interactions, with the links that the options choose."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from engage_codegen.sandbox.options import LinkFormat, ListOrder, Options, OtherLinks, RepeatedItems
from engage_codegen.sandbox.store.paging import (
    BEFORE_THE_FIRST,
    BEFORE_THE_NEWEST,
    PAGE_SIZE,
    Position,
    encode_token,
)
from engage_codegen.sandbox.store.records import JsonObject, StoredInteraction
from engage_codegen.sandbox.store.tenant import Tenant


def token_name_of(options: Options) -> str:
    """Return the name of the token in links and requests."""
    return "Continuation" if options.capitalized_token else "continuation"


@dataclass(frozen=True, slots=True)
class Listing:
    """The interactions of a contact and a schema that arrived before or at `until`.

    `address` is the path of the list.
    """

    tenant: Tenant
    options: Options
    address: str
    contact_id: str
    schema_id: str
    until: str

    def read(self, after: Position | None, limit: int) -> list[StoredInteraction]:
        """Return the interactions after a position; a negative limit is none."""
        place = (self.contact_id, self.schema_id)
        if self._is_shuffled:
            start = (after or BEFORE_THE_FIRST)[0]
            return self.tenant.list_shuffled(*place, start, self.until, limit)
        return self.tenant.list_interactions(*place, after or BEFORE_THE_NEWEST, self.until, limit)

    def read_page(
        self, after: Position | None
    ) -> tuple[list[StoredInteraction], dict[str, Position | None]]:
        """Return a page, and the rel of each of its links with the position before its target."""
        items = self.read(after, PAGE_SIZE + 1)
        page, has_more = items[:PAGE_SIZE], len(items) > PAGE_SIZE
        links = dict(self._place_other_links(after))
        if has_more:
            repeated = self.options.repeated_items is RepeatedItems.NEXT_PAGE
            links[self.options.next_rel] = self._locate(page[-2 if repeated else -1])
        if self.options.repeated_items is RepeatedItems.SAME_PAGE:
            page = [item for item in page for _ in range(2)]
        return page, links

    def write_links(self, links: dict[str, Position | None]) -> JsonObject:
        """Write the members of a page that hold its links."""
        name = token_name_of(self.options)
        hrefs = {rel: self._write_href(position) for rel, position in links.items()}
        match self.options.link_format:
            case LinkFormat.NONE:
                return {}
            case LinkFormat.TOKEN:
                position = links.get(self.options.next_rel)
                return {"links": [], name: None if position is None else encode_token(position)}
            case LinkFormat.OBJECT:
                return {"links": {rel: {"href": href} for rel, href in hrefs.items()}}
            case _:
                in_lists = self.options.link_format is LinkFormat.REL_LISTS
                return {
                    "links": [
                        {"href": href, "method": "GET", "rel": [rel] if in_lists else rel}
                        for rel, href in hrefs.items()
                    ]
                }

    @property
    def _is_shuffled(self) -> bool:
        return self.options.list_order is ListOrder.SHUFFLED

    def _locate(self, item: StoredInteraction) -> Position:
        return (item.id, 0) if self._is_shuffled else (item.created_date, item.seq)

    def _place_other_links(self, after: Position | None) -> Iterator[tuple[str, Position | None]]:
        if self.options.other_links is OtherLinks.NONE:
            return
        order = [self._locate(item) for item in self.read(None, -1)]
        start = order.index(after) + 1 if after in order else 0
        last = start + max(0, len(order) - start - 1) // PAGE_SIZE * PAGE_SIZE
        starts = {"self": start, "current": start, "first": 0, "last": last}
        if start:
            starts["prev"] = max(0, start - PAGE_SIZE)
        for rel, target in starts.items():
            name = rel.capitalize() if self.options.other_links is OtherLinks.CAPITALIZED else rel
            yield name, order[target - 1] if target else None

    def _write_href(self, position: Position | None) -> str:
        query = {"contactId": self.contact_id, "schemaId": self.schema_id}
        if position is not None:
            query[token_name_of(self.options)] = encode_token(position)
        text = f"{self.address}?{urlencode(query)}"
        is_escaped = self.options.link_format is LinkFormat.HTML_ESCAPED
        return text.replace("&", "&amp;") if is_escaped else text
