"""Whatever happens to a probe, nothing is left after a clean-up, and no answer is wrong."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engage_codegen.errors import CodegenError
from engage_codegen.sandbox.control.faults import Fault, Kind, When
from engage_codegen.sandbox.server import Sandbox
from engage_codegen.verbs.probe.clean_up import CleanUp, clean_up, list_ids
from engage_codegen.verbs.probe.locks import RunningProbe
from engage_codegen.verbs.probe.names import draw_name
from tests.sandbox.helpers import wait_until
from tests.support.probing import (
    CONTACT,
    SandboxTimer,
    count_leftovers,
    draw_values,
    open_session,
    probe,
    tenant_with,
)
from tests.support.tiers import draw

FAULTS = [
    Fault(kind=kind, when=when, method=method, path=path, count=1)
    for kind in (Kind.DROP, Kind.STATUS, Kind.HTML, Kind.TRUNCATED)
    for when in ((When.AFTER,) if kind is Kind.TRUNCATED else (When.BEFORE, When.AFTER))
    for method, path in (
        ("GET", "/api/v3/interactionschemas"),
        ("POST", "/api/v3/interactionschemas"),
        ("DELETE", "*"),
        ("POST", "/api/v3/interactions"),
        ("GET", "/api/v3/interactions*"),
    )
]


def clean(sandbox: Sandbox) -> CleanUp:
    timer = SandboxTimer(sandbox)
    with open_session(sandbox.base_url) as session:
        return clean_up(session, timer, list_ids(session, timer))


@pytest.mark.parametrize("number", draw(range(len(FAULTS)), 3))
def test_a_fault_leads_to_no_wrong_answer_and_leaves_nothing(number: int) -> None:
    values = draw_values(number) | {"feature-enabled": True}
    with tenant_with(values) as sandbox:
        sandbox.state.faults.add(FAULTS[number])
        try:
            result = probe(sandbox)
        except CodegenError:
            pass
        else:
            for option, reading in result.readings.items():
                assert reading.state != "observed" or reading.value == values[option], option
        sandbox.state.faults.clear()
        clean(sandbox)
        assert count_leftovers(sandbox) == 0


@pytest.mark.parametrize("requests", draw((6, 7, 9, 11, 13, 15, 30, 60), 1))
def test_a_killed_probe_is_cleaned_up_by_the_next_command(
    requests: int, tenant_to_probe: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_BASE_URL", tenant_to_probe.base_url)
    monkeypatch.setenv("ENGAGE_API_KEY", tenant_to_probe.api_key)
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
    command = [sys.executable, "-m", "engage_codegen", "probe"]
    with subprocess.Popen([*command, "--contact", CONTACT], cwd=tmp_path) as process:
        log = tenant_to_probe.state.log
        wait_until(lambda: len(log.list()) >= requests, f"request {requests}")
        process.send_signal(signal.SIGKILL)
    subprocess.run([*command, "--clean-up"], cwd=tmp_path, check=True)
    assert count_leftovers(tenant_to_probe) == 0
    assert not (tmp_path / "engage-platform.toml").exists()


def test_a_clean_up_leaves_a_running_probe_alone(tenant_to_probe: Sandbox) -> None:
    timer = SandboxTimer(tenant_to_probe)
    name = draw_name(timer.now())
    schema_id = name.schema_id("a")
    with tenant_to_probe.store.transaction() as tenant:
        tenant.add_schema(schema_id, "x", {"properties": {}})
    with RunningProbe(name.mark):
        assert clean(tenant_to_probe) == CleanUp((), (schema_id,))
    assert clean(tenant_to_probe) == CleanUp((schema_id,), ())


def test_schemas_of_another_machine_are_deleted_when_they_are_old(
    tenant_to_probe: Sandbox,
) -> None:
    timer = SandboxTimer(tenant_to_probe)
    schema_id = draw_name(timer.now()).schema_id("a")
    with tenant_to_probe.store.transaction() as tenant:
        tenant.add_schema(schema_id, "x", {"properties": {}})
    assert clean(tenant_to_probe) == CleanUp((), (schema_id,))
    timer.sleep(700)
    with open_session(tenant_to_probe.base_url) as session:
        assert clean_up(session, timer, [schema_id]) == CleanUp((schema_id,), ())


def test_two_probes_at_once_leave_each_other_alone(tenant_to_probe: Sandbox) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(probe, [tenant_to_probe, tenant_to_probe]))
    assert [result.deviations for result in results] == [(), ()]
    assert count_leftovers(tenant_to_probe) == 0
