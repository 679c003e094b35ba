"""The command line of an outbox: ``python -m <package>.outbox``.

Exit codes: 0 fine; 1 something needs attention (a limit of ``status``, a delivery that Engage
stopped, no such entry); 2 wrong usage or configuration; 5 the outbox cannot be used.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

from ...call.foreign_text import printable_line
from ...client import EngageClient
from ...errors import ConfigurationError, EngageError, InvalidPayloadError
from ...transport.rate_limiter import RateLimiter
from ...transport.settings import settings_from_environment
from ..base import BaseOutbox
from ..entry import STATES, State
from ..errors import AlreadyDeliveringError, OutboxError
from ..outbox import Outbox
from ..results import Delivery
from .report import FORMATS, describe_delivery, describe_entry, describe_status, list_entry

_PACKAGE = __name__.partition("._runtime")[0]
_POSTGRES = f"{_PACKAGE}._runtime.postgres"
_VARIABLE = "ENGAGE_OUTBOX"
_ATTENTION, _USAGE, _UNUSABLE = 1, 2, 5


class _Arguments(Protocol):
    command: str
    outbox: str | None
    table_schema: str
    prefix: str
    forever: bool
    format: str
    max_age: float | None
    max_dead: int | None
    state: State | None
    schema: str | None
    limit: int
    all: bool
    ids: list[int]
    contact: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    parsed = cast(_Arguments, _parser().parse_args(arguments))
    try:
        target = parsed.outbox or os.environ.get(_VARIABLE)
        if not target:
            raise ConfigurationError(
                f"Name the outbox: a path, or the URL of a database, also as {_VARIABLE}."
            )
        return _COMMANDS[parsed.command](parsed, target)
    except (ConfigurationError, InvalidPayloadError) as error:
        return _fail(error, _USAGE)
    except EngageError as error:
        return _fail(error, _UNUSABLE)


def _fail(error: Exception, code: int) -> int:
    print(f"error: {printable_line(str(error))}", file=sys.stderr)
    return code


def _is_url(target: str) -> bool:
    return target.startswith(("postgresql://", "postgres://"))


def _postgres(function: str) -> Callable[..., object]:
    """Return a function for PostgreSQL, which a package can be generated without."""
    if find_spec(_POSTGRES) is None:
        raise ConfigurationError(f"The package {_PACKAGE} was generated without postgres.")
    return cast(Callable[..., object], getattr(import_module(f"{_POSTGRES}.command"), function))


def _open(arguments: _Arguments, target: str) -> BaseOutbox:
    if _is_url(target):
        opened = _postgres("open_outbox")(target, arguments.table_schema, arguments.prefix)
        return cast(BaseOutbox, opened)
    if not os.path.exists(target) and arguments.command != "deliver":
        raise OutboxError(f"{target}: there is no such file.")
    return Outbox(target)


def _deliver(arguments: _Arguments, target: str) -> int:
    limiter: RateLimiter | None = None
    if _is_url(target):
        rate = settings_from_environment(None)["rate"]
        names = (arguments.table_schema, arguments.prefix)
        limiter = cast(RateLimiter, _postgres("open_limiter")(target, *names, rate))
    stop = threading.Event()

    def end(number: int, frame: object) -> None:
        del number, frame
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with EngageClient.from_env(rate_limiter=limiter) as client, _open(arguments, target) as outbox:
        if arguments.forever:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
            outbox.run(client, stop=stop, on_delivery=_print_delivery)
            return 0
        try:
            delivery = outbox.deliver(client, stop=stop)
        except AlreadyDeliveringError as error:
            print(error)
            return 0
    _print_delivery(delivery)
    return 0 if delivery.stopped is None else _ATTENTION


def _print_delivery(delivery: Delivery) -> None:
    print(describe_delivery(delivery), flush=True)


def _status(arguments: _Arguments, target: str) -> int:
    with _open(arguments, target) as outbox:
        status = outbox.status()
    print(describe_status(status, arguments.format))
    dead = status.unknown + status.rejected
    is_late = arguments.max_age is not None and status.age_seconds > arguments.max_age
    has_dead = arguments.max_dead is not None and dead > arguments.max_dead
    return _ATTENTION if is_late or has_dead or status.missing else 0


def _list(arguments: _Arguments, target: str) -> int:
    count = 0
    with _open(arguments, target) as outbox:
        for entry in outbox.entries(arguments.state):
            if arguments.schema in (None, entry.schema_id) and count < arguments.limit:
                count += 1
                print(list_entry(entry, arguments.format))
    return 0


def _show(arguments: _Arguments, target: str) -> int:
    with _open(arguments, target) as outbox:
        for entry_id in arguments.ids:
            entry = outbox.entry(entry_id)
            if entry is None:
                return _fail(LookupError(f"There is no entry {entry_id}."), _ATTENTION)
            print(describe_entry(entry, arguments.format))
    return 0


def _requeue(arguments: _Arguments, target: str) -> int:
    with _open(arguments, target) as outbox:
        if arguments.all:
            state = arguments.state or "rejected"
            count = outbox.requeue_all(schema_id=arguments.schema, state=state)
            print(f"requeued {count}")
            return 0
        if not arguments.ids:
            raise ConfigurationError("Name the entries to requeue, or use --all.")
        return _change(outbox.requeue, arguments.ids, "requeued", "no dead letter")


def _discard(arguments: _Arguments, target: str) -> int:
    with _open(arguments, target) as outbox:
        return _change(outbox.discard, arguments.ids, "discarded", "missing or being sent")


def _change(change: Callable[[int], bool], ids: Sequence[int], verb: str, problem: str) -> int:
    code = 0
    for entry_id in ids:
        is_changed = change(entry_id)
        print(f"entry {entry_id}: {verb if is_changed else problem}")
        code = code if is_changed else _ATTENTION
    return code


def _purge(arguments: _Arguments, target: str) -> int:
    with _open(arguments, target) as outbox:
        print(f"deleted {outbox.purge(arguments.contact)}")
    return 0


def _create_tables(arguments: _Arguments, target: str) -> int:
    if not _is_url(target):
        raise ConfigurationError("A file needs no tables. Name the URL of a database.")
    is_new = _postgres("create_tables")(
        target, schema=arguments.table_schema, prefix=arguments.prefix
    )
    print("created" if is_new else "there already")
    return 0


_COMMANDS: dict[str, Callable[[_Arguments, str], int]] = {
    "deliver": _deliver,
    "status": _status,
    "list": _list,
    "show": _show,
    "requeue": _requeue,
    "discard": _discard,
    "purge": _purge,
    "create-tables": _create_tables,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {_PACKAGE}.outbox", description="Deliver and look after an outbox."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--table-schema", default="public", help="the schema of the tables")
        command.add_argument("--prefix", default="engage_", help="the prefix of the tables")
        return command

    deliver = add("deliver", "Deliver what is due. SIGTERM ends it after the requests in flight.")
    deliver.add_argument("--forever", action="store_true", help="go on until SIGTERM")
    status = add("status", "Print the numbers to monitor.")
    _add_format(status)
    status.add_argument("--max-age", type=float, metavar="SECONDS", help="exit 1 if the oldest is")
    status.add_argument("--max-dead", type=int, metavar="NUMBER", help="exit 1 with more of them")
    entries = add("list", "List entries without their payloads.")
    _add_format(entries, FORMATS[:2])
    _add_filters(entries)
    entries.add_argument("--limit", type=int, default=100, help="the most entries to list")
    show = add("show", "Show entries with their payloads, which are personal data.")
    show.add_argument("ids", type=int, nargs="+", metavar="ID")
    _add_format(show, FORMATS[:2])
    requeue = add("requeue", "Let dead letters wait again.")
    requeue.add_argument("ids", type=int, nargs="*", metavar="ID")
    requeue.add_argument("--all", action="store_true", help="all of a state, and of a schema")
    _add_filters(requeue)
    discard = add("discard", "Delete entries that are not being sent.")
    discard.add_argument("ids", type=int, nargs="+", metavar="ID")
    add("purge", "Delete all of a contact.").add_argument("contact", metavar="CONTACT")
    add("create-tables", "Create the tables in a database.")
    for name, command in commands.choices.items():
        _add_outbox(command, is_last=name not in ("show", "requeue", "discard"))
    return parser


def _add_outbox(command: argparse.ArgumentParser, *, is_last: bool) -> None:
    text = f"a path, or the URL of a database; by default {_VARIABLE}"
    if is_last:
        command.add_argument("outbox", nargs="?", metavar="OUTBOX", help=text)
    else:
        command.add_argument("--outbox", metavar="OUTBOX", help=text)


def _add_format(command: argparse.ArgumentParser, formats: Sequence[str] = FORMATS) -> None:
    command.add_argument("--format", choices=formats, default=formats[0])


def _add_filters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--state", choices=STATES)
    command.add_argument("--schema", metavar="ID", help="only the entries of this schema")
