"""The deletion of what a probe created, and of what earlier ones left behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ...errors import MalformedResponseError, SourceError, UnreachableError
from ...schema.jsontext import JsonError, loads
from ...sources.connection import CHECK_URL
from ...sources.exchange import Reply
from ...sources.tenant_session import TenantSession
from .asking.exchange import fill_path
from .asking.recorder import TimerLike
from .locks import is_running
from .names import parse_name

MAX_AGE = timedelta(minutes=10)
"""The age from which the schemas of a run are left behind, unless this machine knows better."""

_PAUSES = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class CleanUp:
    """The ids that were deleted, and those that another run may be using."""

    deleted: tuple[str, ...]
    busy: tuple[str, ...]


def list_ids(session: TenantSession, timer: TimerLike) -> list[str]:
    """Return the ids of all schemas. Raises `SourceError`."""
    reply = session.send("GET", "interactionschemas")
    for pause in _PAUSES:
        if reply.is_success and not reply.problem:
            break
        timer.sleep(pause)
        reply = session.send("GET", "interactionschemas")
    if reply.status in (401, 403):
        raise session.tenant.unauthorized(reply.status)
    ids = read_ids(reply)
    if ids is None:
        raise unlisted(session, reply)
    return ids


def unlisted(session: TenantSession, reply: Reply) -> SourceError:
    """Return the error for a list of schemas that cannot be used."""
    url = session.tenant.url
    if reply.problem and reply.problem.is_silence:
        return UnreachableError(reply.problem.message, where=url, fix=reply.problem.fix)
    reason = reply.problem.message if reply.problem else f"status {reply.status}"
    message = f"the tenant did not list its schemas: {reason}"
    return MalformedResponseError(message, where=url, fix=CHECK_URL)


def read_ids(reply: Reply) -> list[str] | None:
    """Return the ids of a list of schemas, or None if it is none."""
    if reply.problem or not reply.is_success:
        return None
    try:
        value = loads(reply.body.decode("utf-8-sig"))
    except (JsonError, UnicodeDecodeError):
        return None
    if not isinstance(value, list):
        return None
    ids = [item.get("id") for item in value if isinstance(item, dict)]
    return [schema_id for schema_id in ids if isinstance(schema_id, str)]


def clean_up(session: TenantSession, timer: TimerLike, ids: Sequence[str]) -> CleanUp:
    """Delete the schemas of runs that have ended, of all those in `ids`. Raises `SourceError`."""
    leftovers: list[str] = []
    busy: list[str] = []
    for schema_id in ids:
        name = parse_name(schema_id)
        if name is None:
            continue
        state = is_running(name.mark)
        is_old = timer.now() - name.date > MAX_AGE
        if state is False or (state is None and is_old):
            leftovers.append(schema_id)
        else:
            busy.append(schema_id)
    delete_schemas(session, timer, leftovers)
    return CleanUp(tuple(leftovers), tuple(busy))


def delete_schemas(session: TenantSession, timer: TimerLike, ids: Sequence[str]) -> None:
    """Delete schemas and verify that the tenant does not list them any more.

    Raises `SourceError` if it still does.
    """
    remaining = list(ids)
    for pause in _PAUSES:
        if not remaining:
            return
        for schema_id in remaining:
            path = fill_path("interactionschemas/{id}", {"id": schema_id})
            session.send("DELETE", path)
        present = set(list_ids(session, timer))
        remaining = [schema_id for schema_id in remaining if schema_id in present]
        if remaining:
            timer.sleep(pause)
    if remaining:
        raise MalformedResponseError(
            f"the tenant did not delete {', '.join(remaining)}",
            where=session.tenant.url,
            fix="run engage-codegen probe --clean-up, or delete these schemas in the tenant",
        )
