"""The faults of the matrix: what the network or a proxy does to an answer.

`broken` faults lose the answer, whether the interaction was stored before or not. `odd` answers are
complete and follow the rules of HTTP, but few servers write them.
"""

import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from tests.support.runtime.raw.platform import Exchange, RawPlatform, Reply, accept, render_head

When: TypeAlias = Literal["before", "after"]
"""Whether the fault happens before or after the interaction is stored."""

WHEN: tuple[When, ...] = ("before", "after")


def reset(exchange: Exchange) -> None:
    exchange.reset()


def reset_in_the_head(exchange: Exchange) -> None:
    exchange.write(exchange.success()[:20])
    exchange.reset()


def close(exchange: Exchange) -> None:
    exchange.close()


def half_close(exchange: Exchange) -> None:
    exchange.half_close()


def half_close_in_the_body(exchange: Exchange) -> None:
    exchange.write(exchange.success()[:-9])
    exchange.half_close()


def half_close_at_the_end(exchange: Exchange) -> None:
    exchange.write(exchange.success())
    exchange.half_close()


def drip(exchange: Exchange) -> None:
    exchange.drip(exchange.success(), size=5, seconds=0.001)


def drip_and_close(exchange: Exchange) -> None:
    exchange.drip(exchange.success()[:-5], size=5, seconds=0.001)
    exchange.close()


def drip_the_head_forever(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    exchange.drip_forever(b"a")
    exchange.close()


def drip_the_body_forever(exchange: Exchange) -> None:
    exchange.write(render_head(200, {"Content-Length": 10**6}))
    exchange.drip_forever(b" ")
    exchange.close()


def drip_chunks_forever(exchange: Exchange) -> None:
    exchange.write(render_head(200, {"Transfer-Encoding": "chunked"}))
    exchange.drip_forever(b"1\r\n \r\n")
    exchange.close()


def truncate_the_head(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.1 200 OK\r\nConte")
    exchange.close()


def truncate_the_body(exchange: Exchange) -> None:
    exchange.write(exchange.success()[:-10])
    exchange.close()


def omit_the_body(exchange: Exchange) -> None:
    exchange.write(render_head(200, {"Content-Type": "application/json", "Content-Length": 40}))
    exchange.close()


def truncate_without_a_length(exchange: Exchange) -> None:
    exchange.write(render_head(200, {"Connection": "close"}) + _body(exchange)[:-3])
    exchange.close()


def _body(exchange: Exchange) -> bytes:
    return json.dumps({"id": exchange.item["id"]}).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_CHUNKED = render_head(200, {"Transfer-Encoding": "chunked"})


def chunk_of_no_size(exchange: Exchange) -> None:
    exchange.write(_CHUNKED + b"zz\r\n" + _body(exchange) + b"\r\n0\r\n\r\n")
    exchange.close()


def chunk_of_another_size(exchange: Exchange) -> None:
    body = _body(exchange)
    exchange.write(_CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body) - 4, body))
    exchange.close()


def chunks_without_an_end(exchange: Exchange) -> None:
    exchange.write(_CHUNKED + _chunk(_body(exchange)))
    exchange.close()


def chunks_with_extensions(exchange: Exchange) -> None:
    body = _body(exchange)
    exchange.write(_CHUNKED + b"4;name=value\r\n" + body[:4] + b"\r\n" + _chunk(body[4:]))
    exchange.write(b"0\r\nX-Trailer: a\r\n\r\n")


def random_bytes(exchange: Exchange) -> None:
    exchange.write(Random(exchange.request.body).randbytes(300))
    exchange.close()


def close_after_the_answer(exchange: Exchange) -> None:
    exchange.write(exchange.success())
    exchange.close()


def reset_after_the_answer(exchange: Exchange) -> None:
    exchange.write(exchange.success())
    exchange.wait(0.002)
    exchange.reset()


_INTERIM = (
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 102 Processing\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
)


def interim_and_close(exchange: Exchange) -> None:
    exchange.write(_INTERIM)
    exchange.close()


def interim_and_reset(exchange: Exchange) -> None:
    exchange.write(_INTERIM)
    exchange.reset()


def interim_and_answer(exchange: Exchange) -> None:
    exchange.write(_INTERIM + exchange.success())


def interim_forever(exchange: Exchange) -> None:
    exchange.drip_forever(b"HTTP/1.1 102 Processing\r\n\r\n")
    exchange.close()


