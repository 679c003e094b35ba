"""/openapi.json describes what the sandbox does; Schemathesis checks both."""

import json
import os
import re
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import openapi_spec_validator
import pytest
import schemathesis
from starlette.routing import compile_path

from engage_codegen.sandbox.api.rate_limit import RateLimit
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from tests.sandbox.helpers import CONTACT, DIALECT, LIMIT_SECONDS, connect
from tests.sandbox.schemathesis_hooks import SCHEMA as ANYTHING
from tests.support.paths import ROOT, SCRIPTS
from tests.support.tiers import IS_FULL

pytestmark = pytest.mark.slow

SCHEMA = "Reuse-Spring-2023"
WITHOUT_THE_FEATURE = {401, 429, 500}
ALWAYS = {403} | WITHOUT_THE_FEATURE
STATUSES: dict[str, set[int]] = {
    "list_schemas": {200} | ALWAYS,
    "create_schema": {200, 201, 400, 409, 422} | ALWAYS,
    "get_schema": {200, 404} | ALWAYS,
    "delete_schema": {200, 204, 404} | ALWAYS,
    "list_interactions": {200, 400, 404, 422} | ALWAYS,
    "create_interaction": {200, 201, 400, 404, 422} | ALWAYS,
    "get_interaction": {200, 404} | ALWAYS,
    "delete_interaction": {200, 204, 404} | ALWAYS,
    "find_contact": {200, 400, 404, 409} | WITHOUT_THE_FEATURE,
    "list_contact_changes": {200, 400} | WITHOUT_THE_FEATURE,
    "count_contacts": {200} | WITHOUT_THE_FEATURE,
    "get_contact": {200, 404} | WITHOUT_THE_FEATURE,
}
"""Every status of every endpoint of the API."""


def build_schema(schema_id: str, **members: object) -> dict[str, Any]:
    properties = {"count": {"type": "integer"}}
    json_schema = {"$schema": DIALECT, "type": "object", "properties": properties, **members}
    return {"id": schema_id, "displayName": "A schema", "jsonSchema": json_schema}


def build_interaction(schema_id: str, payload: dict[str, Any], contact: str = CONTACT) -> Any:
    return {"contactId": contact, "schemaId": schema_id, "payload": payload}


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def web(sandbox: Sandbox) -> Generator[httpx.Client]:
    with connect(sandbox) as client:
        yield client


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    with running() as sandbox:
        answer = httpx.get(f"{sandbox.base_url}/openapi.json", timeout=LIMIT_SECONDS)
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture(scope="module")
def described(document: dict[str, Any]) -> Any:
    """Load the document into Schemathesis."""
    schema: Any = schemathesis.openapi.from_dict(document)
    return schema


