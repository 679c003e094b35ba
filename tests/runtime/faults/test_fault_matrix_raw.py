"""The fault matrix over raw sockets: no send is lost, duplicated or misreported.

Every fault, before and after the interaction is stored, in threads, tasks and forked workers: more
than 10,000 sends. `make test` makes some hundreds of them.
"""

import ssl
from collections.abc import Generator

import pytest
import trustme

from tests.support.runtime.raw.faults import FAULTS, WHEN, FaultPlan, When, platform_with
from tests.support.runtime.raw.platform import RawPlatform, answer_get, answer_list
from tests.support.runtime.raw.sends import (
    MODES,
    Assignment,
    Mode,
    Outcome,
    find_broken_promises,
    run,
)
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

SENDS = 120 if IS_FULL else 16
MIXED_SENDS = 400 if IS_FULL else 40
ALL_CELLS = [(name, when, mode) for mode in MODES for when in WHEN for name in FAULTS]
CELLS = ALL_CELLS if IS_FULL else ALL_CELLS[::4]
"""`make test` takes two cells of every fault."""

LEAST_RECEIPTS = 0.25
"""The share of the sends that get a receipt where lookups work."""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Generator[ssl.SSLContext]:
    """A certificate for the loopback that the clients trust."""
    authority = trustme.CA()
    folder = tmp_path_factory.mktemp("tls")
    trusted, own = folder / "authority.pem", folder / "platform.pem"
    authority.cert_pem.write_to_path(str(trusted))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(own))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(trusted))
        patch.setenv("NO_PROXY", "*")
        yield context


def check(platform: RawPlatform, assignment: Assignment) -> list[Outcome]:
    outcomes = run(assignment)
    assert find_broken_promises(assignment, outcomes, platform) == []
    return outcomes


@pytest.mark.parametrize(("name", "when", "mode"), CELLS)
def test_the_outcome_of_every_send_is_true(
    name: str, when: When, mode: Mode, tls: ssl.SSLContext
) -> None:
    fault = FAULTS[name]
    plan = FaultPlan([fault], [when], seed=f"{name} {when} {mode}")
    with platform_with(plan, tls if mode.startswith("workers") else None) as platform:
        outcomes = check(platform, Assignment(platform.url, mode, SENDS, fault.deadline))
        assert plan.disturbed
    receipts = [outcome for outcome in outcomes if outcome.kind == "receipt"]
    assert fault.is_endless or len(receipts) >= LEAST_RECEIPTS * SENDS


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("mode", MODES)
def test_without_faults_every_send_gets_its_receipt(
    mode: Mode, is_encrypted: bool, tls: ssl.SSLContext
) -> None:
    with RawPlatform(tls=tls if is_encrypted else None) as platform:
        outcomes = check(platform, Assignment(platform.url, mode, SENDS, deadline=30.0))
        assert all(outcome.kind in ("receipt", "misused") for outcome in outcomes)
        assert platform.count("POST") == len(platform.stored)


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("mode", MODES)
def test_the_outcome_of_every_send_is_true_under_all_faults_of_sends_and_reads(
    mode: Mode, is_encrypted: bool, tls: ssl.SSLContext
) -> None:
    faults = [fault for fault in FAULTS.values() if not fault.is_endless]
    plan = FaultPlan(faults, WHEN, seed=f"{mode} {is_encrypted}")
    with platform_with(plan, tls if is_encrypted else None) as platform:
        platform.page = plan.disturb(answer_list)
        platform.get = plan.disturb(answer_get)
        check(platform, Assignment(platform.url, mode, MIXED_SENDS, deadline=30.0))
        assert plan.disturbed
