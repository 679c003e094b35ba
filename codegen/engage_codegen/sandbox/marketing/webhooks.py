"""The thread that calls the webhooks of automations."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from queue import SimpleQueue

import httpx

from engage_codegen.sandbox.marketing.automations import Call
from engage_codegen.sandbox.store.database import Store

_HEADERS = {"Content-Type": "application/json", "User-Agent": "engage-sandbox"}


class Webhooks:
    """A queue of webhooks, which a thread calls one after the other.

    A webhook that hangs delays the ones behind it, but never the API. `timeout_seconds` applies to
    webhooks that are called from then on.
    """

    timeout_seconds = 5.0

    def __init__(self, store: Store) -> None:
        self._store = store
        self._calls: SimpleQueue[Call] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def add(self, calls: Sequence[Call]) -> None:
        """Call these webhooks soon, and record each answer with the run of the automation."""
        for call in calls:
            self._calls.put(call)
        if calls and self._thread is None:
            # A daemon, so that a webhook cannot delay the end of the sandbox.
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        with httpx.Client(trust_env=False) as http:
            while True:
                call = self._calls.get()
                result = _call(http, call, self.timeout_seconds)
                with suppress(sqlite3.Error), self._store.transaction() as tenant:
                    tenant.query("UPDATE runs SET result = ? WHERE id = ?", (result, call.run))


def _call(http: httpx.Client, call: Call, timeout: float) -> str:
    try:
        # The body of the answer is not read, because it may be endless.
        with http.stream(
            "POST", call.url, content=call.body, headers=_HEADERS, timeout=timeout
        ) as answer:
            return f"webhook answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return f"webhook not reached: {str(error) or type(error).__name__}"