def list_operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return path, method and operation for each operationId."""
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    named = {
        operation["operationId"]: (path, method, operation)
        for path, method, operation in operations
    }
    assert len(named) == len(operations), "an operationId is not unique"
    return named


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


def test_operations_have_readable_unique_ids_and_a_tag(document: dict[str, Any]) -> None:
    for name, (path, _, operation) in list_operations(document).items():
        version = re.match(r"/api/(v[23])/", path)
        assert re.fullmatch(
            f"[a-z]+(_[a-z]+)*_{version[1]}" if version else "[a-z]+(_[a-z]+)?", name
        )
        assert operation["tags"] == [version[1] if version else "sandbox"]
        assert operation.get("security") == ([{"apikey": []}] if version else None)
    scheme = document["components"]["securitySchemes"]["apikey"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "apikey")


def test_every_operation_documents_its_errors(document: dict[str, Any]) -> None:
    statuses: dict[str, set[int]] = {}
    for name, (path, _, operation) in list_operations(document).items():
        answers = operation["responses"]
        statuses[name] = {int(status) for status in answers}
        for status, answer in answers.items():
            if int(status) >= 400:
                content = answer["content"]["application/json"]
                assert content == {"schema": {"$ref": "#/components/schemas/Error"}}
        if path.startswith("/_sandbox"):
            has_input = "requestBody" in operation or "query" in str(operation.get("parameters"))
            assert statuses.pop(name) - {200, 201, 204} == (
                {500}
                | ({400} if has_input else set())
                | ({404} if "{" in path else set())
                | ({404, 409} if name in ("count_segment", "add_automation") else set())
            )
    assert statuses == {
        f"{name}_{version}": answers
        for name, answers in STATUSES.items()
        for version in ("v2", "v3")
    }


REQUESTS: dict[str, tuple[str, Any]] = {
    "list_schemas": ("interactionschemas", None),
    "create_schema": ("interactionschemas", build_schema("new")),
    "get_schema": (f"interactionschemas/{SCHEMA}", None),
    "delete_schema": (f"interactionschemas/{SCHEMA}", None),
    "list_interactions": (f"interactions?contactId={CONTACT}&schemaId={SCHEMA}", None),
    "create_interaction": ("interactions", build_interaction(SCHEMA, {"name": "jacket"})),
    "get_interaction": ("interactions/{stored}", None),
    "delete_interaction": ("interactions/{stored}", None),
    "find_contact": ("contacts/id?email=test.contact.1@example.com", None),
    "list_contact_changes": (
        "contacts/changes?changeType=Created&fromDate=2020-01-01&toDate=2030-01-01",
        None,
    ),
    "count_contacts": ("contacts/count", None),
    "get_contact": (f"contacts/{CONTACT}", None),
}
WRONG: dict[tuple[str, int], tuple[str, Any]] = {
    ("create_schema", 400): ("interactionschemas", {}),
    ("create_schema", 409): ("interactionschemas", build_schema(SCHEMA)),
    ("create_schema", 422): ("interactionschemas", build_schema(SCHEMA)),
    ("list_interactions", 422): (f"interactions?contactId=none&schemaId={SCHEMA}", None),
    ("create_interaction", 422): ("interactions", build_interaction(SCHEMA, {}, "none")),
    ("get_schema", 404): ("interactionschemas/none", None),
    ("delete_schema", 404): ("interactionschemas/none", None),
    ("list_interactions", 400): ("interactions", None),
    ("list_interactions", 404): (f"interactions?contactId=none&schemaId={SCHEMA}", None),
    ("create_interaction", 400): ("interactions", {}),
    ("create_interaction", 404): ("interactions", build_interaction(SCHEMA, {}, "none")),
    ("get_interaction", 404): ("interactions/none", None),
    ("delete_interaction", 404): ("interactions/none", None),
    ("find_contact", 400): ("contacts/id", None),
    ("find_contact", 404): ("contacts/id?customKey=none", None),
    ("find_contact", 409): ("contacts/id?email=family@example.com", None),
    ("list_contact_changes", 400): ("contacts/changes", None),
    ("get_contact", 404): ("contacts/none", None),
}
OPTIONS = {
    201: Options(create_status=201),
    204: Options(delete_status=204),
    403: Options(feature_enabled=False),
    422: Options(unknown_contact_status=422, duplicate_schema_status=422),
    429: Options(rate_limit=1),
}


@pytest.mark.parametrize(
    ("name", "status"), [(name, status) for name in STATUSES for status in sorted(STATUSES[name])]
)
def test_every_documented_response_occurs_and_matches_its_description(
    name: str,
    status: int,
    sandbox: Sandbox,
    web: httpx.Client,
    document: dict[str, Any],
    described: Any,
) -> None:
    path, method, _ = list_operations(document)[f"{name}_v3"]
    where, body = WRONG.get((name, status), REQUESTS[name])
    stored = web.post("/api/v3/interactions", json=REQUESTS["create_interaction"][1]).json()
    sandbox.state.options = OPTIONS.get(status, Options())
    request: dict[str, Any] = {"content": b"{}"} if status == 500 else {"json": body}
    if body is None and status != 500:
        request = {}
    if status == 401:
        web.headers["apikey"] = "wrong"
    if status == 429:
        sandbox.state.rate_limit = RateLimit(lambda: 1000.0)
        assert web.get("/api/v3/interactionschemas").status_code == 200
    answer = web.request(method, f"/api/v3/{where.format(stored=stored['id'])}", **request)
    assert answer.status_code == status
    described[path][method.upper()].validate_response(answer)


def test_the_response_to_an_ignored_interaction_matches_its_description(
    sandbox: Sandbox, web: httpx.Client, described: Any
) -> None:
    sandbox.state.options = Options.model_validate({"broken-interaction": "ignore-without-id"})
    answer = web.post("/api/v3/interactions", json=build_interaction(SCHEMA, {}))
    described["/api/v3/interactions"]["POST"].validate_response(answer)
    assert answer.json() == {}


def test_the_response_of_a_tenant_without_a_custom_key_matches_its_description(
    sandbox: Sandbox, web: httpx.Client, described: Any
) -> None:
    sandbox.state.options = Options(custom_key_enabled=False)
    answer = web.get("/api/v3/contacts/id?customKey=M-10001")
    assert (answer.status_code, answer.json()["errorCode"]) == (500, "InvalidSystemConfiguration")
    described["/api/v3/contacts/id"]["GET"].validate_response(answer)


def test_405_lists_every_method_of_the_path(web: httpx.Client, document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        answer = web.request("PUT", path)
        assert answer.status_code == 405
        assert sorted(answer.headers["Allow"].lower().split(", ")) == sorted(item)


INVALID: list[tuple[str, str, object]] = [
    ("PATCH", "options", {"rate-limit": "5"}),
    ("PATCH", "options", {"rate-limit": True}),
    ("PATCH", "options", {"feature-enabled": "no"}),
    ("PATCH", "options", [{"rate-limit": 5}]),
    ("POST", "clock", {"run": 1}),
    ("POST", "clock", {"freeze": 0}),
    ("POST", "clock", {"freeze": "5"}),
    ("POST", "faults", {"kind": "drop", "share": True}),
    ("POST", "faults", [{"kind": "drop"}, {"kind": "slow", "seconds": "1"}]),
    ("POST", "faults", {"kind": "late", "when": "after"}),
    ("POST", "faults", "drop"),
]


@pytest.mark.parametrize(("method", "path", "body"), INVALID)
def test_a_body_that_does_not_match_its_description_is_refused(
    method: str, path: str, body: object, web: httpx.Client
) -> None:
    before = [web.get(f"/_sandbox/{part}").json() for part in ("options", "faults")]
    answer = web.request(method, f"/_sandbox/{path}", json=body)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "MalformedRequest")
    assert [web.get(f"/_sandbox/{part}").json() for part in ("options", "faults")] == before


EXAMPLES = {"/api/v3": 30, "/api/v2": 5, "/_sandbox": 30}
"""The random requests for each operation. `make test` sends a fifth of them, by a fixed seed."""


@pytest.mark.parametrize("part", EXAMPLES)
def test_schemathesis_finds_nothing(
    part: str, sandbox: Sandbox, web: httpx.Client, tmp_path: Path
) -> None:
    """Run all checks in all phases; `schemathesis_hooks` has the exceptions."""
    web.post("/api/v3/interactionschemas", json=build_schema(ANYTHING)).raise_for_status()
    for count in range(60):  # more than a page
        web.post("/api/v3/interactions", json=build_interaction(ANYTHING, {"count": count}))
    web.delete("/_sandbox/log")
    examples = EXAMPLES[part] // (1 if IS_FULL else 5)
    config = tmp_path / "schemathesis.toml"
    config.touch()
    command = f"""--config-file {config} run {sandbox.base_url}/openapi.json --seed 1 --checks all
        --max-examples {examples} --include-path-regex ^{part}/ --generation-database none
        --continue-on-failure --warnings off --no-color --request-timeout 60 -H"""
    done = subprocess.run(
        [SCRIPTS / "schemathesis", *command.split(), "apikey: sandbox-key"],
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.sandbox.schemathesis_hooks",
            "PYTHONPATH": str(ROOT),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Selected: (\d+)/\d+\n  Tested: \1\n", done.stdout)
    if part == "/api/v3":
        document = web.get("/openapi.json").json()
        routes = [
            (name, method.upper(), compile_path(path)[0])
            for name, (path, method, _) in list_operations(document).items()
        ]
        succeeded = {
            next(
                name
                for name, method, pattern in routes
                if method == request.method and pattern.match(request.path)
            )
            for request in sandbox.state.log.list()
            if request.status == 200 and request.path != "/openapi.json"
        }
        assert succeeded == {f"{name}_v3" for name in STATUSES}, (
            "some were never called with success"
        )
