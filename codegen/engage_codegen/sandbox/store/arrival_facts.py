"""Facts by which arrivals are grouped: the ids in a body, and a summary of the broken rules."""

import json
from collections.abc import Sequence

from engage_codegen.sandbox.store.records import DroppedProperty, Json, Violation

_MAX_ID = 200
_MAX_CAUSES = 5
_MAX_NAME = 60


def read_ids(body: bytes) -> tuple[str | None, str | None]:
    """Read the ids of the schema and the contact in the body of an interaction, if it has them."""
    try:
        value: Json = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    members = value if isinstance(value, dict) else {}
    return _read_id(members.get("schemaId")), _read_id(members.get("contactId"))


def _read_id(value: Json) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    return value[:_MAX_ID].encode("utf-8", "replace").decode("utf-8")


def sum_up(dropped: Sequence[DroppedProperty], violations: Sequence[Violation]) -> str:
    """Sum up which properties or members broke which rules, such as `price: type`.

    Equal causes have equal texts: the order of the properties does not matter, nor do the values.
    """
    causes = {f"{_shorten(item.name)}: {', '.join(sorted(item.rules))}" for item in dropped}
    causes |= {_sum_up_violation(violation) for violation in violations}
    first, remaining = sorted(causes)[:_MAX_CAUSES], len(causes) - _MAX_CAUSES
    return "; ".join([*first, f"and {remaining} more"] if remaining > 0 else first)


def _sum_up_violation(violation: Violation) -> str:
    place = (violation.pointer or "").removeprefix("/").removeprefix("payload/")
    return f"{_shorten(place)}: {violation.rule}" if place else violation.rule


def _shorten(name: str) -> str:
    return name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + "…"
