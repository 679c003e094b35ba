"""Faults on demand: each does what it says on the side of the work where it was asked for."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engage_codegen.errors import InputError
from engage_codegen.sandbox.control.faults import Fault, Faults, Kind, When, read_faults
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from tests.support.tool import Tool

CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
BODY = {"contactId": CONTACT, "schemaId": "favourite", "payload": {"productSku": "1"}}
INTERACTIONS = "/api/v3/interactions"


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as started:
        yield started


@pytest.fixture
def web(sandbox: Sandbox) -> Generator[httpx.Client]:
    headers = {"apikey": sandbox.api_key}
    # Long enough for an answer on the loopback, short enough to wait for none.
    with httpx.Client(base_url=sandbox.base_url, headers=headers, timeout=3) as client:
        yield client


def fault(web: httpx.Client, **settings: Any) -> None:
    answer = web.post("/_sandbox/faults", json={"path": INTERACTIONS, **settings})
    assert answer.status_code == 204, answer.text


def stored(web: httpx.Client) -> int:
    page = web.get(INTERACTIONS, params={"contactId": CONTACT, "schemaId": "favourite"})
    return len(page.json()["items"])


def outcome(web: httpx.Client) -> object:
    try:
        answer = web.post(INTERACTIONS, json=BODY)
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return "cut"
    except httpx.ReadTimeout:
        return "silence"
    try:
        body: object = answer.json()
        return answer.status_code, "json" if isinstance(body, dict) else "text"
    except ValueError:
        return answer.status_code, answer.headers["content-type"]


WORK: dict[str, tuple[dict[str, object], object, object]] = {
    "timeout": ({"kind": "timeout"}, "silence", "silence"),
    "drop": ({"kind": "drop"}, "cut", "cut"),
    "429": ({"kind": "status", "status": 429}, (429, "json"), (429, "json")),
    "500": ({"kind": "status"}, (500, "json"), (500, "json")),
    "503": ({"kind": "status", "status": 503}, (503, "json"), (503, "json")),
    "html": (
        {"kind": "html"},
        (200, "text/html; charset=utf-8"),
        (200, "text/html; charset=utf-8"),
    ),
}


@pytest.mark.parametrize("name", WORK)
@pytest.mark.parametrize(("when", "expected"), [("before", 0), ("after", 1)])
def test_a_fault_befalls_one_side_of_the_work(
    name: str, when: str, expected: int, web: httpx.Client
) -> None:
    settings, *outcomes = WORK[name]
    fault(web, **settings, when=when, method="POST")
    assert outcome(web) == outcomes[when == "after"]
    assert stored(web) == expected
    assert outcome(web) == (200, "json"), "it befalls one request"


def test_a_truncated_answer_is_of_work_that_was_done(web: httpx.Client) -> None:
    fault(web, kind="truncated", method="POST")
    assert outcome(web) == "cut"
    assert stored(web) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_slow_answer_comes_by_the_clock_of_the_sandbox(
    when: str, web: httpx.Client, sandbox: Sandbox
) -> None:
    web.post("/_sandbox/clock", json={"freeze": True})
    fault(web, kind="slow", seconds=60, when=when, method="POST")
    assert outcome(web) == "silence"
    assert stored(web) == (when == "after")
    fault(web, kind="slow", seconds=0, method="POST")
    assert outcome(web) == (200, "json")


def test_late_work_is_done_after_the_client_has_gone(web: httpx.Client) -> None:
    web.post("/_sandbox/clock", json={"freeze": "2026-03-14T09:00:00Z"})
    fault(web, kind="late", seconds=30, method="POST")
    assert outcome(web) == "cut"
    assert stored(web) == 0
    web.post("/_sandbox/clock", json={"move": 29})
    assert stored(web) == 0
    web.post("/_sandbox/clock", json={"move": 2})
    while stored(web) == 0:  # as soon as the sandbox looks at its clock
        pass
    (arrival,) = web.get("/_sandbox/arrivals").json()["items"]
    assert arrival["arrived"] == "2026-03-14T09:00:31.000Z"


def test_the_next_requests_to_a_path_and_method_are_concerned(web: httpx.Client) -> None:
    fault(web, kind="status", count=2, method="POST")
    assert web.get("/api/v3/interactionschemas").status_code == 200
    assert stored(web) == 0
    assert [outcome(web) for _ in range(3)] == [(500, "json"), (500, "json"), (200, "json")]
    fault(web, kind="status", path="/api/*", count=None)
    assert web.get("/api/v2/interactionschemas").status_code == 500
    assert web.get("/_sandbox/contacts").status_code == 200
    assert web.delete("/_sandbox/faults").status_code == 204
    assert stored(web) == 1


def test_a_share_of_the_requests_is_the_same_share_each_time() -> None:
    drawn = Faults(seed=7)
    drawn.add(Fault(kind=Kind.DROP, count=None, share=0.25))
    first = [drawn.draw("GET", "/api/v3/x") is not None for _ in range(4000)]
    again = Faults(seed=7)
    again.add(Fault(kind=Kind.DROP, count=None, share=0.25))
    assert first == [again.draw("GET", "/api/v3/x") is not None for _ in range(4000)]
    assert 900 < sum(first) < 1100


def test_several_faults_are_drawn_in_their_order(web: httpx.Client) -> None:
    faults = [
        {"kind": "status", "status": 429, "path": INTERACTIONS},
        {"kind": "status", "status": 503, "path": INTERACTIONS},
    ]
    assert web.post("/_sandbox/faults", json=faults).status_code == 204
    left = web.get("/_sandbox/faults").json()
    assert [(item["fault"]["status"], item["left"]) for item in left] == [(429, 1), (503, 1)]
    assert [outcome(web) for _ in range(3)] == [(429, "json"), (503, "json"), (200, "json")]
    assert web.get("/_sandbox/faults").json() == []


def test_the_log_says_which_request_a_fault_befell(web: httpx.Client) -> None:
    fault(web, kind="drop", method="POST")
    outcome(web)
    outcome(web)
    log = web.get("/_sandbox/log").json()
    assert [(item["number"], item["status"], item["fault"]) for item in log] == [
        (1, None, "drop"),
        (2, 200, None),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "drop", "count": 0},
        {"kind": "drop", "share": 0},
        {"kind": "drop", "share": 1.5},
        {"kind": "status", "status": 200},
        {"kind": "late", "when": "after"},
        {"kind": "slow", "seconds": -1},
        {"kind": "drop", "whem": "after"},
    ],
    ids=json.dumps,
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: object, web: httpx.Client) -> None:
    answer = web.post("/_sandbox/faults", json=wrong)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "MalformedRequest")
    assert web.get("/_sandbox/faults").json() == []


def test_faults_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"kind": "timeout", "when": "after", "count": 3}]')
    assert read_faults(path) == [Fault(kind=Kind.TIMEOUT, when=When.AFTER, count=3)]
    path.write_text('[{"kind": "timeout", "wen": "after"}]')
    with pytest.raises(InputError, match="are not understood") as caught:
        read_faults(path)
    assert "0/wen" in caught.value.where
    with pytest.raises(InputError, match="cannot be read"):
        read_faults(tmp_path / "nowhere.json")


def test_a_bad_faults_file_ends_the_command(tmp_path: Path, tool: Tool) -> None:
    path = tmp_path / "faults.json"
    path.write_text("{}")
    outcome = tool("sandbox", "--port", "0", "--faults", path)
    assert outcome.code == 2
    assert "the faults are not understood" in outcome.err
