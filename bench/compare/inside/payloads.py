"""Measure creating, checking and encoding a review, and decoding and checking it, in microseconds.

Argument: a folder with the module that quicktype generates.
"""

import json
import re
import statistics
import sys
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

REPEATS, SECONDS = 7, 0.02
DATE = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
WIRE = {
    "productSku": "7120-38",
    "headline": "Warm",
    "text": "Kept me warm all winter.",
    "shop": "Gothenburg",
    "stars": 5,
    "recommended": True,
    "price": 450.5,
    "reviewedAt": DATE.isoformat(),
}
RAW = json.dumps(WIRE).encode()

ours: Any = import_module("engage_interactions.review").Review
attrs: Any = import_module("attrs")
cattrs_json: Any = import_module("cattrs.preconf.json")
fastjsonschema: Any = import_module("fastjsonschema")


class Strict(BaseModel):
    """A strict model with wire names that forbids undeclared properties."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True
    )
    product_sku: str = Field(alias="productSku")
    headline: str | None = None
    text: str | None = None
    shop: str | None = None
    stars: int
    recommended: bool
    price: float | None = None
    reviewed_at: AwareDatetime = Field(alias="reviewedAt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A class without checks: the lower bound, and the class used with fastjsonschema."""

    product_sku: str
    headline: str | None = None
    text: str | None = None
    shop: str | None = None
    stars: int
    recommended: bool
    price: float | None = None
    reviewed_at: datetime

    def to_wire(self) -> dict[str, object]:
        wire: dict[str, object] = {
            "productSku": self.product_sku,
            "stars": self.stars,
            "recommended": self.recommended,
            "reviewedAt": self.reviewed_at.isoformat(),
        }
        if self.headline is not None:
            wire["headline"] = self.headline
        if self.text is not None:
            wire["text"] = self.text
        if self.shop is not None:
            wire["shop"] = self.shop
        if self.price is not None:
            wire["price"] = self.price
        return wire

    @staticmethod
    def of_wire(wire: Mapping[str, Any]) -> "Plain":
        return Plain(
            product_sku=wire["productSku"],
            headline=wire.get("headline"),
            text=wire.get("text"),
            shop=wire.get("shop"),
            stars=wire["stars"],
            recommended=wire["recommended"],
            price=wire.get("price"),
            reviewed_at=datetime.fromisoformat(wire["reviewedAt"]),
        )


def schema() -> dict[str, object]:
    kinds = {str: "string", int: "integer", bool: "boolean", float: "number"}
    properties = {name: {"type": kinds[type(value)]} for name, value in WIRE.items()}
    properties["reviewedAt"]["format"] = "date-time"
    need = ["productSku", "stars", "recommended", "reviewedAt"]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": properties,
        "required": need,
        "additionalProperties": False,
    }


def with_attrs() -> tuple[Any, Any]:
    """Return a class that checks its types, and a converter with the wire names."""
    is_a, optional = attrs.validators.instance_of, attrs.validators.optional
    fields = {
        "product_sku": attrs.field(type=str, validator=is_a(str)),
        "stars": attrs.field(type=int, validator=is_a(int)),
        "recommended": attrs.field(type=bool, validator=is_a(bool)),
        "reviewed_at": attrs.field(type=datetime, validator=is_a(datetime)),
        **{
            name: attrs.field(type=str | None, default=None, validator=optional(is_a(str)))
            for name in ("headline", "text", "shop")
        },
        "price": attrs.field(
            type=float | None, default=None, validator=optional(is_a((float, int)))
        ),
    }
    kind = attrs.make_class("Review", fields, frozen=True, slots=True, kw_only=True)
    converter = cattrs_json.make_converter(forbid_extra_keys=True, omit_if_default=True)
    gen = import_module("cattrs.gen")
    named = {"product_sku": "productSku", "reviewed_at": "reviewedAt"}
    renamed = {name: gen.override(rename=wire) for name, wire in named.items()}
    options = {"_cattrs_omit_if_default": True, **renamed}
    writes = gen.make_dict_unstructure_fn(kind, converter, **options)
    reads = gen.make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True, **renamed)
    converter.register_unstructure_hook(kind, writes)
    converter.register_structure_hook(kind, reads)
    return kind, converter


def create_review(kind: Any) -> Any:
    """Create a review as an application does, in the same way for all classes."""
    return kind(
        product_sku="7120-38",
        headline="Warm",
        text="Kept me warm all winter.",
        shop="Gothenburg",
        stars=5,
        recommended=True,
        price=450.5,
        reviewed_at=DATE,
    )


