"""Deliveries one after another, also while Engage or the store cannot be reached."""

import threading
from collections.abc import Callable

from ..transport.observer import LOGGER
from .errors import AlreadyDeliveringError, OutboxError
from .results import Delivery

_LONGEST_PAUSE = 30.0
_NOTHING = Delivery(0, 0, 0, None)


def run_until(
    stop: threading.Event,
    deliver: Callable[[], Delivery],
    wait: Callable[[threading.Event], None],
    on_delivery: Callable[[Delivery], object] | None,
) -> None:
    """Call `deliver` again and again until `stop` is set, and `wait` in between.

    After a delivery that could not go on, the pause gets longer and longer, until one delivers
    something.
    """
    failures = 0
    while not stop.is_set():
        is_failed = False
        try:
            delivery = deliver()
            is_failed = delivery.stopped is not None
            failures = 0 if delivery.delivered else failures
            if on_delivery is not None and delivery != _NOTHING:
                on_delivery(delivery)
        except (OutboxError, AlreadyDeliveringError) as error:
            is_failed = True
            LOGGER.warning("The delivery is interrupted: %s", error)
        failures = failures + 1 if is_failed else 0
        if failures:
            stop.wait(min(2.0 ** min(failures, 9) / 4, _LONGEST_PAUSE))
        elif not stop.is_set():
            wait(stop)
