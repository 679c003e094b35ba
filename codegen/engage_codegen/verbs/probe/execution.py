"""A whole probe: the tenant is listed, asked, and left as it was."""

import base64
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ...errors import ConfigError, InputError, MalformedResponseError
from ...sources.tenant_session import TenantSession
from .asking import steps
from .asking.exchange import Exchange, Step, fill_path
from .asking.limits import find_limits
from .asking.rate import find_rate_limit
from .asking.recorder import Recorder, TimerLike
from .asking.script import delete_all, run_script
from .clean_up import clean_up, delete_schemas, list_ids
from .facts import Deviation, list_deviations
from .locks import RunningProbe
from .names import ProbeName, draw_name, parse_name
from .questions import read_answers
from .readings.reading import Observations, Reading

MAX_SCHEMAS = 15
_NECESSARY_PLACES = 3
_VERIFY = Step("verify", "GET", "interactionschemas")


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe learned. The answers of the exchanges are sanitized."""

    started: datetime
    requests: int
    readings: Mapping[str, Reading]
    deviations: tuple[Deviation, ...]
    exchanges: tuple[Exchange, ...]
    deleted: tuple[str, ...] = ()
    limits: Mapping[str, str] = field(default_factory=dict[str, str])


def find_contact(session: TenantSession, email: str) -> str:
    """Return the id of the contact with an e-mail address. Raises `InputError`."""
    reply = session.send("GET", fill_path("contacts/id?email={email}", {"email": email}))
    if reply.status in (401, 403):
        raise session.tenant.unauthorized(reply.status)
    text = reply.body.decode("utf-8", "replace").strip().strip('"')
    if reply.is_success and not reply.problem and text:
        return text
    reason = "several contacts have" if reply.status == 409 else "no contact has"
    if reply.status not in (404, 409):
        reason = f"status {reply.status}: no contact was returned for"
    raise InputError(
        f"{reason} this e-mail address",
        where="--email",
        fix="pass the address of a test contact, or its id with --contact",
    )


def run_probe(
    session: TenantSession,
    timer: TimerLike,
    contact: str,
    *,
    with_limits: bool = False,
    with_rate_limit: bool = False,
) -> ProbeResult:
    """Ask a tenant everything, and leave nothing behind.

    Raises `SourceError`, `ConfigError` if too few schema places are free, and `InputError` if the
    contact does not exist.
    """
    name = draw_name(timer.now())
    recorder = Recorder(session, timer, bind(name, contact))
    with RunningProbe(name.mark):
        listed = recorder.send(steps.LIST_SCHEMAS)
        if listed.status == 403:
            return _ask_contacts(recorder)
        deleted = _prepare(recorder, listed)
        limits: dict[str, str] = {}
        rate_limit: Reading | None = None
        try:
            run_script(recorder)
            delete_all(recorder)
            if with_limits:
                limits = find_limits(session, name, contact)
            if with_rate_limit:
                rate_limit = find_rate_limit(session, timer)
        finally:
            _remove_everything(recorder, name)
    _require_contact(recorder)
    result = replace(_result(recorder, deleted), limits=limits)
    if rate_limit is None:
        return result
    return replace(result, readings={**result.readings, "rate-limit": rate_limit})


def bind(name: ProbeName, contact: str) -> dict[str, str]:
    """Return the values of the placeholders that are the same in every answer."""
    bindings = {f"schema-{part}": name.schema_id(part) for part in ("a", "b", "c")}
    bindings |= {
        "contact": contact,
        "unknown-contact": str(uuid.uuid4()),
        "unknown-email": f"probe-{secrets.token_hex(6)}@example.com",
        "unknown-key": f"probe-{secrets.token_hex(6)}",
    }
    try:
        guid = uuid.UUID(contact)
    except ValueError:
        return bindings
    for order, raw in (("net", guid.bytes_le), ("rfc", guid.bytes)):
        short = base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
        bindings[f"short-contact-{order}"] = short
    return bindings


def _ask_contacts(recorder: Recorder) -> ProbeResult:
    """Ask what a tenant without interactions can be asked."""
    contacts = recorder.send(steps.COUNT_CONTACTS)
    if not contacts.is_success:
        raise recorder.session.tenant.unauthorized(403)
    for step in steps.CONTACT_STEPS:
        recorder.send(step)
    return _result(recorder, ())


def _prepare(recorder: Recorder, listed: Exchange) -> tuple[str, ...]:
    """Delete what earlier runs left, and return it. Raises an error if there is no room."""
    session = recorder.session
    if listed.status == 401:
        raise session.tenant.unauthorized(401)
    values = listed.value if listed.is_success and isinstance(listed.value, list) else None
    if values is None:
        reason = listed.problem or f"status {listed.status}"
        raise MalformedResponseError(
            f"the tenant did not list its schemas: {reason}",
            where=session.tenant.url,
            fix="check the base URL and the API version, then try again",
        )
    ids = [str(item.get("id")) for item in values if isinstance(item, dict)]
    deleted = clean_up(session, recorder.timer, ids).deleted
    free = MAX_SCHEMAS - len(values) + len(deleted)
    if free < _NECESSARY_PLACES:
        raise ConfigError(
            f"the tenant has {len(values)} of {MAX_SCHEMAS} schemas, and a probe needs "
            f"{_NECESSARY_PLACES} free places",
            where=session.tenant.url,
            fix="nothing was changed; delete schemas that nobody needs, or ask another tenant",
        )
    return deleted


def _remove_everything(recorder: Recorder, name: ProbeName) -> None:
    """Verify that nothing of this run is left, and delete what is. Raises `SourceError`."""
    session, timer = recorder.session, recorder.timer
    verified = recorder.send(_VERIFY)
    values = verified.value if verified.is_success and isinstance(verified.value, list) else None
    if values is None:
        ids = list_ids(session, timer)
    else:
        ids = [str(item.get("id")) for item in values if isinstance(item, dict)]
    marks = {schema_id: parse_name(schema_id) for schema_id in ids}
    own = [schema_id for schema_id, owner in marks.items() if owner and owner.mark == name.mark]
    delete_schemas(session, timer, own)
    read = recorder.exchanges.get("read-deleted")
    if read is not None and read.is_success:  # the tenant keeps the interactions of a schema
        ids = [item.id for item in recorder.exchanges.values() if item.step.path == "interactions"]
        for interaction_id in filter(None, ids):
            session.send("DELETE", fill_path("interactions/{id}", {"id": interaction_id}))


def _require_contact(recorder: Recorder) -> None:
    """Raise `InputError` if the contact is as unknown as one that does not exist."""
    statuses = [
        recorder.exchanges[step].status
        for step in ("plain", "declared", "unknown-contact")
        if step in recorder.exchanges
    ]
    if statuses == [404] * 3:
        raise InputError(
            "the tenant has no such contact",
            where="--contact",
            fix="pass the id of a test contact, or its e-mail address with --email",
        )


def _result(recorder: Recorder, deleted: tuple[str, ...]) -> ProbeResult:
    """Read the sanitized answers: nothing else may get into a text of the file."""
    exchanges = {
        name: replace(exchange, value=recorder.sanitized(exchange))
        for name, exchange in recorder.exchanges.items()
    }
    placeholders = {name: f"{{{name}}}" for name in recorder.bindings}
    observations = Observations(exchanges, placeholders)
    return ProbeResult(
        recorder.started.replace(microsecond=0),
        recorder.session.count,
        read_answers(observations),
        tuple(list_deviations(observations)),
        tuple(exchanges.values()),
        deleted,
    )
