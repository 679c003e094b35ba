"""No send is lost, duplicated or misreported under faults: a small run of `bench/faults.py`."""

import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from engage_codegen.sandbox.control.faults import Fault, Kind, When
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.paging import PAGE_SIZE
from engage_interactions import EngageClient, OutcomeUnknownError, RetryPolicy
from engage_interactions.favourite import Favourite
from tests.support.paths import ROOT

sys.path.append(str(ROOT))

from bench.faults import ROWS, address, read_back, run

pytestmark = pytest.mark.slow
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
PAST = "2020-01-01T00:00:00.000Z"


@pytest.mark.parametrize("row", ROWS)
def test_the_outcome_of_every_send_is_true_under_all_faults(row: str) -> None:
    assert run(row, 60).broken == []


def test_two_equal_concurrent_sends_never_share_a_receipt() -> None:
    with running() as sandbox:
        add(sandbox, Fault(kind=Kind.SLOW, when=When.AFTER, method="POST", seconds=60))
        add(sandbox, Fault(kind=Kind.DROP, method="POST"))
        with equal_sends(sandbox) as (first, second):
            _ = second.exception()
            sandbox.state.clock.move(timedelta(hours=1))
        receipts = first.result() + second.result()
    assert len(receipts) == len(set(receipts))


def test_a_lookup_does_not_claim_the_interaction_of_an_equal_send_that_finishes_meanwhile() -> None:
    with running() as sandbox:
        with sandbox.store.transaction() as tenant:
            for _ in range(PAGE_SIZE):
                tenant.add_interaction(CONTACT, "favourite", PAST, {}, PAST)
        add(sandbox, Fault(kind=Kind.SLOW, when=When.AFTER, method="POST", seconds=60))
        add(sandbox, Fault(kind=Kind.DROP, method="POST"))
        add(sandbox, Fault(kind=Kind.SLOW, method="GET", seconds=0))  # the first page
        add(sandbox, Fault(kind=Kind.SLOW, method="GET", seconds=3600))
        with equal_sends(sandbox) as (first, second):
            wait_until(lambda: not sandbox.state.faults.list())
            sandbox.state.clock.move(timedelta(minutes=30))
            _ = first.exception()
            sandbox.state.clock.move(timedelta(hours=2))
        receipts = first.result() + second.result()
    assert len(receipts) == len(set(receipts))


def add(sandbox: Sandbox, fault: Fault) -> None:
    sandbox.state.faults.add(fault)


@contextmanager
def equal_sends(sandbox: Sandbox) -> Generator[tuple[Future[list[str]], Future[list[str]]]]:
    """Start two equal sends of one client, the second when the first is stored.

    Yields a future for each, with the ids of its receipts.
    """
    retry = RetryPolicy(lookup_delays=(0.05,))
    moment = datetime.now(UTC)
    with EngageClient(**address(sandbox), retry=retry) as client, ThreadPoolExecutor(2) as pool:

        def send() -> list[str]:
            try:
                payload = Favourite(product_sku="1")
                return [client.send(CONTACT, payload, created_date=moment).id]
            except OutcomeUnknownError:  # An allowed outcome, without a receipt.
                return []

        stored = len(read_back(sandbox))
        first = pool.submit(send)
        wait_until(lambda: len(read_back(sandbox)) > stored)
        yield first, pool.submit(send)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
