"""A program that interrupts bulk sends with SIGINT at random moments.

    python -m tests.support.bulk_with_signals SEED ROUNDS

In each round, a server on the loopback stores what it receives, and a thread sends one to three
signals to this process. The program checks what became of every item that was taken, and prints
the number of rounds that were interrupted.
"""

import json
import operator
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from engage_interactions._runtime.bulk.item import ItemSource
from engage_interactions._runtime.bulk.outcome import Outcome
from engage_interactions._runtime.bulk.send_many import send_many, stream_many
from engage_interactions._runtime.client import EngageClient
from tests.support.platform import CONTACT, Gift

ITEMS = 60


class Server(ThreadingHTTPServer):
    """Stores the prices of the gifts that it receives, under their ids."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stored: dict[str, int] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        interaction_id = os.urandom(8).hex()
        self.server.stored[interaction_id] = body["payload"]["price"]
        answer = json.dumps({"id": interaction_id}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

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


class Signals(threading.Thread):
    """Interrupts this process after each of some pauses."""

    def __init__(self, pauses: list[float]) -> None:
        super().__init__()
        self._pauses = pauses
        self.is_over = False

    def run(self) -> None:
        for pause in self._pauses:
            time.sleep(pause)
            if self.is_over:
                return
            os.kill(os.getpid(), signal.SIGINT)


def run_round(server: Server, client: EngageClient, draw: random.Random) -> bool:
    """Return whether the bulk send was interrupted."""
    server.stored.clear()
    begun: list[Outcome] = []
    source: Iterator[ItemSource] = iter([(CONTACT, Gift("a", number)) for number in range(ITEMS)])
    pauses = [
        draw.uniform(0, 0.15),
        *(draw.uniform(0, 0.02) for _ in range(draw.choice([0, 1, 2]))),
    ]
    signals = Signals(pauses)
    is_interrupted = False
    try:
        signals.start()
        draw.choice(FORMS)(client, source, begun.append)
    except KeyboardInterrupt:
        is_interrupted = True
    while True:
        try:
            signals.is_over = True
            signals.join()
            break
        except KeyboardInterrupt:
            continue
    check(server.stored, begun, ITEMS - operator.length_hint(source))
    return is_interrupted


def check(stored: dict[str, int], reported: list[Outcome], count: int) -> None:
    """`count` items were taken. Each of them was reported once, and is stored."""
    assert Counter(outcome.number for outcome in reported) == Counter(range(count))
    receipts = {outcome.receipt.id: outcome.number for outcome in reported if outcome.receipt}
    assert receipts == stored


def main() -> None:
    draw = random.Random(int(sys.argv[1]))
    server = Server()
    with EngageClient(
        f"http://127.0.0.1:{server.server_address[1]}", api_key="k", user_agent="a/1", rate=10**6
    ) as client:
        print(sum(run_round(server, client, draw) for _ in range(int(sys.argv[2]))))


if __name__ == "__main__":
    # A signal that arrives while an object is deleted is printed and dropped. That is how Python
    # treats exceptions there.
    sys.unraisablehook = lambda unraisable: None
    main()
