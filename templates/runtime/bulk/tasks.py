"""The tasks of a bulk send with asyncio.

The items are taken in the event loop. An item is held in `_waiting` from the step that takes it
until its task begins, then in `_running` until it has an outcome. An item that a canceled task
leaves there gets its outcome at the end.
"""

import os
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING

from ..call.item import Item
from ..engine.task_engine import TaskEngine
from ..engine.window import POLL_SECONDS, Window
from ..errors import NotSentError, OutcomeUnknownError
from ..payload.encoding import payload_class_of
from .item import ItemSource, SendOptions, resolve_item
from .ledger import Ledger
from .outcome import Outcome, failed_outcome, sent_outcome

if TYPE_CHECKING:
    import asyncio

_NOT_BEGUN = "The bulk send was interrupted before this item was sent. Sending it is safe."
_BROKEN_OFF = "The bulk send was interrupted while this item was sent. It may be stored."


class TaskBatch:
    """A bulk send with tasks. Nothing happens before the first call of `next_outcome`."""

    def __init__(
        self,
        engine: TaskEngine,
        items: Iterable[ItemSource],
        options: SendOptions,
        on_outcome: Callable[[Outcome], object] | None,
    ) -> None:
        import asyncio

        self._engine = engine
        self._options = options
        self.ledger = Ledger(on_outcome)
        self._window = Window(engine.limiter)
        self._source = enumerate(items)
        self._next_number = 0
        self._waiting: dict[int, ItemSource] = {}
        self._running: dict[int, ItemSource] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._process = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_stopping = False

    @property
    def is_started(self) -> bool:
        """Whether items may have been taken."""
        return self._loop is not None

    async def next_outcome(self) -> Outcome | None:
        """Wait for the next outcome, report and return it. Return None after the last one."""
        import asyncio

        if self._loop is None:
            if self.is_stopping:
                return None
            self._process = os.getpid()
            self._loop = asyncio.get_running_loop()
        while True:
            in_flight = len(self._waiting) + len(self._running) + len(self.ledger)
            if not self.is_stopping:
                self._waiting.update(islice(self._source, self._window.free_slots(in_flight)))
                self._start_tasks()
            outcome = self.ledger.report_next()
            if outcome is not None:
                return outcome
            if not self._tasks:
                return None
            done, _ = await asyncio.wait(
                self._tasks, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            self._discard(done)

    def _start_tasks(self) -> None:
        import asyncio

        while self._next_number in self._waiting:
            number = self._next_number
            self._next_number += 1
            self._tasks.add(asyncio.create_task(self._send(number)))

    async def _send(self, number: int) -> None:
        import asyncio

        if number not in self._waiting:
            return
        if task := asyncio.current_task():
            self._tasks.add(task)  # Ctrl-C may have interrupted `_start_tasks`.
        source = self._running[number] = self._waiting[number]
        del self._waiting[number]
        if isinstance(source, Exception):
            self._finish(failed_outcome(number, source, source))
            return
        item: Item | None = None
        try:
            item = resolve_item(number, source)
            with self._engine.observe("send", payload_class_of(item.payload).__schema_id__):
                call, settings = self._options.prepare(self._engine, item)
                receipt = await self._engine.run(call, settings, self._stop)
        except BaseException as error:
            self._finish(failed_outcome(number, source, error, item))
            if not isinstance(error, Exception):
                raise
        else:
            self._finish(sent_outcome(number, source, item, receipt))

    def _finish(self, outcome: Outcome) -> None:
        self.ledger.add(outcome)
        self._running.pop(outcome.number, None)

    def _discard(self, done: "set[asyncio.Task[None]]") -> None:
        self._tasks -= done
        for task in done:
            if not task.cancelled():
                task.exception()  # asyncio logs exceptions that nobody has asked for.

    def request_stop(self) -> None:
        """Take no more items, and cut the waits of the retry policy short."""
        self.is_stopping = True
        self._stop.set()

    async def settle(self) -> BaseException | None:
        """Stop, and report the outcomes of all items that were taken. Can be called again.

        Returns the first exception that was raised meanwhile, by `on_outcome` or by a cancellation.
        """
        import asyncio

        self.request_stop()
        if self._process != os.getpid():
            return None
        failure: BaseException | None = None
        self._start_tasks()
        while self._tasks:
            try:
                # Cutting a POST off would make its outcome unknown, so let it finish.
                done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                self._discard(done)
            except GeneratorExit:
                raise
            except BaseException as error:  # canceled again
                failure = failure or error
            reported = self._report_all()
            failure = failure or reported
        rest = self._settle_rest()
        return failure or rest

    def abandon(self) -> None:
        """Settle later: nothing can wait for the tasks now."""
        if self._process != os.getpid() or self._loop is None:
            return
        if self._loop.is_closed():
            _raise_failure(self._settle_rest())
        elif self._tasks or self.ledger:
            self._loop.call_soon_threadsafe(self._settle_soon)

    def _settle_soon(self) -> None:
        import asyncio

        async def settle() -> None:
            _raise_failure(await self.settle())

        # Not in `_tasks`, which it waits for.
        self._settling = asyncio.create_task(settle())

    def _settle_rest(self) -> BaseException | None:
        """Report all items that have no task."""
        failure = self._report_all()
        for items, error_class, message in (
            (self._waiting, NotSentError, _NOT_BEGUN),
            (self._running, OutcomeUnknownError, _BROKEN_OFF),
        ):
            while items:
                number, source = next(iter(items.items()))
                self.ledger.add(failed_outcome(number, source, error_class(message)))
                self._running.pop(number, None)
                self._waiting.pop(number, None)
        rest = self._report_all()
        return failure or rest

    def _report_all(self) -> BaseException | None:
        for outcome in self.ledger:
            self._running.pop(outcome.number, None)  # Ctrl-C may have interrupted `_finish`.
        return self.ledger.report_all()


def _raise_failure(failure: BaseException | None) -> None:
    if failure is not None:
        raise failure
