"""What an outbox offers, whatever store its entries are in."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..async_client import AsyncEngageClient
from ..call.ids import ContactId
from ..call.item import Item, Pair
from ..call.retry import RetryPolicy, check_seconds
from ..client import EngageClient
from ..engine.window import Window
from ..payload.types import Payload
from ..registry import generated_schemas
from ..results import Receipt
from ..transport.clock import Clock, CreatedDates
from .delivery import DeliveryRun, OnReceipt
from .drafts import checked_contact, make_draft, make_draft_of_item
from .drivers import DeliveryOptions, Driver, LoopDriver, ThreadDriver
from .entry import Entry, State, pair_of
from .loop import run_until
from .observer import GuardedOutboxObserver, NoOutboxObserver, OutboxObserver
from .results import Delivery, Status
from .store import Draft, Store, status_of
from .tasks import deliver_in_thread
from .workers import Workers, check_most

if TYPE_CHECKING:
    import asyncio

KEEP_RECEIPTS = timedelta(days=90)
SCHEMA_WAIT = timedelta(hours=1)
_BATCH = 500


class BaseOutbox:
    """Interactions on their way to Engage. It differs by its store."""

    def __init__(
        self,
        store: Store,
        *,
        retry: RetryPolicy | None,
        schema_wait: timedelta,
        observer: OutboxObserver | None,
        clock: Clock,
    ) -> None:
        guarded = NoOutboxObserver() if observer is None else GuardedOutboxObserver(observer)
        policy = retry or RetryPolicy.background()
        self._options = DeliveryOptions(policy, schema_wait.total_seconds(), clock, guarded)
        self._dates = CreatedDates(clock)
        self._store = store

    def _put(self, drafts: list[Draft]) -> list[int]:
        ids = self._store.put(drafts)
        for draft in drafts:
            self._options.observer.put(draft.interaction.schema_id)
        return ids

    def put(
        self,
        contact_id: ContactId,
        payload: Payload,
        *,
        created_date: datetime | None = None,
        key: str | int | None = None,
    ) -> int:
        """Put an interaction and return the id of its entry.

        The entry holds the bytes that will be sent.

        Args:
            contact_id: The id of the contact in Engage.
            payload: An instance of a payload class of this package.
            created_date: When the interaction happened, with a time zone. Defaults to now.
            key: Identifies the interaction, like the number of an order line. A second put with the
                key returns the entry of the first one, for as long as receipts are kept. If the
                first was discarded, or it was rejected and the payload is another one, the new one
                takes its place.

        Raises:
            InvalidPayloadError: The interaction cannot be sent.
            KeyConflictError: Another payload was put with this key.
            OutboxError: The outbox cannot be used. Nothing was stored, unless `may_be_stored` is
                true.
        """
        return self._put([make_draft(self._dates, contact_id, payload, created_date, key)])[0]

    def put_many(self, items: Iterable[Item | Pair]) -> list[int]:
        """Put many interactions, in transactions of 500, and return the ids of their entries.

        If an item is wrong, those before it are in the outbox. With keys, the call can be repeated:
        what was put is not put again.

        Args:
            items: An `Item`, or a pair of a contact id and a payload, for each interaction.

        Raises:
            InvalidPayloadError: An interaction cannot be sent.
            KeyConflictError: Another payload was put with the key of an item.
            OutboxError: The outbox cannot be used.
        """
        ids: list[int] = []
        numbered = enumerate(items)
        while batch := list(islice(numbered, _BATCH)):
            drafts: list[Draft] = []
            try:
                for number, source in batch:
                    drafts.append(make_draft_of_item(self._dates, number, source))
            finally:
                if drafts:
                    ids += self._put(drafts)
        return ids

    def deliver(
        self,
        client: EngageClient,
        *,
        stop: threading.Event | None = None,
        on_receipt: Callable[[int, Receipt], object] | None = None,
        max_in_flight: int | None = None,
    ) -> Delivery:
        """Let every entry that is due take one step, as many at once as the rate allows.

        A contact's oldest entry goes first, and no two requests for one contact and schema are in
        flight at once.

        Args:
            client: The client that sends and looks up.
            stop: Set it to end the delivery after the steps that have begun.
            on_receipt: Receives the id of each delivered entry and its receipt, before the entry is
                deleted, in this thread. If it raises an exception, or after a crash, it receives
                the same entry and the same receipt again in the next delivery.
            max_in_flight: The most steps at once. With 1, all is done in this thread, in the order
                of the puts. By default, as many as the rate needs.

        Raises:
            AlreadyDeliveringError: Another process or thread is delivering from this file.
            OutboxError: The outbox cannot be used.
        """
        check_most(max_in_flight)
        client.__engine__.transport.check_usable()

        def is_stopped() -> bool:
            return stop is not None and stop.is_set()

        return self._deliver(ThreadDriver(client.__engine__), is_stopped, on_receipt, max_in_flight)

    async def deliver_async(
        self,
        client: AsyncEngageClient,
        *,
        stop: "asyncio.Event | None" = None,
        on_receipt: Callable[[int, Receipt], object] | None = None,
        max_in_flight: int | None = None,
    ) -> Delivery:
        """Do what `deliver` does with a client for asyncio.

        The store is used in threads of the outbox, and requests are made in the event loop.
        `on_receipt` is called in the event loop, and awaited if it returns an awaitable. If the
        task is canceled, the steps that have begun are completed first.
        """
        import asyncio

        check_most(max_in_flight)
        client.__engine__.transport.check_usable()

        def deliver(is_stopped: Callable[[], bool], receiver: OnReceipt | None) -> Delivery:
            return self._deliver(driver, is_stopped, receiver, max_in_flight)

        driver = LoopDriver(client.__engine__, asyncio.get_running_loop())
        return await deliver_in_thread(deliver, stop, on_receipt)

    def _deliver(
        self,
        driver: Driver,
        is_stopped: Callable[[], bool],
        on_receipt: OnReceipt | None,
        most: int | None,
    ) -> Delivery:
        self._report_oldest()
        with self._store.deliveries(self._options.longest_delay) as store:
            run = DeliveryRun(store, driver, self._options, has_receiver=on_receipt is not None)
            window = Window(driver.engine.limiter)
            Workers(run, store, window, on_receipt, most).deliver(is_stopped)
            return run.result

    def _report_oldest(self) -> None:
        if not isinstance(self._options.observer, NoOutboxObserver):
            self._options.observer.oldest(self.status().age_seconds)

    def run(
        self,
        client: EngageClient,
        *,
        stop: threading.Event,
        on_receipt: Callable[[int, Receipt], object] | None = None,
        on_delivery: Callable[[Delivery], object] | None = None,
        poll_seconds: float = 1.0,
    ) -> None:
        """Deliver until `stop` is set, also while Engage or the store cannot be reached.

        After a delivery that could not go on, it waits longer and longer, at most 30 seconds.

        Args:
            client: The client that sends and looks up.
            stop: Set it to end after the steps that have begun.
            on_receipt: See `deliver`.
            on_delivery: Receives the result of each delivery that did something.
            poll_seconds: The longest time between two looks at the store, in seconds.

        Raises:
            ConfigurationError: The client cannot be used.
        """
        check_seconds("poll_seconds", poll_seconds)

        def deliver() -> Delivery:
            return self.deliver(client, stop=stop, on_receipt=on_receipt)

        run_until(stop, deliver, partial(self._store.wait, poll_seconds), on_delivery)

    def entries(self, state: State | None = None) -> Iterator[Entry]:
        """Iterate over the entries in the order of the puts, or over those in one state."""
        return self._store.entries(state)

    def entry(self, entry_id: int) -> Entry | None:
        """Return an entry, or None if there is none: it was delivered or discarded."""
        return self._store.find_entry(entry_id)

    def status(self) -> Status:
        """Return the numbers to monitor.

        `oldest` gets older while the client cannot reach Engage. `unknown` and `rejected` count the
        dead letters.
        """
        return status_of(self._store.counts(), self._options.clock.now())

    def requeue(self, entry_id: int) -> bool:
        """Return a dead letter to the state `waiting`, or return False if there is none.

        An `unknown` entry may be stored already: look it up first.
        """
        return self._store.requeue(entry_id)

    def requeue_all(self, *, schema_id: str | None = None, state: State = "rejected") -> int:
        """Return all dead letters in a state to `waiting`, and return their number.

        Args:
            schema_id: Only the entries of this schema.
            state: ``"rejected"`` or ``"unknown"``. An `unknown` entry may be stored already.
        """
        ids = self._store.dead_letters(schema_id, (state,))
        return sum(self._store.requeue(entry_id) for entry_id in ids)

    def discard(self, entry_id: int) -> bool:
        """Delete an entry that is not being sent, or return False if there is none."""
        return self._store.discard(entry_id)

    def purge(self, contact_id: ContactId) -> int:
        """Delete all that the outbox has of a contact, and return the number of its entries.

        An entry that is being sent is deleted too, and may be stored in Engage.

        Raises:
            InvalidPayloadError: It is no contact id.
        """
        contact_text = checked_contact(contact_id)
        pairs = [pair_of(contact_text, schema_id) for schema_id in generated_schemas()]
        return self._store.purge(contact_text, pairs)

    def close(self) -> None:
        """Close the outbox. Its entries remain."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_class: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
