"""A delivery with asyncio: the steps run in threads, and the requests in the event loop."""

import inspect
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..results import Receipt
from .delivery import OnReceipt
from .results import Delivery

if TYPE_CHECKING:
    import asyncio


async def deliver_in_thread(
    deliver: Callable[[Callable[[], bool], OnReceipt | None], Delivery],
    stop: "asyncio.Event | None",
    on_receipt: OnReceipt | None,
) -> Delivery:
    """Call `deliver` in a thread. `on_receipt` is called in the event loop, and awaited.

    If the task is canceled, the steps that have begun are completed first.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    is_canceled = threading.Event()
    ended: asyncio.Future[Delivery] = loop.create_future()

    def is_stopped() -> bool:
        return is_canceled.is_set() or (stop is not None and stop.is_set())

    def report(entry_id: int, receipt: Receipt) -> object:
        return asyncio.run_coroutine_threadsafe(_call(on_receipt, entry_id, receipt), loop).result()

    def run() -> None:
        try:
            delivery = deliver(is_stopped, None if on_receipt is None else report)
        except BaseException as error:
            loop.call_soon_threadsafe(ended.set_exception, error)
        else:
            loop.call_soon_threadsafe(ended.set_result, delivery)

    threading.Thread(target=run, daemon=True).start()
    cancellation: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError as error:
            cancellation = error
            is_canceled.set()
    if cancellation is not None:
        ended.exception()
        raise cancellation
    return ended.result()


async def _call(on_receipt: OnReceipt | None, entry_id: int, receipt: Receipt) -> None:
    result = None if on_receipt is None else on_receipt(entry_id, receipt)
    if inspect.isawaitable(result):
        await result
