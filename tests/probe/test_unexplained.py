"""What no option describes is reported word for word, and never forced into an option."""

from collections.abc import Mapping

import pytest

from engage_codegen.verbs.probe.asking.timer import Timer
from engage_codegen.verbs.probe.execution import ProbeResult, run_probe
from engage_codegen.verbs.probe.platform_file import Platform, describe_result
from engage_codegen.verbs.probe.readings.reading import Value
from engage_codegen.verbs.probe.report import describe_gaps
from tests.support.odd_tenant import CONTACT, OddTenant, odd_tenant
from tests.support.probing import open_session

ODDITIES = [
    *("create-status", "delete-status", "validation-status", "error-body", "contact-errors"),
    *("broken-interaction", "ill-typed-property", "payload-format", "date-precision"),
    *("list-order", "link-format", "short-contact-id", "list", "delete"),
]
"""Oddities that are named after the subject under which they must be reported."""


def probe_odd(tenant: OddTenant) -> ProbeResult:
    with open_session(tenant.base_url) as session:
        return run_probe(session, Timer(), CONTACT)


def describe(tenant: OddTenant) -> Platform:
    return describe_result(probe_odd(tenant), "127.0.0.1", "v3")


@pytest.fixture(scope="module")
def usual_options() -> Mapping[str, Value]:
    with odd_tenant() as tenant:
        return describe(tenant).options


def test_a_tenant_without_oddities_is_explained_completely() -> None:
    with odd_tenant() as tenant:
        platform = describe(tenant)
    assert platform.deviations == ()
    assert platform.options["list-lag-seconds"] == 0
    assert platform.options["short-contact-id"] == "reject"
    assert tenant.schemas == tenant.interactions == {}
    assert platform.requests == tenant.count <= 80


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_oddity_is_reported_and_not_forced_into_an_option(
    oddity: str, usual_options: Mapping[str, Value]
) -> None:
    with odd_tenant(oddity) as tenant:
        platform = describe(tenant)
    subjects = {deviation.subject for deviation in platform.deviations}
    assert oddity in subjects
    assert oddity not in platform.options
    assert tenant.schemas == tenant.interactions == {}
    lines = list(describe_gaps(platform))
    assert any(line.startswith(f"unexplained: {oddity}: ") for line in lines)
    assert any(line.startswith("  answer: ") for line in lines)
    for option, value in platform.options.items():
        assert value == usual_options[option], option
