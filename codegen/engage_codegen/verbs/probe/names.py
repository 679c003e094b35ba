"""The names of what a probe creates: they say what it is, when it was created, and by which run."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

PREFIX = "engage-codegen-probe-"

_ID = re.compile(PREFIX + r"(?P<date>\d{8}T\d{6})-(?P<mark>[0-9a-f]{8})-(?P<part>[a-z0-9-]+)", re.A)
_DATE = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class ProbeName:
    """The date and the random mark of a run, which the ids of all its schemas have."""

    date: datetime
    mark: str

    def schema_id(self, part: str) -> str:
        """Return the id of one schema of the run."""
        return f"{PREFIX}{self.date.astimezone(UTC).strftime(_DATE)}-{self.mark}-{part}"


def draw_name(now: datetime) -> ProbeName:
    """Return a name that no other run has."""
    return ProbeName(now.replace(microsecond=0), secrets.token_hex(4))


def parse_name(schema_id: str) -> ProbeName | None:
    """Return the name of the run that created a schema, or None if no probe did."""
    match = _ID.fullmatch(schema_id)
    if match is None:
        return None
    try:
        date = datetime.strptime(match["date"], _DATE).replace(tzinfo=UTC)
    except ValueError:
        return None
    return ProbeName(date, match["mark"])
