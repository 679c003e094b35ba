"""The sandbox as a server: keys, bodies, pages, files, starting and stopping."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

import engage_codegen
from engage_codegen.errors import InputError
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running, serve

LOSSES = "/_sandbox/arrivals?losses=true"
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
OTHER_CONTACT = "8a7e4c19-2b36-4f5d-8c71-6e90d3a4b502"
SCHEMA = "Reuse-Spring-2023"
ENDPOINTS = [
    ("GET", "interactionschemas"),
    ("POST", "interactionschemas"),
    ("GET", f"interactionschemas/{SCHEMA}"),
    ("DELETE", f"interactionschemas/{SCHEMA}"),
    ("GET", f"interactions?contactId={CONTACT}&schemaId={SCHEMA}"),
    ("POST", "interactions"),
    ("GET", "interactions/1"),
    ("DELETE", "interactions/1"),
]
WRITES = ["/api/v2/interactionschemas", "/api/v3/interactions"]


@contextmanager
def client_of(sandbox: Sandbox) -> Generator[httpx.Client, None, None]:
    headers = {"apikey": sandbox.api_key}
    with httpx.Client(base_url=sandbox.base_url, headers=headers) as client:
        yield client


@pytest.fixture(scope="module")
def shared() -> Generator[Sandbox, None, None]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def api(shared: Sandbox) -> Generator[httpx.Client, None, None]:
    """A tenant that other tests of this module write to as well."""
    with client_of(shared) as client:
        yield client


@pytest.fixture
def own() -> Generator[httpx.Client, None, None]:
    """A tenant as it was seeded."""
    with running(options=Options(rate_limit=0)) as sandbox, client_of(sandbox) as client:
        yield client


def body_of(number: int = 0, **members: object) -> dict[str, Any]:
    payload = {"name": "jacket", "price": number}
    return {"contactId": CONTACT, "schemaId": SCHEMA, "payload": payload, **members}


def send(api: httpx.Client, number: int = 0, **members: object) -> str:
    answer = api.post("/api/v3/interactions", json=body_of(number, **members)).raise_for_status()
    interaction_id: str = answer.json()["id"]
    return interaction_id


def page_at(api: httpx.Client, href: str) -> tuple[list[dict[str, Any]], str | None]:
    """The items, and the href of the next page."""
    page = api.get(href).raise_for_status().json()
    hrefs = [link["href"] for link in page["links"] if "continuation=" in link["href"]]
    return page["items"], hrefs[0] if hrefs else None


def first_page(version: str = "v3", contact: str = CONTACT, schema: str = SCHEMA) -> str:
    return f"/api/{version}/interactions?contactId={contact}&schemaId={schema}"


def pages(api: httpx.Client, href: str | None) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    while href is not None:
        items, href = page_at(api, href)
        found.append(items)
    return found


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()
    assert list(error) == ["errorCode", "message", "messageDetails"]
    assert error["errorCode"] == code
    assert isinstance(error["message"], str)
    assert isinstance(error["messageDetails"], dict)


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("headers", [{}, {"apikey": "wrong"}, {"Authorization": "Bearer key"}])
def test_every_endpoint_asks_for_the_key(
    shared: Sandbox, version: str, method: str, path: str, headers: dict[str, str]
) -> None:
    url = f"{shared.base_url}/api/{version}/{path}"
    assert_error(httpx.request(method, url, headers=headers), 401, "InvalidApiKey")


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_both_versions_are_the_same_tenant(own: httpx.Client, version: str) -> None:
    base = f"/api/{version}"
    schema = own.get(f"{base}/interactionschemas/{SCHEMA}").json() | {"id": "copy"}
    created = own.post(f"{base}/interactionschemas", json=schema).json()
    assert created["self"]["href"] == f"{base}/interactionschemas/copy"
    sent = own.post(f"{base}/interactions", json=body_of(schemaId="copy")).json()
    assert sent["self"]["href"] == f"{base}/interactions/{sent['id']}"
    for other in ("v2", "v3"):
        items, _ = page_at(own, first_page(other, schema="copy"))
        assert [item["id"] for item in items] == [sent["id"]]
        assert own.get(f"/api/{other}/interactions/{sent['id']}").json() == items[0]
    assert own.delete(sent["self"]["href"]).status_code == 200
    assert own.delete(created["self"]["href"]).status_code == 200
    assert "copy" not in own.get("/api/v3/interactionschemas").text


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "interactionschemas/nope", "SchemaNotFound"),
        ("GET", "interactionschemas/%F0%9F%98%80%00%ED%A0%80%0A", "SchemaNotFound"),
        ("DELETE", "interactionschemas/nope", "SchemaNotFound"),
        ("GET", "interactions/nope", "InteractionNotFound"),
        ("GET", "interactions/%27%3B--", "InteractionNotFound"),
        ("DELETE", "interactions/nope", "InteractionNotFound"),
        ("GET", f"interactions?contactId=nope&schemaId={SCHEMA}", "ContactNotFound"),
        ("GET", f"interactions?contactId={CONTACT}&schemaId=nope", "SchemaNotFound"),
        ("GET", f"interactions?contactId=%00%FF&schemaId={SCHEMA}", "ContactNotFound"),
    ],
)
def test_the_error_code_tells_which_id_is_unknown(
    api: httpx.Client, method: str, path: str, code: str
) -> None:
    assert_error(api.request(method, f"/api/v3/{path}"), 404, code)


@pytest.mark.parametrize(
    "query",
    ["", f"contactId={CONTACT}", f"schemaId={SCHEMA}", f"interactionSchemaId={SCHEMA}"],
)
def test_the_list_needs_both_ids(api: httpx.Client, query: str) -> None:
    assert_error(api.get(f"/api/v3/interactions?{query}"), 400, "MalformedRequest")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "NotFound"),
        ("GET", "/api/v1/interactions", 404, "NotFound"),
        ("GET", "/api/v3/interactions/", 404, "NotFound"),
        ("GET", "/api/v3/interactionschemas/a%2Fb", 404, "NotFound"),
        ("GET", "/_sandbox/other", 404, "NotFound"),
        ("GET", "/docs", 404, "NotFound"),
        ("PUT", f"/api/v3/interactionschemas/{SCHEMA}", 405, "MethodNotAllowed"),
        ("PATCH", "/api/v3/interactions/1", 405, "MethodNotAllowed"),
        ("POST", "/api/v3/interactions/1", 405, "MethodNotAllowed"),
        ("DELETE", "/api/v3/interactions", 405, "MethodNotAllowed"),
        ("PUT", "/_sandbox/contacts", 405, "MethodNotAllowed"),
    ],
)
def test_what_is_no_endpoint_is_answered_in_json_too(
    api: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    assert_error(api.request(method, path), status, code)


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "content_type", [None, "text/json", "text/plain", "application/json-patch+json", "json", ""]
)
def test_a_body_that_is_not_declared_as_json_is_a_500(
    api: httpx.Client, path: str, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = api.post(path, content=json.dumps(body_of()), headers=headers)
    assert_error(answer, 500, "InternalError")
    assert answer.json()["message"] == "An error has occurred"


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"],
)
def test_parameters_and_case_do_not_matter_to_the_content_type(
    api: httpx.Client, content_type: str
) -> None:
    headers = {"content-type": content_type}
    answer = api.post("/api/v3/interactions", content=json.dumps(body_of()), headers=headers)
    assert answer.status_code == 200


ACCEPTABLE = json.dumps(
    {
        "contactId": CONTACT,
        "schemaId": SCHEMA,
        "payload": {"name": "jacket"},
        "id": "thing",
        "displayName": "Thing",
        "jsonSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {},
        },
    }
).encode()


def beside_what_is_acceptable(value: bytes) -> bytes:
    """A body that only this value keeps from being an interaction and a schema at once."""
    return ACCEPTABLE.removesuffix(b"}") + b', "extra": ' + value + b"}"


HOSTILE = {
    "nothing": b"",
    "not JSON": b"{'name': 1}",
    "cut off": ACCEPTABLE.removesuffix(b"}"),
    "two values": ACCEPTABLE * 2,
    "an array": b"[" + ACCEPTABLE + b"]",
    "a string": b'"text"',
    "null": b"null",
    "a byte order mark": b"\xef\xbb\xbf" + ACCEPTABLE,
    "UTF-16": ACCEPTABLE.decode().encode("utf-16"),
} | {
    name: beside_what_is_acceptable(value)
    for name, value in {
        "NaN": b"NaN",
        "Infinity": b"-Infinity",
        "a number that is infinite as a double": b"1e999",
        "an integer of too many digits": b"9" * 1001,
        "an integer of more digits than Python reads": b"9" * 5000,
        "duplicate keys": b'1, "extra": 1',
        "duplicate keys within": b'{"a": 1, "\\u0061": 2}',
        "objects nested without end": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "arrays nested without end": b"[" * 100_000,
        "nested no deeper than Python reads": b"[" * 400 + b"]" * 400,
        "nested one level too deep": b"[" * 64 + b"]" * 64,
        "a lone surrogate": b'"\\ud800"',
        "a lone surrogate as a key": b'{"\\udfff": 1}',
        "invalid UTF-8": b'"\xff"',
        "an encoded surrogate": b'"\xed\xa0\x80"',
        "a raw control character": b'"\x00"',
    }.items()
}


def test_the_hostile_bodies_are_hostile_for_one_reason_only(own: httpx.Client) -> None:
    body = beside_what_is_acceptable(b"[" * 63 + b"1" * 1000 + b"]" * 63)
    for path in WRITES:
        answer = own.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_body_is_malformed(api: httpx.Client, path: str, body: bytes) -> None:
    answer = api.post(path, content=body, headers={"content-type": "application/json"})
    assert_error(answer, 400, "MalformedRequest")
    assert len(answer.content) < 1000


@pytest.mark.parametrize(
    "value",
    [
        10**900,
        -(10**900),
        1.7e308,
        "\u0000",
        "\U0010ffff",
        "</script>",
        json.loads("[" * 60 + "]" * 60),
    ],
    ids=["huge", "negative", "float", "NUL", "last", "markup", "deep"],
)
def test_an_odd_value_is_dropped_or_kept_but_never_harms(own: httpx.Client, value: object) -> None:
    name = value if isinstance(value, str) else "jacket"
    payload = {"name": name, "price": value, "created": value, json.dumps(value): value}
    body = json.dumps(body_of(payload=payload))
    headers = {"content-type": "application/json"}
    answer = own.post("/api/v3/interactions", content=body, headers=headers)
    kept = own.get(answer.json()["self"]["href"]).json()["payload"]
    (arrival,) = own.get(LOSSES).json()["items"]
    dropped = {item["name"]: item["value"] for item in arrival["dropped"]}
    assert kept | dropped == payload
    assert arrival["body"] == body


@pytest.mark.parametrize("odd", ["\u0000", "\n", "'; DROP TABLE contacts", "a" * 100_000, "😀", ""])
def test_an_odd_id_is_only_an_unknown_id(api: httpx.Client, odd: str) -> None:
    answer = api.post("/api/v3/interactions", json=body_of(contactId=odd))
    assert_error(answer, 404, "ContactNotFound")
    answer = api.post("/api/v3/interactions", json=body_of(schemaId=odd))
    assert_error(answer, 404, "SchemaNotFound")


def test_an_odd_host_header_does_no_harm(api: httpx.Client) -> None:
    answer = api.post("/api/v3/interactions", json=body_of(), headers={"host": "["})
    assert answer.status_code == 200
    assert answer.json()["self"]["href"].startswith("/api/v3/interactions/")


def test_125_interactions_come_in_pages_of_50_newest_first(own: httpx.Client) -> None:
    sent = [send(own, number) for number in range(125)]
    found = pages(own, first_page())
    assert [len(items) for items in found] == [50, 50, 25]
    assert [item["id"] for items in found for item in items] == sent[::-1]


def test_the_order_is_that_of_created_date(own: httpx.Client) -> None:
    dates = ["2023-05-23T11:13:42Z", "2021-01-01T00:00:00Z", "2023-05-23T13:13:42.001+02:00"]
    a, b, c = (send(own, createdDate=text) for text in dates)
    d = send(own, createdDate=dates[0])
    items, _ = page_at(own, first_page())
    assert [item["id"] for item in items] == [c, d, a, b]


@pytest.mark.parametrize("count", [0, 1, 50, 51, 100])
def test_there_is_a_next_link_only_if_there_is_a_next_page(own: httpx.Client, count: int) -> None:
    for number in range(count):
        send(own, number)
    assert [len(items) for items in pages(own, first_page())] == [
        min(50, count - start) for start in range(0, max(count, 1), 50)
    ]


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_the_next_link_carries_a_token_that_must_be_url_encoded(
    own: httpx.Client, version: str
) -> None:
    for number in range(51):
        send(own, number)
    page = own.get(first_page(version)).json()
    (link,) = page["links"]
    assert (link["method"], link["rel"]) == ("GET", "next")
    href: str = link["href"]
    assert urlsplit(href).path == f"/api/{version}/interactions"
    query = dict(parse_qsl(urlsplit(href).query))
    assert (query["contactId"], query["schemaId"]) == (CONTACT, SCHEMA)
    assert {"+", "/", "="} <= set(query["continuation"])
    naive = f"{first_page(version)}&continuation={query['continuation']}"
    assert_error(own.get(naive), 400, "MalformedRequest")
    again = own.get("/api/v3/interactions", params=query).json()
    assert len(again["items"]) == 1


@pytest.mark.parametrize(
    "token",
    ["", "1", "????", "bm9wZQ==", "%2B%2F%2F%2B", "%2B%2F%2F%2BMSAx", "%FF", "é", "a" * 9999],
)
def test_a_foreign_token_is_malformed(api: httpx.Client, token: str) -> None:
    answer = api.get(f"{first_page()}&continuation={token}")
    assert_error(answer, 400, "MalformedRequest")


def test_pages_hold_still_while_interactions_come_and_go(own: httpx.Client) -> None:
    sent = [send(own, number) for number in range(120)]
    seen: list[str] = []
    href: str | None = first_page()
    while href is not None:
        items, href = page_at(own, href)
        seen += [item["id"] for item in items]
        for number in range(7):
            send(own, number)
        own.delete(f"/api/v3/interactions/{items[-1]['id']}")
    assert seen == sent[::-1]


def test_a_list_has_one_contact_and_one_schema_only(own: httpx.Client) -> None:
    mine = send(own)
    send(own, contactId=OTHER_CONTACT)
    send(own, schemaId="favourite", payload={"productSku": "1"})
    items, _ = page_at(own, first_page())
    assert [item["id"] for item in items] == [mine]


def test_concurrent_writes_are_all_kept_and_limits_hold(own: httpx.Client) -> None:
    schema = own.get(f"/api/v3/interactionschemas/{SCHEMA}").json()

    def register(number: int) -> int:
        body = schema | {"id": f"thing{number}"}
        return own.post("/api/v3/interactionschemas", json=body).status_code

    def send_one(number: int) -> str:
        return send(own, number)

    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(send_one, range(100)))
        statuses = list(pool.map(register, range(30)))
    assert {item["id"] for items in pages(own, first_page()) for item in items} == ids
    assert statuses.count(200) == 15 - 6


def test_whatever_is_refused_is_on_record_newest_first(own: httpx.Client) -> None:
    path, json_type = "/api/v3/interactions", {"content-type": "application/json"}
    own.post(path, content=b"{}", headers={"apikey": "wrong"} | json_type)
    own.post(path, content=b"text \xff")
    own.post(path, content=b"{]", headers=json_type)
    own.post(path, json=body_of(contactId="nope"))
    own.post(path, json=body_of(payload={}))
    send(own, payload={"name": "jacket", "colour": "red"})
    send(own)
    own.post("/api/v3/interactionschemas", json={})
    arrivals = own.get(LOSSES).json()["items"]
    assert [arrival["errorCode"] for arrival in arrivals] == [
        None,
        "InvalidInteraction",
        "ContactNotFound",
        "MalformedRequest",
        "InternalError",
        "InvalidApiKey",
    ]
    assert [arrival["outcome"] for arrival in arrivals] == ["dropped"] + ["refused"] * 5
    assert all(arrival["reasons"] for arrival in arrivals[1:])
    assert arrivals[4]["body"] == "text \ufffd"


def test_what_was_lost_stays_on_record_when_the_schema_goes(own: httpx.Client) -> None:
    send(own, payload={"name": "jacket", "colour": "red"})
    own.delete(f"/api/v3/interactionschemas/{SCHEMA}")
    (arrival,) = own.get(LOSSES).json()["items"]
    assert [item["name"] for item in arrival["dropped"]] == ["colour"]


def test_the_sandboxs_own_pages_need_no_key(shared: Sandbox) -> None:
    contacts = httpx.get(f"{shared.base_url}/_sandbox/contacts").json()
    names = [f"Test Contact {number}" for number in range(1, 7)]
    assert [contact["name"] for contact in contacts] == names
    assert httpx.get(f"{shared.base_url}{LOSSES}").status_code == 200


def test_the_seed_has_a_schema_for_every_use_case_and_uses_all_there_is(own: httpx.Client) -> None:
    ids = [schema["id"] for schema in own.get("/api/v3/interactionschemas").json()]
    assert sorted(ids, key=str.lower) == [
        "favourite",
        "friendReferral",
        "instagramPost",
        "productReview",
        "repair",
        "Reuse-Spring-2023",
    ]
    bodies = [own.get(f"/api/v3/interactionschemas/{schema_id}").json() for schema_id in ids]
    declarations = [
        declaration for body in bodies for declaration in body["jsonSchema"]["properties"].values()
    ]
    types = {declaration["type"] for declaration in declarations}
    assert types == {"string", "number", "integer", "boolean"}
    used = {name for declaration in declarations for name in declaration}
    assert used == {
        "type",
        "format",
        "displayName",
        "sortOrder",
        "showInContactCard",
        "addToSegmentation",
    }
    folder = Path(engage_codegen.__path__[0]) / "sandbox" / "seed" / "schemas"
    for body in bodies:
        assert json.loads((folder / f"{body['id']}.json").read_bytes()) == body


def test_the_openapi_document_describes_every_endpoint(own: httpx.Client) -> None:
    document = own.get("/openapi.json").json()
    operations = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    for version in ("v2", "v3"):
        base = f"/api/{version}"
        assert {
            ("GET", f"{base}/interactionschemas"),
            ("POST", f"{base}/interactionschemas"),
            ("GET", f"{base}/interactionschemas/{{schema_id}}"),
            ("DELETE", f"{base}/interactionschemas/{{schema_id}}"),
            ("GET", f"{base}/interactions"),
            ("POST", f"{base}/interactions"),
            ("GET", f"{base}/interactions/{{interaction_id}}"),
            ("DELETE", f"{base}/interactions/{{interaction_id}}"),
        } <= operations
    request = document["paths"]["/api/v3/interactions"]["post"]["requestBody"]
    schema = request["content"]["application/json"]["schema"]
    assert list(schema["properties"]) == ["contactId", "schemaId", "createdDate", "payload"]
    assert schema["required"] == ["contactId", "schemaId", "payload"]
    references = {part.split('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]}
    components = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= components


def test_a_file_keeps_everything_over_a_restart_and_is_seeded_once(tmp_path: Path) -> None:
    file = tmp_path / "tenant.db"
    with running(database=file) as sandbox, client_of(sandbox) as api:
        kept = send(api, payload={"name": "jacket", "colour": "red"})
        api.delete("/api/v3/interactionschemas/repair")
        schemas = api.get("/api/v3/interactionschemas").json()
        lost = api.get(LOSSES).json()["items"]
    with running(database=file) as sandbox, client_of(sandbox) as api:
        assert api.get("/api/v3/interactionschemas").json() == schemas
        assert api.get(f"/api/v3/interactions/{kept}").json()["payload"] == {"name": "jacket"}
        assert api.get(LOSSES).json()["items"] == lost != []
        newer = send(api, createdDate=api.get(f"/api/v3/interactions/{kept}").json()["createdDate"])
        items, _ = page_at(api, first_page())
        assert [item["id"] for item in items] == [newer, kept]


def test_without_the_seed_a_tenant_is_empty_and_stays_so(tmp_path: Path) -> None:
    for seed in (False, True):
        with (
            running(database=tmp_path / "tenant.db", seed=seed) as sandbox,
            client_of(sandbox) as api,
        ):
            assert api.get("/api/v3/interactionschemas").json() == []
            assert api.get("/_sandbox/contacts").json() == []


def test_a_key_of_ones_own_replaces_the_default() -> None:
    with running(api_key="mine") as sandbox:
        url = f"{sandbox.base_url}/api/v3/interactionschemas"
        assert httpx.get(url, headers={"apikey": "mine"}).status_code == 200
        assert httpx.get(url, headers={"apikey": "sandbox-key"}).status_code == 401


def test_only_this_machine_can_reach_it(shared: Sandbox) -> None:
    assert urlsplit(shared.base_url).hostname == "127.0.0.1"


@contextmanager
def foreground(database: Path) -> Generator[tuple[subprocess.Popen[str], httpx.Client], None, None]:
    """`serve` in a process of its own."""
    code = (
        "import sys; from pathlib import Path; from engage_codegen.sandbox.server import serve;"
        "serve(database=Path(sys.argv[1]), on_ready=lambda url: print(url, flush=True));"
        "print('returned')"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(engage_codegen.__path__[0]).parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(database)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    headers = {"apikey": "sandbox-key"}
    with process, httpx.Client(base_url=process.stdout.readline().strip(), headers=headers) as api:
        try:
            yield process, api
        finally:
            process.kill()


def test_every_answered_write_survives_kill_9(tmp_path: Path) -> None:
    file = tmp_path / "tenant.db"
    with foreground(file) as (process, api):
        sent = [send(api, number) for number in range(60)]
        api.delete(f"/api/v3/interactions/{sent.pop(0)}")
        process.kill()
        assert process.wait() == -signal.SIGKILL
    with running(database=file) as sandbox, client_of(sandbox) as api:
        found = [item["id"] for items in pages(api, first_page()) for item in items]
        assert found == sent[::-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_without_noise(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "tenant.db"
    with foreground(file) as (process, api):
        send(api)
        process.send_signal(number)
        output, noise = process.communicate()
        assert (process.returncode, output, noise) == (0, "returned\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["tenant.db"]


def test_a_busy_port_is_an_input_error(shared: Sandbox) -> None:
    port = urlsplit(shared.base_url).port
    assert port is not None
    with pytest.raises(InputError) as caught:
        serve(port=port, database=None, on_ready=print)
    assert caught.value.where == f"127.0.0.1:{port}"
    assert caught.value.fix


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("203.0.113.1", 0), ("..", 0)])
def test_an_impossible_address_is_an_input_error(host: str, port: int) -> None:
    with pytest.raises(InputError), running(host=host, port=port):
        pass


def make_text(path: Path) -> None:
    path.write_text("This is a text, and no database at all. " * 100)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE contacts (id)")
    connection.close()


def make_nothing_in_a_missing_folder(path: Path) -> None:
    path.symlink_to(path.parent / "missing" / "tenant.db")


@pytest.mark.parametrize(
    "make", [make_text, make_folder, make_foreign_database, make_nothing_in_a_missing_folder]
)
def test_an_unusable_file_is_an_input_error_and_left_alone(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    file = tmp_path / "tenant.db"
    make(file)
    before = file.read_bytes() if file.is_file() else b""
    with pytest.raises(InputError) as caught:
        serve(database=file, on_ready=print)
    assert caught.value.where == str(file)
    assert caught.value.fix
    assert (file.read_bytes() if file.is_file() else b"") == before
    assert [path.name for path in tmp_path.iterdir()] == ["tenant.db"]


def test_a_file_belongs_to_one_sandbox_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "tenant.db"
    with running(database=file), pytest.raises(InputError), running(database=file):
        pass
    with foreground(file), pytest.raises(InputError), running(database=file):
        pass


def test_a_client_that_goes_away_makes_no_noise(tmp_path: Path) -> None:
    head = b"POST /api/v3/interactions HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"
    with foreground(tmp_path / "tenant.db") as (process, api):
        with socket.create_connection((api.base_url.host, api.base_url.port)) as connection:
            connection.sendall(head)
        assert api.get(LOSSES).json()["items"] == []
        process.terminate()
        assert process.communicate() == ("returned\n", "")


def test_importing_the_package_costs_nothing() -> None:
    code = "import sys, engage_codegen.sandbox; sys.exit('fastapi' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(Path(engage_codegen.__path__[0]).parent)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