def encoders(quicktype: Any) -> dict[str, Callable[[], bytes]]:
    adapter = TypeAdapter(Strict)
    validate = fastjsonschema.compile(schema())
    kind, converter = with_attrs()

    def checked() -> bytes:
        return json.dumps(validate(create_review(Plain).to_wire())).encode()

    return {
        "ours": lambda: json.dumps(create_review(ours).to_payload()).encode(),
        "pydantic": lambda: adapter.dump_json(
            create_review(Strict), by_alias=True, exclude_none=True
        ),
        "fastjsonschema": checked,
        "cattrs": lambda: converter.dumps(create_review(kind)).encode(),
        "quicktype": lambda: json.dumps(create_review(quicktype).to_dict()).encode(),
        "floor": lambda: json.dumps(create_review(Plain).to_wire()).encode(),
    }


def decoders(quicktype: Any) -> dict[str, Callable[[], object]]:
    validate = fastjsonschema.compile(schema())
    kind, converter = with_attrs()
    read = Strict.model_validate_json

    return {
        "ours": lambda: ours.from_payload(json.loads(RAW)),
        "pydantic": lambda: read(RAW),
        "fastjsonschema": lambda: Plain.of_wire(validate(json.loads(RAW))),
        "cattrs": lambda: converter.loads(RAW, kind),
        "quicktype": lambda: quicktype.from_dict(json.loads(RAW)),
        "floor": by_hand,
    }


def by_hand() -> Plain:
    """Check what the others check, but stop at the first error, without a message."""
    wire = json.loads(RAW)
    if not wire.keys() <= NAMES or None in wire.values():
        raise ValueError
    get = wire.get
    sku, stars, recommended, at = get("productSku"), get("stars"), get("recommended"), get(_AT)
    headline, text, shop, price = get("headline"), get("text"), get("shop"), get("price")
    if type(sku) is not str or type(stars) is not int or type(recommended) is not bool:
        raise ValueError
    if headline is not None and type(headline) is not str:
        raise ValueError
    if text is not None and type(text) is not str:
        raise ValueError
    if shop is not None and type(shop) is not str:
        raise ValueError
    if price is not None and type(price) is not float and type(price) is not int:
        raise ValueError
    if type(at) is not str or not DATE_TIME.fullmatch(at):
        raise ValueError
    return Plain(
        product_sku=sku,
        headline=headline,
        text=text,
        shop=shop,
        stars=stars,
        recommended=recommended,
        price=price,
        reviewed_at=datetime.fromisoformat(at),
    )


NAMES = frozenset(WIRE)
DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_AT = "reviewedAt"


def check_all(
    calls: Mapping[str, Callable[[], object]], expected: Callable[[object], bool]
) -> None:
    """Exit if one of the peers produces another result."""
    for name, call in calls.items():
        if not expected(call()):
            sys.exit(f"{name} makes {call()!r}")


def in_turn(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    timers = {name: timeit.Timer(call) for name, call in calls.items()}
    numbers: dict[str, int] = {}
    for name, timer in timers.items():
        number, seconds = timer.autorange()
        numbers[name] = max(1, int(number * SECONDS / seconds))
    durations: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS):
        for name, timer in timers.items():
            durations[name].append(timer.timeit(numbers[name]) / numbers[name] * 1e6)
    return {name: statistics.median(times) for name, times in durations.items()}


def is_the_wire(found: object) -> bool:
    assert isinstance(found, bytes)
    wire: dict[str, Any] = json.loads(found)
    wire["reviewedAt"] = datetime.fromisoformat(wire["reviewedAt"])
    return wire == {**WIRE, "reviewedAt": DATE}


def is_the_review(found: object) -> bool:
    names = Plain.__annotations__
    return all(getattr(found, name) == getattr(create_review(Plain), name) for name in names)


def main() -> None:
    sys.path.append(sys.argv[1])
    quicktype = import_module("quicktype_review").Review
    writes, reads = encoders(quicktype), decoders(quicktype)
    check_all(writes, is_the_wire)
    check_all(reads, is_the_review)
    durations = {f"encode {name}": it for name, it in in_turn(writes).items()}
    durations |= {f"decode {name}": it for name, it in in_turn(reads).items()}
    print(json.dumps(durations))


if __name__ == "__main__":
    main()
