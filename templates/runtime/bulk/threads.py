"""The threads of a bulk send.

The calling thread takes the items and reports the outcomes, because the input and `on_outcome` may
belong to it, like a database cursor. All else happens in threads of the bulk send, which no signal
interrupts. The calling thread shares only queues with them that are written in C, and hands an item
over in the same step in which it takes it. This is why Ctrl-C cannot lose an item.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum, auto
from itertools import chain, islice
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias

from ..call.item import Item
from ..engine.thread_engine import ThreadEngine
from ..engine.window import POLL_SECONDS, Window
from ..errors import ConfigurationError
from ..payload.encoding import payload_class_of
from .item import ItemSource, SendOptions, resolve_item
from .ledger import Ledger
from .outcome import Outcome, failed_outcome, sent_outcome


class _Signal(Enum):
    END = auto()
    """The input has no more items."""
    STOP = auto()
    """Cut the waits short. No more items will follow."""
    FINISHED = auto()
    """An item has its outcome."""


_Entry: TypeAlias = tuple[int, ItemSource]
_Jobs: TypeAlias = "SimpleQueue[_Entry | None]"
_END: Final = (_Signal.END,)


class ThreadBatch:
    """A bulk send with threads. Nothing happens before the first call of `next_outcome`."""

    def __init__(
        self,
        engine: ThreadEngine,
        items: Iterable[ItemSource],
        options: SendOptions,
        on_outcome: Callable[[Outcome], object] | None,
    ) -> None:
        self._engine = engine
        self._options = options
        self.ledger = Ledger(on_outcome)
        self._window = Window(engine.limiter)
        self._source: Iterator[_Entry | _Signal] = chain(enumerate(items), _END)
        self._events: SimpleQueue[_Entry | _Signal] = SimpleQueue()
        self._wakes: SimpleQueue[None] = SimpleQueue()
        """An element for each outcome, and one for the end."""
        self._stop = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._in_flight = 0
        self._process = 0
        self._is_done = False
        self.is_started = False
        self.is_stopping = False

    def next_outcome(self) -> Outcome | None:
        """Wait for the next outcome, report and return it. Return None after the last one."""
        if self.is_stopping and not self.is_started:
            return None
        self._start()
        while not (self._is_done and not self.ledger):
            if not self.is_stopping:
                count = self._window.free_slots(self._in_flight)
                # One call takes the items and hands them over.
                deque(map(self._events.put, islice(self._source, count)), maxlen=0)
                self._in_flight += count
            with suppress(Empty):
                self._wakes.get(timeout=POLL_SECONDS)
            outcome = self.ledger.report_next()
            if outcome is not None:
                self._in_flight -= 1
                return outcome
        return None

    def request_stop(self) -> None:
        """Take no more items, and cut the waits of the retry policy short."""
        self.is_stopping = True
        self._events.put(_Signal.STOP)

    def settle(self) -> BaseException | None:
        """Stop, and report the outcomes of all items that were taken. Can be called again.

        Returns the first exception that was raised meanwhile, by `on_outcome` or by Ctrl-C.
        """
        if threading.current_thread() in self._threads:
            # The garbage collector runs in any thread. This one cannot wait for itself.
            threading.Thread(target=self.settle).start()
            return None
        self.request_stop()
        failure: BaseException | None = None
        while self._is_running_here() and not (self._is_done and not self.ledger):
            try:
                if self.ledger.report_next() is None:
                    self._wakes.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            except BaseException as error:
                failure = failure or error
        return failure

    def _is_running_here(self) -> bool:
        return self.is_started and self._process == os.getpid()

    def _start(self) -> None:
        if not self.is_started:
            self._process = os.getpid()
            threading.Thread(target=self._dispatch, daemon=True).start()
            self.is_started = True
        if not self._is_running_here():
            raise ConfigurationError(
                "The outcomes of a bulk send belong to the process that started it. "
                "Start another bulk send in this process."
            )

    def _dispatch(self) -> None:
        """Give the items to workers until all of them have an outcome, and start the workers."""
        self._threads.add(threading.current_thread())
        jobs: _Jobs = SimpleQueue()
        workers = running = 0
        is_ending = False
        while running or not is_ending:
            event = self._events.get()
            if event is _Signal.FINISHED:
                running -= 1
            elif isinstance(event, _Signal):
                is_ending = True
                if event is _Signal.STOP:
                    self._stop.set()
            else:
                running += 1
                if running > workers:
                    workers += self._start_worker(jobs)
                if workers:
                    jobs.put(event)
                else:
                    self._send(*event)
        for _ in range(workers):
            jobs.put(None)
        self._is_done = True
        self._wakes.put(None)

    def _start_worker(self, jobs: _Jobs) -> bool:
        """Start a worker. Return False if the machine allows no more threads."""
        try:
            threading.Thread(target=self._work, args=(jobs,), daemon=True).start()
        except RuntimeError:
            return False
        return True

    def _work(self, jobs: _Jobs) -> None:
        self._threads.add(threading.current_thread())
        while (job := jobs.get()) is not None:
            self._send(*job)

    def _send(self, number: int, source: ItemSource) -> None:
        self.ledger.add(self._send_item(number, source))
        self._wakes.put(None)
        self._events.put(_Signal.FINISHED)

    def _send_item(self, number: int, source: ItemSource) -> Outcome:
        if isinstance(source, Exception):
            return failed_outcome(number, source, source)
        item: Item | None = None
        try:
            item = resolve_item(number, source)
            with self._engine.observe("send", payload_class_of(item.payload).__schema_id__):
                call, settings = self._options.prepare(self._engine, item)
                receipt = self._engine.run(call, settings, self._stop)
        except BaseException as error:
            return failed_outcome(number, source, error, item)
        return sent_outcome(number, source, item, receipt)
