"""The threads of a delivery: as many steps at once as the rate allows."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeAlias

from ..engine.window import POLL_SECONDS, Window
from ..errors import ConfigurationError
from ..results import Receipt
from .delivery import DeliveryRun, OnReceipt
from .entry import Row
from .store import Deliveries

_End: TypeAlias = tuple[Row, tuple[Row, Receipt] | None]


class Workers:
    """Takes the steps of a delivery in threads, and reports receipts in the calling thread."""

    def __init__(
        self,
        run: DeliveryRun,
        store: Deliveries,
        window: Window,
        on_receipt: OnReceipt | None,
        most: int | None,
    ) -> None:
        self._run = run
        self._store = store
        self._window = window
        self._on_receipt = on_receipt
        self._most = most
        self._jobs: SimpleQueue[Row | None] = SimpleQueue()
        self._ends: SimpleQueue[_End] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None

    def deliver(self, is_stopped: Callable[[], bool]) -> None:
        """Deliver until no entry is due, Engage accepts nothing, or `is_stopped` returns True."""
        if self._most == 1:
            self._deliver_in_turn(is_stopped)
            return
        try:
            self._deliver_at_once(is_stopped)
        finally:
            for _ in self._threads:
                self._jobs.put(None)
            for thread in self._threads:
                thread.join()
        if self._failure is not None:
            raise self._failure

    def _deliver_in_turn(self, is_stopped: Callable[[], bool]) -> None:
        """Take all steps in the calling thread."""
        while self._run.stopped is None and not is_stopped():
            rows = self._store.claim(1)
            if not rows:
                return
            for row in rows:
                self._end(row, self._run.take_step(row))

    def _deliver_at_once(self, is_stopped: Callable[[], bool]) -> None:
        running = 0
        while True:
            is_ending = self._failure is not None or self._run.stopped is not None or is_stopped()
            rows = self._store.claim(0 if is_ending else self._free(running))
            for row in rows:
                running += 1
                if running > len(self._threads) and not self._start_thread():
                    self._take_step(row)
                else:
                    self._jobs.put(row)
            if not running:
                if is_ending or not rows:
                    return
                continue
            try:
                running -= self._wait_for_ends()
            except Empty:
                continue

    def _free(self, running: int) -> int:
        free = self._window.free_slots(running)
        return free if self._most is None else min(free, self._most - running)

    def _wait_for_ends(self) -> int:
        """Wait for a step to end, and return how many have. Raises `Empty` if it takes long."""
        ends = [self._ends.get(timeout=POLL_SECONDS)]
        while not self._ends.empty():
            ends.append(self._ends.get_nowait())
        for end in ends:
            self._end(*end)
        return len(ends)

    def _end(self, row: Row, report: tuple[Row, Receipt] | None) -> None:
        if report is not None and self._on_receipt is not None:
            self._run.report(*report, self._on_receipt)
        self._store.release(row)

    def _start_thread(self) -> bool:
        """Start a thread. Return False if the machine allows no more, but one has to exist."""
        thread = threading.Thread(target=self._work, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return bool(self._threads)
        self._threads.append(thread)
        return True

    def _work(self) -> None:
        while (row := self._jobs.get()) is not None:
            self._take_step(row)

    def _take_step(self, row: Row) -> None:
        report = None
        try:
            report = self._run.take_step(row)
        except BaseException as error:
            self._failure = self._failure or error
        self._ends.put((row, report))


def check_most(most: int | None) -> None:
    """Raise `ConfigurationError` for a number of steps at once that cannot work."""
    if most is not None and most < 1:
        raise ConfigurationError(f"max_in_flight must be at least 1, not {most}.")
