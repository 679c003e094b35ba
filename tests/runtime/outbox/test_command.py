"""The command line of an outbox: what it prints, its exit codes, and SIGTERM."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_interactions._runtime.outbox.cli.command import main
from engage_interactions.favourite import Favourite
from engage_interactions.outbox import Outbox
from engage_interactions.postgres import PostgresOutbox
from tests.sandbox.helpers import CONTACT
from tests.support.postgres import Cluster
from tests.support.runtime.http_library import GENERATED

pytestmark = pytest.mark.slow

COAT = Favourite(product_sku="8810-42")
STRANGER = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0dff"


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.postgres)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The path of an outbox, and the URL of one."""
    if request.param == "file":
        yield str(tmp_path / "outbox.db")
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        with cluster.database() as url:
            assert main(["create-tables", url]) == 0
            yield url


def open_outbox(target: str) -> Outbox | PostgresOutbox:
    return PostgresOutbox(target) if "://" in target else Outbox(target)


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch) -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as sandbox:
        monkeypatch.setenv("ENGAGE_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("ENGAGE_API_KEY", sandbox.api_key)
        monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
        yield sandbox


def test_entries_are_delivered_listed_shown_requeued_and_discarded(
    target: str, tenant: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_outbox(target) as outbox:
        outbox.put(CONTACT, COAT)
        rejected = outbox.put(STRANGER, COAT)
    capsys.readouterr()
    assert main(["deliver", target]) == 0
    assert capsys.readouterr().out == "1 delivered, 1 rejected\n"
    assert main(["status", target]) == 0
    assert "rejected  1" in capsys.readouterr().out
    assert main(["status", target, "--max-dead", "0"]) == 1
    assert main(["status", target, "--max-dead", "1", "--max-age", "60"]) == 0
    capsys.readouterr()
    assert main(["list", target, "--state", "rejected"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"{rejected}  rejected  ")
    assert STRANGER in line
    assert "8810-42" not in line
    assert main(["list", target, "--format", "json", "--schema", "favourite"]) == 0
    entry = json.loads(capsys.readouterr().out)
    assert "payload" not in entry
    assert main(["show", str(rejected), "--outbox", target]) == 0
    assert "8810-42" in capsys.readouterr().out
    assert main(["show", "99", "--outbox", target]) == 1
    assert main(["requeue", str(rejected), "--outbox", target]) == 0
    assert main(["requeue", str(rejected), "--outbox", target]) == 1
    assert main(["discard", str(rejected), "--outbox", target]) == 0
    assert main(["discard", str(rejected), "--outbox", target]) == 1
    assert main(["list", target, "--schema", "favourite", "--state", "waiting"]) == 0


def test_dead_letters_are_requeued_together_and_a_contact_is_purged(
    target: str, tenant: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_outbox(target) as outbox:
        outbox.put_many([(STRANGER, COAT)] * 3)
    assert main(["deliver", target]) == 0
    assert main(["requeue", "--outbox", target]) == 2
    capsys.readouterr()
    assert main(["requeue", "--all", "--schema", "favourite", "--outbox", target]) == 0
    assert main(["purge", STRANGER, target]) == 0
    assert capsys.readouterr().out == "requeued 3\ndeleted 3\n"
    assert main(["purge", "nobody@example.com", target]) == 2


@pytest.mark.parametrize("output_format", ["json", "prometheus"])
def test_the_status_is_read_by_programs(
    target: str, output_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_outbox(target) as outbox:
        outbox.put(CONTACT, COAT)
    capsys.readouterr()
    assert main(["status", target, "--format", output_format]) == 0
    text = capsys.readouterr().out
    if output_format == "json":
        assert {"waiting": 1, "sending": 0, "rejected": 0}.items() <= json.loads(text).items()
    else:
        lines = text.splitlines()
        assert 'engage_outbox_entries{state="waiting"} 1' in lines
        names = {line.split()[2] for line in lines if line.startswith("# TYPE")}
        assert {line.partition("{")[0].split()[0] for line in lines if line[0] != "#"} == names


def test_a_delivery_that_engage_stops_needs_attention(
    target: str, tenant: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_outbox(target) as outbox:
        outbox.put(CONTACT, COAT)
    monkeypatch.setenv("ENGAGE_API_KEY", "wrong")
    assert main(["deliver", target]) == 1
    monkeypatch.delenv("ENGAGE_API_KEY")
    assert main(["deliver", target]) == 2


def test_an_outbox_that_cannot_be_used_has_an_exit_code_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["status", str(tmp_path / "nothing.db")]) == 5
    assert not (tmp_path / "nothing.db").exists()
    assert main(["status"]) == 2
    monkeypatch.setenv("ENGAGE_OUTBOX", "postgresql://127.0.0.1:1/nothing")
    assert main(["status"]) == 5
    assert main(["create-tables", str(tmp_path / "outbox.db")]) == 2


def test_sigterm_ends_a_delivery_after_the_requests_in_flight(target: str, tenant: Sandbox) -> None:
    with open_outbox(target) as outbox:
        outbox.put(CONTACT, COAT)
        command = (sys.executable, "-m", "engage_interactions.outbox", "deliver", "--forever")
        process = subprocess.Popen(
            [*command, target],
            env=os.environ | {"PYTHONPATH": str(GENERATED)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "1 delivered\n"
        outbox.put(CONTACT, COAT)
        assert process.stdout.readline() == "1 delivered\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=300) == ("", "")
        assert process.returncode == 0
        assert outbox.status().sending == 0
