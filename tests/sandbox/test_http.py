"""The sandbox as a server: keys, request bodies, paging, database files, start and stop."""

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
from tests.sandbox.helpers import CONTACT, DIALECT, INCOMPLETE, LIMIT_SECONDS, connect

pytestmark = pytest.mark.slow

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
    ("GET", "contacts/id?any=1"),
    ("GET", "contacts/changes"),
    ("GET", "contacts/count"),
    ("GET", f"contacts/{CONTACT}"),
]
WRITES = ["/api/v2/interactionschemas", "/api/v3/interactions"]


@pytest.fixture(scope="module")
def shared() -> Generator[Sandbox, None, None]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def api(shared: Sandbox) -> Generator[httpx.Client, None, None]:
    """Connect to a tenant that other tests of this module write to as well."""
    with connect(shared) as client:
        yield client


@pytest.fixture
def own() -> Generator[httpx.Client, None, None]:
    """Connect to a new tenant with the example schemas and contacts."""
    with running(options=Options(rate_limit=0)) as sandbox, connect(sandbox) as client:
        yield client


def build_body(number: int = 0, **members: object) -> dict[str, Any]:
    payload = {"name": "jacket", "price": number}
    return {"contactId": CONTACT, "schemaId": SCHEMA, "payload": payload, **members}


def send(api: httpx.Client, number: int = 0, **members: object) -> str:
    answer = api.post("/api/v3/interactions", json=build_body(number, **members)).raise_for_status()
    interaction_id: str = answer.json()["id"]
    return interaction_id


def read_page(api: httpx.Client, href: str) -> tuple[list[dict[str, Any]], str | None]:
    """Return the items, and the href of the next page."""
    page = api.get(href).raise_for_status().json()
    hrefs = [link["href"] for link in page["links"] if "continuation=" in link["href"]]
    return page["items"], hrefs[0] if hrefs else None


def first_page(version: str = "v3", contact: str = CONTACT, schema: str = SCHEMA) -> str:
    return f"/api/{version}/interactions?contactId={contact}&schemaId={schema}"


def read_pages(api: httpx.Client, href: str | None) -> list[list[dict[str, Any]]]:
    pages: list[list[dict[str, Any]]] = []
    while href is not None:
        items, href = read_page(api, href)
        pages.append(items)
    return pages


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()
    assert list(error) == ["errorCode", "message", "messageDetails"]
    assert error["errorCode"] == code
    assert isinstance(error["message"], str)
    details = error["messageDetails"]
    assert list(details) == ["reasons", "violations"]
    assert len(details["reasons"]) == len(details["violations"])


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("headers", [{}, {"apikey": "wrong"}, {"Authorization": "Bearer key"}])
def test_every_endpoint_requires_the_key(
    shared: Sandbox, version: str, method: str, path: str, headers: dict[str, str]
) -> None:
    url = f"{shared.base_url}/api/{version}/{path}"
    assert_error(
        httpx.request(method, url, headers=headers, timeout=LIMIT_SECONDS), 401, "InvalidApiKey"
    )


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_both_versions_serve_the_same_tenant(own: httpx.Client, version: str) -> None:
    base = f"/api/{version}"
    schema = own.get(f"{base}/interactionschemas/{SCHEMA}").json() | {"id": "copy"}
    created = own.post(f"{base}/interactionschemas", json=schema).json()
    assert created["self"]["href"] == f"{base}/interactionschemas/copy"
    sent = own.post(f"{base}/interactions", json=build_body(schemaId="copy")).json()
    assert sent["self"]["href"] == f"{base}/interactions/{sent['id']}"
    for other in ("v2", "v3"):
        items, _ = read_page(own, first_page(other, schema="copy"))
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
def test_the_list_requires_both_ids(api: httpx.Client, query: str) -> None:
    assert_error(api.get(f"/api/v3/interactions?{query}"), 400, "MalformedRequest")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/", 405, "MethodNotAllowed"),
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
def test_unknown_paths_and_methods_are_answered_in_json(
    api: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    assert_error(api.request(method, path), status, code)


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "content_type", [None, "text/json", "text/plain", "application/json-patch+json", "json", ""]
)
def test_a_body_without_a_json_content_type_is_answered_with_500(
    api: httpx.Client, path: str, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = api.post(path, content=json.dumps(build_body()), headers=headers)
    assert_error(answer, 500, "InternalError")
    assert answer.json()["message"] == "An error has occurred"


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"],
)
def test_the_content_type_may_have_parameters_and_capital_letters(
    api: httpx.Client, content_type: str
) -> None:
    headers = {"content-type": content_type}
    answer = api.post("/api/v3/interactions", content=json.dumps(build_body()), headers=headers)
    assert answer.status_code == 200