def http_1_0_without_a_body(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.0 200 OK\r\n\r\n")
    exchange.close()


def http_1_0_truncated(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.0 200 OK\r\n\r\n" + _body(exchange)[:-2])
    exchange.close()


def http_1_0_unavailable(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.0 503 Unavailable\r\n\r\n<p>later")
    exchange.close()


def http_1_0(exchange: Exchange) -> None:
    exchange.write(b"HTTP/1.0 200 OK\r\n\r\n" + _body(exchange))
    exchange.close()


def http_1_0_kept_alive(exchange: Exchange) -> None:
    body = _body(exchange)
    head = {"Connection": "keep-alive", "Content-Length": len(body)}
    exchange.write(render_head(200, head, version="1.0") + body)


SHORT_DEADLINE = 1.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the matrix.

    `deadline` is the deadline of each send, in seconds. `hangs_up` closes connections that were
    kept open just before a POST.
    """

    broken: Sequence[Reply]
    odd: Sequence[Reply] = ()
    deadline: float = 30.0
    hangs_up: bool = False

    @property
    def is_endless(self) -> bool:
        """True if only the deadline ends a send with this fault."""
        return self.deadline == SHORT_DEADLINE


FAULTS = {
    "reset": Fault((reset, reset_in_the_head)),
    "half-close": Fault((half_close, half_close_in_the_body), (half_close_at_the_end,)),
    "drip": Fault((drip_and_close,), (drip,)),
    "endless drip": Fault(
        (drip_the_head_forever, drip_the_body_forever, drip_chunks_forever),
        deadline=SHORT_DEADLINE,
    ),
    "truncated": Fault((truncate_the_head, truncate_the_body, omit_the_body, close)),
    "truncated without a length": Fault((truncate_without_a_length,)),
    "chunked garbage": Fault(
        (chunk_of_no_size, chunk_of_another_size, chunks_without_an_end, random_bytes),
        (chunks_with_extensions,),
    ),
    "closed before the POST": Fault(
        (close,), (close_after_the_answer, reset_after_the_answer), hangs_up=True
    ),
    "1xx": Fault((interim_and_close, interim_and_reset), (interim_and_answer,)),
    "endless 1xx": Fault((interim_forever,), deadline=SHORT_DEADLINE),
    "HTTP/1.0": Fault(
        (http_1_0_without_a_body, http_1_0_truncated, http_1_0_unavailable),
        (http_1_0, http_1_0_kept_alive),
    ),
}

SHARE = 0.4
"""The share of the POSTs with a fault."""


class FaultPlan:
    """Chooses what happens to each request, by a seed and the payload of the request."""

    def __init__(self, faults: Sequence[Fault], when: Sequence[When], seed: str) -> None:
        self._faults = faults
        self._when = when
        self._seed = seed
        self.disturbed = 0

    def post(self, exchange: Exchange) -> None:
        """Answer a POST."""
        request = exchange.request
        posts = sum(earlier.body == request.body for earlier in exchange.platform.requests)
        random = Random(f"{self._seed} {posts} {request.read_json()['payload']}")
        if random.random() >= SHARE:
            accept(exchange)
            return
        with exchange.platform.lock:
            self.disturbed += 1
        fault = random.choice(self._faults)
        if random.choice(self._when) == "before":
            random.choice(fault.broken)(exchange)
        else:
            exchange.store()
            random.choice([*fault.broken, *fault.odd])(exchange)

    def disturb(self, reply: Reply) -> Reply:
        """Disturb a share of the answers to reads."""

        def answer(exchange: Exchange) -> None:
            random = Random(f"{self._seed} {exchange.platform.count('GET')}")
            broken = random.choice(self._faults).broken
            (random.choice(broken) if random.random() < SHARE else reply)(exchange)

        return answer

    def hang_up(self, connection: int, position: int) -> bool:
        """Close a connection before its next request is read."""
        random = Random(f"{self._seed} {connection} {position}")
        hangs_up = any(fault.hangs_up for fault in self._faults) and "before" in self._when
        return hangs_up and position > 0 and random.random() < SHARE


def platform_with(plan: FaultPlan, tls: ssl.SSLContext | None = None) -> RawPlatform:
    """Return a platform with the faults of a plan on its POSTs."""
    return RawPlatform(post=plan.post, hang_up=plan.hang_up, tls=tls)
