"""Findings that a team accepts for a while. Pure; the day comes from outside."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from .finding import Finding, Place

EXPIRED, UNUSED = "EG402", "EG403"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that is accepted until the end of a day, and why. `line` is where the file says
    so, from 1."""

    fingerprint: str
    reason: str
    until: date
    line: int = 0


def waived(waivers: Iterable[Waiver], today: date) -> frozenset[str]:
    """The fingerprints that count on a day: a waiver holds to the end of its last one."""
    return frozenset(it.fingerprint for it in waivers if today <= it.until)


def about(
    waivers: Sequence[Waiver],
    found: Collection[Finding],
    judged: Sequence[str],
    today: date,
    file: str,
) -> list[Finding]:
    """The waivers that are expired, and those of which nothing was found.

    `judged` are the beginnings of the codes that were looked for: a check that did not ask the
    tenant says nothing about a waiver of what only the tenant can tell. `file` is the one that the
    waivers stand in.
    """
    fingerprints = {finding.fingerprint for finding in found}
    told: list[Finding] = []
    renewed = waived(waivers, today)
    for waiver in waivers:
        if waiver.until < today and waiver.fingerprint in renewed:
            continue
        is_used = waiver.fingerprint in fingerprints
        if waiver.until < today:
            still = "and what it waived is there" if is_used else "and nothing needs it"
            message = f"the waiver of {waiver.fingerprint} ended on {waiver.until}, {still}"
            fix = f"settle it, or give it time; its reason was: {waiver.reason}"
            told.append(Finding(EXPIRED, "warning", "", (), message, fix, _place(waiver, file)))
        elif not is_used and waiver.fingerprint.startswith(tuple(judged)):
            message = f"the waiver of {waiver.fingerprint} is for nothing that was found"
            fix = "take it out"
            told.append(Finding(UNUSED, "warning", "", (), message, fix, _place(waiver, file)))
    return told


def _place(waiver: Waiver, file: str) -> Place:
    return Place(file, "", waiver.line, 1 if waiver.line else 0)