ACCEPTABLE = json.dumps(
    {
        "contactId": CONTACT,
        "schemaId": SCHEMA,
        "payload": {"name": "jacket"},
        "id": "thing",
        "displayName": "Thing",
        "jsonSchema": {
            "$schema": DIALECT,
            "type": "object",
            "properties": {},
        },
    }
).encode()


def add_to_acceptable(value: bytes) -> bytes:
    """Add a value to a body that is both a valid interaction and a valid schema."""
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
    name: add_to_acceptable(value)
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


def test_the_hostile_bodies_would_be_valid_without_their_hostile_part(own: httpx.Client) -> None:
    body = add_to_acceptable(b"[" * 63 + b"1" * 1000 + b"]" * 63)
    for path in WRITES:
        answer = own.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_body_is_refused_as_malformed(api: httpx.Client, path: str, body: bytes) -> None:
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
def test_an_unusual_value_is_either_stored_or_dropped(own: httpx.Client, value: object) -> None:
    name = value if isinstance(value, str) else "jacket"
    payload = {"name": name, "price": value, "created": value, json.dumps(value): value}
    body = json.dumps(build_body(payload=payload))
    headers = {"content-type": "application/json"}
    answer = own.post("/api/v3/interactions", content=body, headers=headers)
    stored = own.get(answer.json()["self"]["href"]).json()["payload"]
    (arrival,) = own.get(INCOMPLETE).json()["items"]
    dropped = {item["name"]: item["value"] for item in arrival["dropped"]}
    assert stored | dropped == payload
    assert arrival["body"] == body


@pytest.mark.parametrize("odd", ["\u0000", "\n", "'; DROP TABLE contacts", "a" * 100_000, "😀", ""])
def test_an_unusual_id_is_answered_like_an_unknown_id(api: httpx.Client, odd: str) -> None:
    answer = api.post("/api/v3/interactions", json=build_body(contactId=odd))
    assert_error(answer, 404, "ContactNotFound")
    answer = api.post("/api/v3/interactions", json=build_body(schemaId=odd))
    assert_error(answer, 404, "SchemaNotFound")


def test_an_invalid_host_header_is_ignored(api: httpx.Client) -> None:
    answer = api.post("/api/v3/interactions", json=build_body(), headers={"host": "["})
    assert answer.status_code == 200
    assert answer.json()["self"]["href"].startswith("/api/v3/interactions/")


def test_125_interactions_are_listed_in_pages_of_50_newest_first(own: httpx.Client) -> None:
    sent = [send(own, number) for number in range(125)]
    pages = read_pages(own, first_page())
    assert [len(items) for items in pages] == [50, 50, 25]
    assert [item["id"] for items in pages for item in items] == sent[::-1]


def test_the_list_is_ordered_by_created_date(own: httpx.Client) -> None:
    dates = ["2023-05-23T11:13:42Z", "2021-01-01T00:00:00Z", "2023-05-23T13:13:42.001+02:00"]
    a, b, c = (send(own, createdDate=text) for text in dates)
    d = send(own, createdDate=dates[0])
    items, _ = read_page(own, first_page())
    assert [item["id"] for item in items] == [c, d, a, b]


@pytest.mark.parametrize("count", [0, 1, 50, 51, 100])
def test_only_pages_before_the_last_have_a_next_link(own: httpx.Client, count: int) -> None:
    for number in range(count):
        send(own, number)
    assert [len(items) for items in read_pages(own, first_page())] == [
        min(50, count - start) for start in range(0, max(count, 1), 50)
    ]


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_the_token_in_the_next_link_must_be_url_encoded(own: httpx.Client, version: str) -> None:
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
    unencoded = f"{first_page(version)}&continuation={query['continuation']}"
    assert_error(own.get(unencoded), 400, "MalformedRequest")
    again = own.get("/api/v3/interactions", params=query).json()
    assert len(again["items"]) == 1


@pytest.mark.parametrize(
    "token",
    ["", "1", "????", "bm9wZQ==", "%2B%2F%2F%2B", "%2B%2F%2F%2BMSAx", "%FF", "é", "a" * 9999],
)
def test_an_invalid_token_is_refused_as_malformed(api: httpx.Client, token: str) -> None:
    answer = api.get(f"{first_page()}&continuation={token}")
    assert_error(answer, 400, "MalformedRequest")


