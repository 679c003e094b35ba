"""Which requests a pull makes, and what it does to the snapshot."""

import json
from pathlib import Path

import pytest

from tests.support.tenants import PATH, Answer, answering, envelope, holding
from tests.support.tool import Tool, contents

KEY = "the-secret-key"
STRING = {"type": "string"}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", KEY)
    monkeypatch.setenv("ENGAGE_USER_AGENT", "AcmePOS/1.5")


def properties_of(project: Path, schema_id: str) -> list[str]:
    text = (project / f"package/_snapshot/{schema_id}.json").read_text()
    return list(json.loads(text)["jsonSchema"]["properties"])


def test_only_the_named_schemas_are_refreshed(project: Path, tool: Tool) -> None:
    with answering(holding(envelope("one"), envelope("two"), envelope("six"))) as tenant:
        assert tool("pull", "--base-url", tenant.base_url, "--output", "package").code == 0
    changed = [envelope(name, {"other": STRING}) for name in ("one", "two")]
    with answering(holding(*changed)) as tenant:
        url = tenant.base_url
        outcome = tool("pull", "one", "--base-url", url, "--output", "package")
        assert [path for path, _ in tenant.requests] == [PATH, f"{PATH}/one"]
        assert outcome.err == (
            f"tenant: {url} (from --base-url)\n"
            f"changed  one\n1 schema pulled from {url}, 0 unchanged\n"
        )
        assert properties_of(project, "one") == ["other"]
        assert properties_of(project, "two") == properties_of(project, "six") == ["name"]
        outcome = tool("pull", "--base-url", url, "--output", "package")
        assert outcome.err == (
            f"tenant: {url} (from --base-url)\n"
            f"changed  two\nremoved  six\n2 schemas pulled from {url}, 1 unchanged\n"
        )


def test_the_lock_file_records_where_each_schema_comes_from(project: Path, tool: Tool) -> None:
    def origins() -> dict[str, str]:
        lockfile = json.loads((project / "package/_snapshot/codegen.lock.json").read_text())
        return {
            key.removeprefix("schema "): entry["origin"]
            for key, entry in lockfile.items()
            if key.startswith("schema ")
        }

    with answering(holding(envelope("one"), envelope("two"))) as first:
        assert tool("pull", "--base-url", first.base_url, "--output", "package").code == 0
        assert origins() == {"one": first.base_url, "two": first.base_url}
        with answering(holding(envelope("one"))) as second:
            arguments = ("--base-url", second.base_url, "--output", "package")
            assert tool("pull", "one", *arguments).code == 0
            assert origins() == {"one": second.base_url, "two": first.base_url}
    (project / "one.json").write_text(json.dumps(envelope("one")))
    assert tool("pull", "--schemas", "one.json", "--output", "package").code == 0
    assert origins() == {"one": "files"}


def test_a_pull_requests_each_schema_once_and_sends_the_key_in_its_header_alone(
    project: Path, tool: Tool
) -> None:
    schemas = [envelope(f"schema-{number}") for number in range(15)]
    with answering(holding(*schemas)) as tenant:
        assert tool("pull", "--base-url", tenant.base_url).code == 0
    paths = [path for path, _ in tenant.requests]
    assert paths[0] == PATH
    assert sorted(paths[1:]) == sorted(f"{PATH}/schema-{number}" for number in range(15))
    assert {headers["apikey"] for _, headers in tenant.requests} == {KEY}
    assert {headers["user-agent"] for _, headers in tenant.requests} == {"AcmePOS/1.5"}
    assert not any(KEY in path for path in paths)
    for data in contents(project).values():
        assert KEY.encode() not in (data or b"")


def test_unknown_members_of_a_response_are_ignored(project: Path, tool: Tool) -> None:
    schema = {**envelope("one"), "created": "2026-01-01", "self": {"href": "…"}}
    answers = holding(schema)
    answers[PATH] = Answer(b'[{"id": "one", "displayName": "x", "jsonSchema": null, "new": 1}]')
    with answering(answers) as tenant:
        assert tool("pull", "--base-url", tenant.base_url, "--output", "package").code == 0
    assert json.loads((project / "package/_snapshot/one.json").read_text()) == envelope("one")


def test_an_empty_tenant_makes_an_empty_package(project: Path, tool: Tool) -> None:
    with answering({PATH: Answer(b"[]")}) as tenant:
        assert tool("pull", "--base-url", tenant.base_url, "--output", "package").code == 0
    assert tool("generate", "--output", "package").code == 0
    assert tool("check", "--output", "package").code == 0
