"""Entries and numbers of an outbox as text, JSON, and in the text format of Prometheus."""

import json
from dataclasses import asdict
from datetime import datetime

from ...call.foreign_text import printable_line
from ..entry import Entry
from ..results import Delivery, Status

FORMATS = ("text", "json", "prometheus")


def describe_delivery(delivery: Delivery) -> str:
    """Return a line about a delivery."""
    numbers = [f"{delivery.delivered} delivered"]
    for name, count in (
        ("rejected", delivery.rejected),
        ("unknown", delivery.unknown),
        ("delayed", delivery.delayed),
    ):
        if count:
            numbers.append(f"{count} {name}")
    line = ", ".join(numbers)
    if delivery.stopped is None:
        return line
    return f"{line}; stopped: {printable_line(str(delivery.stopped))}"


def describe_status(status: Status, output_format: str) -> str:
    """Return the numbers of an outbox in a format of `FORMATS`."""
    numbers = {
        "waiting": status.waiting,
        "sending": status.sending,
        "unknown": status.unknown,
        "rejected": status.rejected,
    }
    if output_format == "json":
        more = {"waiting_for_schema": status.waiting_for_schema, "missing": status.missing}
        oldest = None if status.oldest is None else status.oldest.isoformat()
        age = round(status.age_seconds, 3)
        return json.dumps({**numbers, **more, "oldest": oldest, "oldest_seconds": age})
    if output_format == "prometheus":
        return _metrics(status, numbers)
    lines = [f"{name:<10}{count}" for name, count in numbers.items()]
    if status.waiting_for_schema:
        lines[0] += f"  ({status.waiting_for_schema} for a schema that is missing)"
    if status.oldest is not None:
        moment = status.oldest.isoformat(timespec="seconds")
        lines.append(f"oldest    {moment}, {status.age_seconds:.0f} s ago")
    if status.missing:
        lines.append(f"missing   {status.missing}: the file is damaged, restore a backup")
    return "\n".join(lines)


def _metrics(status: Status, numbers: dict[str, int]) -> str:
    lines = [
        "# HELP engage_outbox_entries Entries in the outbox by state.",
        "# TYPE engage_outbox_entries gauge",
        *(f'engage_outbox_entries{{state="{name}"}} {count}' for name, count in numbers.items()),
    ]
    for name, text, value in (
        ("oldest_seconds", "Age of the oldest entry that is not delivered.", status.age_seconds),
        ("waiting_for_schema", "Entries whose schema is missing.", status.waiting_for_schema),
        ("missing", "Entries that a damaged disk has removed.", status.missing),
    ):
        metric = f"engage_outbox_{name}"
        lines += [f"# HELP {metric} {text}", f"# TYPE {metric} gauge", f"{metric} {value}"]
    return "\n".join(lines)


def list_entry(entry: Entry, output_format: str) -> str:
    """Return a line about an entry, without its payload."""
    if output_format == "json":
        return _to_json(entry, has_payload=False)
    reason = printable_line(entry.reasons[0]) if entry.reasons else ""
    put_at = entry.put_at.isoformat(timespec="seconds")
    subject = f"{printable_line(entry.schema_id)}  {printable_line(entry.contact_id)}"
    return f"{entry.id}  {entry.state}  {put_at}  {subject}  {reason}".rstrip()


def describe_entry(entry: Entry, output_format: str) -> str:
    """Return everything about an entry."""
    if output_format == "json":
        return _to_json(entry, has_payload=True)
    lines = [
        f"entry     {entry.id}",
        f"state     {entry.state}",
        f"schema    {printable_line(entry.schema_id)}",
        f"contact   {printable_line(entry.contact_id)}",
        f"date      {entry.created_date.isoformat()}",
        f"put at    {entry.put_at.isoformat()}",
        *(f"reason    {printable_line(reason)}" for reason in entry.reasons),
        f"payload   {json.dumps(entry.payload)}",
    ]
    return "\n".join(lines)


def _to_json(entry: Entry, *, has_payload: bool) -> str:
    values = asdict(entry)
    if not has_payload:
        del values["payload"]
    return json.dumps(values, default=datetime.isoformat)