def test_paging_skips_and_repeats_nothing_while_interactions_change(own: httpx.Client) -> None:
    sent = [send(own, number) for number in range(120)]
    listed: list[str] = []
    href: str | None = first_page()
    while href is not None:
        items, href = read_page(own, href)
        listed += [item["id"] for item in items]
        for number in range(7):
            send(own, number)
        own.delete(f"/api/v3/interactions/{items[-1]['id']}")
    assert listed == sent[::-1]


def test_a_list_contains_one_contact_and_one_schema_only(own: httpx.Client) -> None:
    expected = send(own)
    send(own, contactId=OTHER_CONTACT)
    send(own, schemaId="favourite", payload={"productSku": "1"})
    items, _ = read_page(own, first_page())
    assert [item["id"] for item in items] == [expected]


def test_concurrent_writes_are_all_stored_and_limits_are_enforced(own: httpx.Client) -> None:
    schema = own.get(f"/api/v3/interactionschemas/{SCHEMA}").json()

    def register(number: int) -> int:
        body = schema | {"id": f"thing{number}"}
        return own.post("/api/v3/interactionschemas", json=body).status_code

    def send_number(number: int) -> str:
        return send(own, number)

    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(send_number, range(100)))
        statuses = list(pool.map(register, range(30)))
    assert {item["id"] for items in read_pages(own, first_page()) for item in items} == ids
    assert statuses.count(200) == 15 - 6


def test_every_refused_interaction_is_recorded_newest_first(own: httpx.Client) -> None:
    path, json_type = "/api/v3/interactions", {"content-type": "application/json"}
    own.post(path, content=b"{}", headers={"apikey": "wrong"} | json_type)
    own.post(path, content=b"text \xff")
    own.post(path, content=b"{]", headers=json_type)
    own.post(path, json=build_body(contactId="nope"))
    own.post(path, json=build_body(payload={}))
    send(own, payload={"name": "jacket", "colour": "red"})
    send(own)
    own.post("/api/v3/interactionschemas", json={})
    arrivals = own.get(INCOMPLETE).json()["items"]
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
    assert [arrival["violations"] for arrival in arrivals] == [
        [],
        [{"rule": "required", "pointer": "/payload/name"}],
        [{"rule": "ContactNotFound", "pointer": None}],
        [{"rule": "json", "pointer": ""}],
        [{"rule": "InternalError", "pointer": None}],
        [{"rule": "InvalidApiKey", "pointer": None}],
    ]
    assert arrivals[4]["body"] == "text \ufffd"


def test_dropped_properties_stay_on_record_after_the_schema_is_deleted(own: httpx.Client) -> None:
    send(own, payload={"name": "jacket", "colour": "red"})
    own.delete(f"/api/v3/interactionschemas/{SCHEMA}")
    (arrival,) = own.get(INCOMPLETE).json()["items"]
    assert [item["name"] for item in arrival["dropped"]] == ["colour"]


def test_the_control_api_requires_no_key(shared: Sandbox) -> None:
    contacts = httpx.get(f"{shared.base_url}/_sandbox/contacts", timeout=LIMIT_SECONDS).json()
    names = [f"Test Contact {number}" for number in range(1, 7)]
    assert [contact["name"] for contact in contacts] == names
    answer = httpx.get(f"{shared.base_url}{INCOMPLETE}", timeout=LIMIT_SECONDS)
    assert answer.status_code == 200


def test_the_example_schemas_use_every_type_and_attribute(own: httpx.Client) -> None:
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
    attributes = {name for declaration in declarations for name in declaration}
    assert attributes == {
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
            ("GET", f"{base}/contacts/id"),
            ("GET", f"{base}/contacts/changes"),
            ("GET", f"{base}/contacts/count"),
            ("GET", f"{base}/contacts/{{contact_id}}"),
        } <= operations
    request = document["paths"]["/api/v3/interactions"]["post"]["requestBody"]
    schema = request["content"]["application/json"]["schema"]
    assert list(schema["properties"]) == ["contactId", "schemaId", "createdDate", "payload"]
    assert schema["required"] == ["contactId", "schemaId", "payload"]
    references = {part.split('"')[0] for part in json.dumps(document).split('"$ref": "')[1:]}
    components = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= components


def test_a_database_file_survives_a_restart_and_is_seeded_once(tmp_path: Path) -> None:
    file = tmp_path / "tenant.db"
    with running(database=file) as sandbox, connect(sandbox) as api:
        stored = send(api, payload={"name": "jacket", "colour": "red"})
        api.delete("/api/v3/interactionschemas/repair")
        schemas = api.get("/api/v3/interactionschemas").json()
        incomplete = api.get(INCOMPLETE).json()["items"]
    with running(database=file) as sandbox, connect(sandbox) as api:
        assert api.get("/api/v3/interactionschemas").json() == schemas
        assert api.get(f"/api/v3/interactions/{stored}").json()["payload"] == {"name": "jacket"}
        assert api.get(INCOMPLETE).json()["items"] == incomplete != []
        newer = send(
            api, createdDate=api.get(f"/api/v3/interactions/{stored}").json()["createdDate"]
        )
        items, _ = read_page(api, first_page())
        assert [item["id"] for item in items] == [newer, stored]


