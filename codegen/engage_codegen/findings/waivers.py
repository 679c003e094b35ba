"""Waivers: findings that a team accepts until the end of a day. Pure; the day is an argument."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from ..errors import Location

if TYPE_CHECKING:
    from .finding import Finding

EXPIRED, UNUSED = "EG402", "EG403"


class Waiver(NamedTuple):
    """A finding that is accepted through `until`, and why.

    `line` is the line of the configuration file that names it, from 1; 0 if it is not known.
    `owner` is who answers for it, empty if it does not say so.
    """

    fingerprint: str
    reason: str
    until: date
    line: int = 0
    owner: str = ""


def active_fingerprints(waivers: Iterable[Waiver], today: date) -> frozenset[str]:
    """Return the fingerprints that are waived on a day. A waiver includes its last day."""
    return frozenset(waiver.fingerprint for waiver in waivers if today <= waiver.until)


def check_waivers(
    waivers: Sequence[Waiver],
    findings: "Collection[Finding]",
    checked_codes: Sequence[str],
    today: date,
    file: str,
) -> "list[Finding]":
    """Return a finding for each waiver that is expired or that no finding matches.

    `checked_codes` are codes, or beginnings of codes, that this run has looked for: a check that
    did not ask the tenant reports nothing about a waiver of a difference from the tenant. `file`
    is the configuration file.
    """
    fingerprints = {finding.fingerprint for finding in findings}
    active = active_fingerprints(waivers, today)
    results: list[Finding] = []
    for waiver in waivers:
        is_used = waiver.fingerprint in fingerprints
        location = Location(file, "", waiver.line, 1 if waiver.line else 0)
        if waiver.until < today:
            if waiver.fingerprint not in active:
                results.append(_expired(waiver, location, is_used=is_used))
        elif not is_used and waiver.fingerprint.startswith(tuple(checked_codes)):
            message = f"no finding matches the waiver of {waiver.fingerprint}"
            results.append(_finding(UNUSED, waiver, message, "remove the waiver", location))
    return results


def _expired(waiver: Waiver, location: Location, *, is_used: bool) -> "Finding":
    state = "its finding still exists" if is_used else "its finding no longer exists"
    message = f"the waiver of {waiver.fingerprint} expired on {waiver.until}, and {state}"
    fix = f"settle the finding or extend the waiver (reason given: {waiver.reason})"
    if not is_used:
        fix = "remove the waiver"
    return _finding(EXPIRED, waiver, message, fix, location)


def _finding(code: str, waiver: Waiver, message: str, fix: str, location: Location) -> "Finding":
    from .finding import Finding

    reason = (waiver.fingerprint,)
    return Finding(code, "", (), reason, message, fix, location, owner=waiver.owner)
