"""A program that interrupts bulk sends with SIGINT at random moments.

    python -m tests.support.runtime.bulk_with_signals SEED ROUNDS

In each round, a server on the loopback stores what it receives. It counts what happens to the
requests, and sends one to three signals to this process at random counts, so that the first signal
always comes while an item is unanswered. The program checks what became of every item that was
taken, and prints the number of rounds with a signal.
"""

import json
import operator
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType

from engage_interactions._runtime.bulk.item import ItemSource
from engage_interactions._runtime.bulk.outcome import Outcome
from engage_interactions._runtime.bulk.send_many import send_many, stream_many
from engage_interactions._runtime.client import EngageClient
from tests.support.runtime.platform import CONTACT, Gift

ITEMS = 60


class Server(ThreadingHTTPServer):
    """Stores the prices of the gifts that it receives, under their ids.

    `moments` are the numbers of events at which it sends signals, in ascending order.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stored: dict[str, int] = {}
        self.moments: list[int] = []
        self.round = 0
        self._events = 0
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def begin(self, moments: list[int]) -> None:
        with self._lock:
            self.stored.clear()
            self.moments, self._events = moments, 0
            self.round += 1

    def count_event(self, of_round: int) -> None:
        """Count that a request of the current round arrived, was stored or was answered."""
        with self._lock:
            if of_round != self.round:
                return
            self._events += 1
            if self.moments and self._events == self.moments[0]:
                del self.moments[0]
                os.kill(os.getpid(), signal.SIGINT)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        current = self.server.round
        self.server.count_event(current)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        interaction_id = os.urandom(8).hex()
        self.server.stored[interaction_id] = body["payload"]["price"]
        self.server.count_event(current)
        answer = json.dumps({"id": interaction_id}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.server.count_event(current)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


def send_all(
    client: EngageClient, items: Iterator[ItemSource], note: Callable[[Outcome], None]
) -> None:
    send_many(client, items, on_outcome=note)


def send_in_a_with_block(
    client: EngageClient, items: Iterator[ItemSource], note: Callable[[Outcome], None]
) -> None:
    with stream_many(client, items, on_outcome=note) as outcomes:
        for _ in outcomes:
            pass


def send_in_a_loop(
    client: EngageClient, items: Iterator[ItemSource], note: Callable[[Outcome], None]
) -> None:
    for _ in stream_many(client, items, on_outcome=note):
        pass


FORMS = send_all, send_in_a_with_block, send_in_a_loop


CODES = {form.__code__ for form in FORMS}


class Interruptions:
    """Raises `KeyboardInterrupt` for each signal during a bulk send.

    A signal that comes after the end of the bulk send changes nothing. Python prints and drops an
    exception that is raised while an object is deleted; those are counted.
    """

    def __init__(self) -> None:
        self.dropped = 0
        signal.signal(signal.SIGINT, self._interrupt)
        sys.unraisablehook = self._count

    def _interrupt(self, _number: int, frame: FrameType | None) -> None:
        while frame:
            if frame.f_code in CODES:
                raise KeyboardInterrupt
            frame = frame.f_back

    def _count(self, unraisable: "sys.UnraisableHookArgs") -> None:
        self.dropped += issubclass(unraisable.exc_type, KeyboardInterrupt)


def draw_moments(draw: random.Random) -> list[int]:
    """Return the events for one to three signals.

    Each item has two events before its answer, so the first signal comes before the last answer.
    """
    moments = [draw.randint(1, 2 * ITEMS)]
    for _ in range(draw.choice([0, 1, 2])):
        moments.append(moments[-1] + draw.randint(1, 6))
    return moments


def run_round(
    server: Server, client: EngageClient, draw: random.Random, interruptions: Interruptions
) -> None:
    moments = draw_moments(draw)
    server.begin([*moments])
    begun: list[Outcome] = []
    source: Iterator[ItemSource] = iter([(CONTACT, Gift("a", number)) for number in range(ITEMS)])
    interruptions.dropped = 0
    is_interrupted = False
    try:
        draw.choice(FORMS)(client, source, begun.append)
    except KeyboardInterrupt:
        is_interrupted = True
    count = ITEMS - operator.length_hint(source)
    assert len(server.moments) < len(moments), "there was no signal"
    assert is_interrupted or (interruptions.dropped and count == ITEMS), moments
    check(server.stored, begun, count)


def check(stored: dict[str, int], reported: list[Outcome], count: int) -> None:
    """`count` items were taken. Each of them was reported once, and is stored."""
    assert Counter(outcome.number for outcome in reported) == Counter(range(count))
    receipts = {outcome.receipt.id: outcome.number for outcome in reported if outcome.receipt}
    assert receipts == stored


def main() -> None:
    draw, rounds = random.Random(int(sys.argv[1])), int(sys.argv[2])
    server, interruptions = Server(), Interruptions()
    with EngageClient(
        f"http://127.0.0.1:{server.server_address[1]}", api_key="k", user_agent="a/1", rate=10**6
    ) as client:
        for _ in range(rounds):
            run_round(server, client, draw, interruptions)
    print(rounds)


if __name__ == "__main__":
    main()