def test_a_tenant_without_the_examples_stays_empty_after_a_restart(tmp_path: Path) -> None:
    for seed in (False, True):
        with (
            running(database=tmp_path / "tenant.db", seed=seed) as sandbox,
            connect(sandbox) as api,
        ):
            assert api.get("/api/v3/interactionschemas").json() == []
            assert api.get("/_sandbox/contacts").json() == []


def test_a_custom_key_replaces_the_default_key() -> None:
    with running(api_key="mine") as sandbox:
        url = f"{sandbox.base_url}/api/v3/interactionschemas"
        for key, status in (("mine", 200), ("sandbox-key", 401)):
            answer = httpx.get(url, headers={"apikey": key}, timeout=LIMIT_SECONDS)
            assert answer.status_code == status


def test_the_sandbox_listens_on_the_loopback_by_default(shared: Sandbox) -> None:
    assert urlsplit(shared.base_url).hostname == "127.0.0.1"


@contextmanager
def foreground(database: Path) -> Generator[tuple[subprocess.Popen[str], httpx.Client], None, None]:
    """Run `serve` in its own process."""
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
    with process:
        try:
            base_url = process.stdout.readline().strip()
            with httpx.Client(base_url=base_url, headers=headers, timeout=LIMIT_SECONDS) as api:
                yield process, api
        finally:
            process.kill()


def test_every_answered_write_survives_sigkill(tmp_path: Path) -> None:
    file = tmp_path / "tenant.db"
    with foreground(file) as (process, api):
        sent = [send(api, number) for number in range(60)]
        api.delete(f"/api/v3/interactions/{sent.pop(0)}")
        process.kill()
        assert process.wait() == -signal.SIGKILL
    with running(database=file) as sandbox, connect(sandbox) as api:
        listed = [item["id"] for items in read_pages(api, first_page()) for item in items]
        assert listed == sent[::-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_sandbox_cleanly_and_silently(
    tmp_path: Path, number: signal.Signals
) -> None:
    file = tmp_path / "tenant.db"
    with foreground(file) as (process, api):
        send(api)
        process.send_signal(number)
        output, errors = process.communicate()
        assert (process.returncode, output, errors) == (0, "returned\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["tenant.db"]


def test_a_port_in_use_raises_an_input_error(shared: Sandbox) -> None:
    port = urlsplit(shared.base_url).port
    assert port is not None
    with pytest.raises(InputError) as caught:
        serve(port=port, database=None, on_ready=print)
    assert caught.value.where == f"127.0.0.1:{port}"
    assert caught.value.fix


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("203.0.113.1", 0), ("..", 0)])
def test_an_impossible_address_raises_an_input_error(host: str, port: int) -> None:
    with pytest.raises(InputError), running(host=host, port=port):
        pass


def make_text(path: Path) -> None:
    path.write_text("This is a text and not a database. " * 100)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE contacts (id)")
    connection.close()


def make_link_into_missing_folder(path: Path) -> None:
    path.symlink_to(path.parent / "missing" / "tenant.db")


@pytest.mark.parametrize(
    "make", [make_text, make_folder, make_foreign_database, make_link_into_missing_folder]
)
def test_an_unusable_file_raises_an_input_error_and_is_not_changed(
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


def test_only_one_sandbox_can_use_a_file_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "tenant.db"
    with running(database=file), pytest.raises(InputError), running(database=file):
        pass
    with foreground(file), pytest.raises(InputError), running(database=file):
        pass


def test_a_client_that_disconnects_causes_no_output(tmp_path: Path) -> None:
    head = b"POST /api/v3/interactions HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"
    with foreground(tmp_path / "tenant.db") as (process, api):
        with socket.create_connection((api.base_url.host, api.base_url.port)) as connection:
            connection.sendall(head)
        assert api.get(INCOMPLETE).json()["items"] == []
        process.terminate()
        assert process.communicate() == ("returned\n", "")


def test_importing_the_package_does_not_import_fastapi() -> None:
    code = "import sys, engage_codegen.sandbox; sys.exit('fastapi' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(Path(engage_codegen.__path__[0]).parent)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
