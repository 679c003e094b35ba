"""The ledger of a bulk send: every outcome is reported, once more only after an interruption."""

import gc
import weakref
from collections.abc import Callable
from contextlib import suppress

import pytest

from engage_interactions._runtime.bulk.ledger import Ledger
from engage_interactions._runtime.bulk.outcome import Outcome
from tests.support.runtime.platform import CONTACT, Gift


def outcomes(count: int) -> list[Outcome]:
    return [Outcome(number, None, CONTACT, Gift("a", number)) for number in range(count)]


class Reporter:
    """A callback that records what it gets, and then raises the next of its exceptions, if any."""

    def __init__(self, *failures: BaseException | None) -> None:
        self.failures = list(failures)
        self.reports: list[int] = []
        self.ledger: Ledger | None = None
        self.was_reporting: list[bool] = []

    def __call__(self, outcome: Outcome) -> None:
        self.reports.append(outcome.number)
        if self.ledger is not None:
            self.was_reporting.append(self.ledger.is_reporting)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure


def ledger_of(count: int, report: Callable[[Outcome], object] | None) -> Ledger:
    ledger = Ledger(report)
    for outcome in outcomes(count):
        ledger.add(outcome)
    return ledger


def test_outcomes_are_reported_and_returned_in_the_order_of_their_arrival() -> None:
    reporter = Reporter()
    ledger = ledger_of(3, reporter)
    assert (len(ledger), list(ledger)) == (3, outcomes(3))
    assert [ledger.report_next() for _ in range(4)] == [*outcomes(3), None]
    assert reporter.reports == [0, 1, 2]
    assert (len(ledger), list(ledger)) == (0, [])


def test_outcomes_without_a_callback_are_returned() -> None:
    ledger = ledger_of(2, None)
    assert [ledger.report_next() for _ in range(3)] == [*outcomes(2), None]


def test_equal_outcomes_are_both_reported() -> None:
    reporter = Reporter()
    ledger = ledger_of(1, reporter)
    ledger.add(outcomes(1)[0])
    assert ledger.report_all() is None
    assert reporter.reports == [0, 0]


@pytest.mark.parametrize("is_first", [True, False])
def test_an_outcome_is_not_reported_again_after_an_exception(is_first: bool) -> None:
    failure = ValueError("x")
    reporter = Reporter(*([] if is_first else [None]), failure)
    ledger = ledger_of(3, reporter)
    if not is_first:
        ledger.report_next()
    with pytest.raises(ValueError, match="x"):
        ledger.report_next()
    assert len(ledger) == (3 if is_first else 2), "the caller still gets it"
    assert ledger.report_next() == outcomes(3)[0 if is_first else 1]
    assert ledger.report_all() is None
    assert reporter.reports == [0, 1, 2]


def test_an_outcome_is_reported_once_more_after_an_interruption_and_not_twice() -> None:
    reporter = Reporter(KeyboardInterrupt(), KeyboardInterrupt(), KeyboardInterrupt())
    ledger = ledger_of(2, reporter)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            ledger.report_next()
    assert reporter.reports == [0, 0]
    assert ledger.report_next() == outcomes(2)[0]
    assert reporter.reports == [0, 0]
    with pytest.raises(KeyboardInterrupt):
        ledger.report_next()
    assert ledger.report_next() == outcomes(2)[1]
    assert reporter.reports == [0, 0, 1, 1]


def test_a_later_outcome_is_not_reported_a_third_time_either() -> None:
    reporter = Reporter(None, KeyboardInterrupt(), KeyboardInterrupt())
    ledger = ledger_of(3, reporter)
    ledger.report_next()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            ledger.report_next()
    assert ledger.report_all() is None
    assert reporter.reports == [0, 1, 1, 2]


def test_the_ledger_does_not_keep_what_it_has_reported() -> None:
    ledger = Ledger(lambda outcome: None)
    payloads = [weakref.ref(outcome.payload) for outcome in map(add_to(ledger), outcomes(20))]
    assert ledger.report_all() is None
    gc.collect()
    assert sum(payload() is not None for payload in payloads) <= 2


def add_to(ledger: Ledger) -> Callable[[Outcome], Outcome]:
    def add(outcome: Outcome) -> Outcome:
        ledger.add(outcome)
        return outcome

    return add


def test_an_outcome_that_was_reported_is_not_reported_again_if_it_was_not_returned() -> None:
    reporter = Reporter()
    ledger = ledger_of(1, reporter)
    (outcome,) = ledger
    ledger.report_next()
    ledger.add(outcome)  # As after an interruption between the report and the removal.
    assert ledger.report_next() is outcome
    assert reporter.reports == [0]


@pytest.mark.parametrize(
    ("failures", "expected", "reports"),
    [
        ([], None, [0, 1, 2]),
        ([ValueError("first")], "first", [0, 1, 2]),
        ([None, ValueError("first"), TypeError("second")], "first", [0, 1, 2]),
        ([KeyboardInterrupt("first"), None, ValueError("second")], "first", [0, 0, 1, 2]),
    ],
)
def test_all_outcomes_are_reported_and_the_first_exception_is_returned(
    failures: list[BaseException | None], expected: str | None, reports: list[int]
) -> None:
    reporter = Reporter(*failures)
    ledger = ledger_of(3, reporter)
    failure = ledger.report_all()
    assert (failure and str(failure)) == expected
    assert (reporter.reports, len(ledger)) == (reports, 0)


@pytest.mark.parametrize("failure", [None, ValueError("x"), KeyboardInterrupt()])
def test_the_ledger_knows_whether_it_is_reporting(failure: BaseException | None) -> None:
    reporter = Reporter(failure)
    reporter.ledger = ledger = ledger_of(1, reporter)
    assert ledger.is_reporting is False
    with suppress(ValueError, KeyboardInterrupt):
        ledger.report_next()
    assert reporter.was_reporting == [True]
    assert ledger.is_reporting is False
