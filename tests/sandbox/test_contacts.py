"""The endpoints of contacts: every parameter and error, encodings, changes and deletions."""

import base64
import sqlite3
from collections.abc import Generator
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engage_codegen.sandbox.api.rate_limit import RateLimit
from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_codegen.sandbox.store.contact_keys import (
    to_email_key,
    to_phone_key,
    to_social_security_key,
)
from tests.sandbox.helpers import CONTACT, INTERACTIONS, connect, list_rules

pytestmark = pytest.mark.slow

CONTACTS = "/api/v3/contacts"
IDS = {
    1: CONTACT,
    2: "8a7e4c19-2b36-4f5d-8c71-6e90d3a4b502",
    3: "c5d2f8b0-91e4-4a3c-b7f6-2d8a0e6c1f03",
    4: "1e9b6d74-c0a8-4e2f-a5d3-7f4c8b2e9a04",
    5: "6b4f0e83-5a1d-4c97-9e28-b3d7a1f5c605",
    6: "d8312c6f-4e9a-4d7b-8f05-0a6e9c3b7d06",
}
"""Number of a seeded contact -> its id."""

NEW = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def shared() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def api(shared: Sandbox) -> Generator[httpx.Client]:
    """Connect to a tenant that no test changes."""
    with connect(shared) as client:
        yield client


@pytest.fixture
def sandbox() -> Generator[Sandbox]:
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def web(sandbox: Sandbox) -> Generator[httpx.Client]:
    with connect(sandbox) as client:
        yield client


def search(web: httpx.Client, **query: str) -> httpx.Response:
    return web.get(f"{CONTACTS}/id", params=query)


def find(web: httpx.Client, **query: str) -> str | None:
    """Return the id, or None if the answer is 404 ContactNotFound."""
    answer = search(web, **query)
    if answer.status_code == 404:
        assert answer.json()["errorCode"] == "ContactNotFound"
        return None
    assert answer.status_code == 200, answer.text
    contact_id = answer.json()
    assert isinstance(contact_id, str)
    return contact_id


def get_error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


def add(web: httpx.Client, contact_id: str = NEW, **fields: str) -> None:
    answer = web.post("/_sandbox/contacts", json={"id": contact_id, **fields})
    assert answer.status_code == 201, answer.text


def set_options(web: httpx.Client, **options: object) -> None:
    values = {name.replace("_", "-"): value for name, value in options.items()}
    assert web.patch("/_sandbox/options", json=values).status_code == 200


def send(web: httpx.Client, contact_id: str) -> httpx.Response:
    body = {"contactId": contact_id, "schemaId": "favourite", "payload": {"productSku": "1"}}
    return web.post(INTERACTIONS, json=body)


def list_interactions(web: httpx.Client, contact_id: str) -> httpx.Response:
    return web.get(INTERACTIONS, params={"contactId": contact_id, "schemaId": "favourite"})


def list_changes(web: httpx.Client, change: str, since: str, until: str) -> list[str]:
    query = {"changeType": change, "fromDate": since, "toDate": until}
    answer = web.get(f"{CONTACTS}/changes", params=query)
    assert answer.status_code == 200, answer.text
    ids: list[str] = answer.json()
    return ids


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({"email": "test.contact.1@example.com"}, 1),
        ({"email": "TEST.Contact.1@Example.COM"}, 1),
        ({"email": "test.contact+4@example.com"}, 4),
        ({"email": "ZOË.O'TEST@example.com"}, 5),
        ({"mobilePhone": "+46701740605"}, 1),
        ({"mobilePhone": "0701740605"}, 1),
        ({"mobilePhone": "0046701740605"}, 1),
        ({"mobilePhone": "070-174 06 06"}, 2),
        ({"mobilePhone": "+46 (0)70-174.06/08"}, 4),
        ({"mobilePhone": "+46701740608"}, 4),
        ({"socialSecurityNumber": "18000101-0001"}, 1),
        ({"socialSecurityNumber": "180001010001"}, 1),
        ({"socialSecurityNumber": "000101-0001"}, 1),
        ({"socialSecurityNumber": "000101+0002"}, 2),
        ({"customKey": "M-10002"}, 2),
        ({"customKey": "0701740699"}, 4),
        ({"customKey": "M-10005 & Ö"}, 5),
        ({"any": "test.contact+4@example.com"}, 4),
        ({"any": "0001010002"}, 2),
        ({"any": "070-1740605"}, 1),
        ({"any": "M-10001"}, 1),
    ],
)
def test_each_parameter_finds_a_contact(
    api: httpx.Client, query: dict[str, str], number: int
) -> None:
    assert find(api, **query) == IDS[number]


@pytest.mark.parametrize(
    "query",
    [
        {"email": "nobody@example.com"},
        {"mobilePhone": "+45701740605"},
        {"socialSecurityNumber": "18000101-0009"},
        {"customKey": "m-10001"},
        {"customKey": "M-10001 "},
        {"any": "nobody@example.com"},
        {"any": "18000101-0009"},
        {"any": "nothing"},
        {"email": "test.contact.1@example.com", "contactType": "Contact"},
    ],
)
def test_a_search_without_a_match_is_answered_with_404(
    api: httpx.Client, query: dict[str, str]
) -> None:
    assert get_error(search(api, **query)) == (404, "ContactNotFound")


def test_any_stops_at_the_first_format_that_fits(web: httpx.Client) -> None:
    assert find(web, customKey="0701740699") == IDS[4]
    assert find(web, any="0701740699") is None, "it looks like a phone number"
    add(web, mobilePhone="+46 70 174 06 99")
    assert find(web, any="0701740699") == NEW
    keys = {"22222222": "0701010001", "33333333": "key@example.com", "44444444": "000101-1234"}
    for contact_id, key in keys.items():
        add(web, contact_id, customKey=key, mobilePhone="0701010001")
    assert find(web, customKey="0701010001") == "22222222"
    assert find(web, any="0701010001") is None, "it looks like a social security number"
    assert find(web, any="key@example.com") is None, "it looks like an e-mail address"
    assert find(web, any="000101-1234") is None, "it looks like a social security number"


@pytest.mark.parametrize("name", ["email", "any"])
def test_several_matches_are_listed_and_the_type_selects_one(api: httpx.Client, name: str) -> None:
    answer = search(api, **{name: "FAMILY@example.com"})
    assert get_error(answer) == (409, "MultipleMatches")
    details = answer.json()["messageDetails"]
    assert details == {
        "reasons": [],
        "violations": [],
        "multipleMatchesFound": [IDS[2], IDS[3]],
    }
    for contact_type, number in (("Member", 2), ("Contact", 3)):
        query = {name: "family@example.com", "contactType": contact_type}
        assert find(api, **query) == IDS[number]


def test_all_criteria_have_to_match(api: httpx.Client) -> None:
    family = {"email": "family@example.com"}
    assert find(api, **family, mobilePhone="0701740606") == IDS[2]
    assert find(api, **family, customKey="M-10002", any="18000101-0002") == IDS[2]
    assert find(api, **family, customKey="M-10001") is None
    assert find(api, **family, any="test.contact.1@example.com") is None
    assert find(api, any="M-10001", socialSecurityNumber="18000101-0001") == IDS[1]


@pytest.mark.parametrize(
    ("query", "code", "rule"),
    [
        *(
            ({"email": text}, "InvalidEmailAddress", "format")
            for text in ("", "a", "a@b", "a@b.", "a@.c", "@b.c", "a@b@c.d", "a b@c.d", "a@b.c\n")
        ),
        *(
            ({"mobilePhone": text}, "InvalidPhoneNumber", "format")
            for text in ("", "1", "+46", "46701740605", " 46701740605", "+46701740605 ", "070a1234")
        ),
        *(
            ({"socialSecurityNumber": text}, "InvalidSocialSecurityNumber", "format")
            for text in ("", "1", "18001301-0001", "18000132-0001", "18000101_0001", "١٨٠٠٠١٠١٠٠٠١")
        ),
        ({"email": "a@b.c", "contactType": "Nobody"}, "InvalidContactType", "enum"),
        ({"email": "a@b.c", "contactType": "member"}, "InvalidContactType", "enum"),
        ({"email": "a@b.c", "contactType": ""}, "InvalidContactType", "enum"),
        ({}, "InvalidSearchQuery", "required"),
        ({"contactType": "Member"}, "InvalidSearchQuery", "required"),
        ({"phone": "+46701740605"}, "InvalidSearchQuery", "required"),
        ({"customKey": ""}, "InvalidSearchQuery", "minLength"),
        ({"any": " "}, "InvalidSearchQuery", "minLength"),
    ],
)
def test_an_invalid_search_is_answered_with_its_documented_code(
    api: httpx.Client, query: dict[str, str], code: str, rule: str
) -> None:
    answer = search(api, **query)
    assert get_error(answer) == (400, code)
    assert list_rules(answer) == [(rule, None)]
    assert list(answer.json()["messageDetails"]) == ["reasons", "violations"]


def test_a_type_of_a_contact_of_the_tenant_is_valid(web: httpx.Client) -> None:
    query = {"email": "partner@example.com", "contactType": "Partner"}
    assert get_error(search(web, **query)) == (400, "InvalidContactType")
    add(web, email="partner@example.com", contactType="Partner")
    assert find(web, **query) == NEW
    web.delete(f"/_sandbox/contacts/{NEW}")
    assert get_error(search(web, **query)) == (400, "InvalidContactType")


@pytest.mark.parametrize("query", [{"customKey": "M-10001"}, {"any": "M-10001"}])
def test_a_tenant_without_a_custom_key_is_misconfigured(
    web: httpx.Client, query: dict[str, str]
) -> None:
    set_options(web, custom_key_enabled=False)
    assert get_error(search(web, **query)) == (500, "InvalidSystemConfiguration")
    for text in ("test.contact.1@example.com", "18000101-0001", "+46701740605"):
        assert find(web, any=text) == IDS[1]
    set_options(web, custom_key_enabled=True)
    assert find(web, **query) == IDS[1]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("email=test.contact+4@example.com", 400, "InvalidEmailAddress"),
        ("mobilePhone=+46701740605", 400, "InvalidPhoneNumber"),
        ("socialSecurityNumber=000101+0002", 400, "InvalidSocialSecurityNumber"),
        ("any=test.contact+4@example.com", 404, "ContactNotFound"),
        ("any=+46701740605", 404, "ContactNotFound"),
        ("customKey=M-10005 & Ö", 404, "ContactNotFound"),
        ("customKey=%22M-10001%22", 404, "ContactNotFound"),
    ],
)
def test_a_value_that_was_not_url_encoded_is_never_repaired(
    api: httpx.Client, query: str, status: int, code: str
) -> None:
    assert get_error(api.get(f"{CONTACTS}/id?{query}")) == (status, code)


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_contact_has_the_fields_that_are_set(api: httpx.Client, version: str) -> None:
    base = f"/api/{version}/contacts"
    assert api.get(f"{base}/{IDS[2]}").json() == {
        "id": IDS[2],
        "meta": {"contactType": "Member"},
        "name": "Test Contact 2",
        "email": "family@example.com",
        "mobilePhone": "070-174 06 06",
        "socialSecurityNumber": "18000101-0002",
        "customKey": "M-10002",
    }
    nearly_empty = {"id": IDS[6], "meta": {"contactType": "Contact"}, "name": "Test Contact 6"}
    assert api.get(f"{base}/{IDS[6]}").json() == nearly_empty
    assert get_error(api.get(f"{base}/nobody")) == (404, "ContactNotFound")


def test_the_endpoints_of_contacts_do_not_need_the_feature(web: httpx.Client) -> None:
    set_options(web, feature_enabled=False)
    assert find(web, any="M-10001") == IDS[1]
    assert web.get(f"{CONTACTS}/{IDS[1]}").status_code == 200
    assert web.get(f"{CONTACTS}/count").json() == 6
    assert list_interactions(web, IDS[1]).status_code == 403


def test_rate_limit_faults_and_log_apply_to_contacts(sandbox: Sandbox, web: httpx.Client) -> None:
    fault = {"kind": "status", "status": 503, "path": "/api/v3/contacts/*"}
    web.post("/_sandbox/faults", json=fault)
    assert [search(web, any="M-10001").status_code for _ in range(2)] == [503, 200]
    (first, _) = sandbox.state.log.list()
    assert (first.path, first.query, first.status) == (f"{CONTACTS}/id", "any=M-10001", 503)
    sandbox.state.rate_limit = RateLimit(lambda: 1000.0)
    set_options(web, rate_limit=2)
    statuses = [web.get(f"{CONTACTS}/count").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_a_contact_can_be_changed(web: httpx.Client) -> None:
    path = f"/_sandbox/contacts/{IDS[1]}"
    changes = {"email": "new@example.com", "mobilePhone": None, "contactType": "Contact"}
    answer = web.patch(path, json=changes)
    assert answer.json() == {
        "id": IDS[1],
        "name": "Test Contact 1",
        "email": "new@example.com",
        "socialSecurityNumber": "18000101-0001",
        "customKey": "M-10001",
        "contactType": "Contact",
    }
    assert answer.json() in web.get("/_sandbox/contacts").json()
    assert find(web, email="new@example.com") == IDS[1]
    assert find(web, email="test.contact.1@example.com") is None
    assert find(web, mobilePhone="+46701740605") is None
    assert get_error(web.patch("/_sandbox/contacts/nobody", json={})) == (404, "ContactNotFound")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "a@b"),
        ("mobilePhone", "46701740605"),
        ("socialSecurityNumber", "1"),
        ("customKey", ""),
        ("contactType", ""),
        ("contactType", None),
        ("name", 1),
    ],
)
def test_an_invalid_field_of_a_contact_is_refused(
    web: httpx.Client, field: str, value: object
) -> None:
    before = web.get("/_sandbox/contacts").json()
    for answer in (
        web.post("/_sandbox/contacts", json={"id": NEW, field: value}),
        web.patch(f"/_sandbox/contacts/{IDS[1]}", json={field: value}),
    ):
        assert get_error(answer) == (400, "MalformedRequest")
        assert [pointer for _, pointer in list_rules(answer)] == [f"/{field}"]
    assert web.get("/_sandbox/contacts").json() == before


def test_changes_are_listed_by_type_and_window(web: httpx.Client) -> None:
    times = [f"2027-01-01T0{hour}:00:00Z" for hour in range(6)]
    changes: list[tuple[str, str, object]] = [
        ("POST", "", {"id": NEW}),
        ("PATCH", f"/{NEW}", {"name": "New"}),
        ("PATCH", f"/{IDS[6]}", {"name": "Six"}),
        ("PATCH", f"/{NEW}", {"name": "Newer"}),
        ("DELETE", f"/{IDS[6]}", None),
    ]
    for time, (method, path, body) in zip(times, changes, strict=False):
        web.post("/_sandbox/clock", json={"freeze": time})
        answer = web.request(method, f"/_sandbox/contacts{path}", json=body)
        assert answer.is_success, answer.text
    assert list_changes(web, "Created", times[0], times[5]) == [NEW]
    assert list_changes(web, "Created", times[1], times[5]) == []
    assert list_changes(web, "Created", "2026-01-01", times[0]) == []  # Test Contact 6 was deleted
    seeded = [IDS[number] for number in range(1, 6)]
    assert list_changes(web, "Created", "2020-01-01", "2030-01-01") == [*seeded, NEW]
    assert list_changes(web, "Updated", times[0], times[5]) == [NEW]
    assert list_changes(web, "Updated", times[2], times[3]) == []
    assert list_changes(web, "Updated", times[3], times[4]) == [NEW]
    assert list_changes(web, "Deleted", times[4], times[5]) == [IDS[6]]
    assert list_changes(web, "Deleted", times[0], times[4]) == []
    assert list_changes(web, "Deleted", times[4], times[4]) == []


@pytest.mark.parametrize(
    ("query", "rules"),
    [
        ({}, ["required", "required", "required"]),
        ({"changeType": "Created", "fromDate": "2020-01-01"}, ["required"]),
        ({"changeType": "created", "fromDate": "2020-01-01", "toDate": "2030-01-01"}, ["type"]),
        ({"changeType": "Created", "fromDate": "yesterday", "toDate": "2030-01-01"}, ["format"]),
        ({"changeType": "Created", "fromDate": "2020-01-01", "toDate": ""}, ["format"]),
        (
            {"changeType": "Created", "fromDate": "2030-01-01", "toDate": "2020-01-01"},
            ["date-window"],
        ),
    ],
)
def test_an_invalid_window_is_refused(
    api: httpx.Client, query: dict[str, str], rules: list[str]
) -> None:
    answer = api.get(f"{CONTACTS}/changes", params=query)
    assert get_error(answer) == (400, "MalformedRequest")
    assert list_rules(answer) == [(rule, None) for rule in rules]


def test_an_offset_that_was_not_url_encoded_is_refused(api: httpx.Client) -> None:
    query = "changeType=Created&toDate=2030-01-01&fromDate=2020-01-01T00:00:00"
    answer = api.get(f"{CONTACTS}/changes?{query}+02:00")
    assert (get_error(answer), list_rules(answer)) == (
        (400, "MalformedRequest"),
        [("format", None)],
    )
    assert api.get(f"{CONTACTS}/changes?{query}%2B02:00").status_code == 200


def test_more_changes_than_the_maximum_are_refused(web: httpx.Client) -> None:
    assert Options().max_changed_contacts == 250_000
    query = {"changeType": "Created", "fromDate": "2020-01-01", "toDate": "2030-01-01"}
    set_options(web, max_changed_contacts=6)
    assert len(web.get(f"{CONTACTS}/changes", params=query).json()) == 6
    add(web)
    answer = web.get(f"{CONTACTS}/changes", params=query)
    assert (answer.status_code, list_rules(answer)) == (400, [("maxItems", None)])
    assert len(list_changes(web, "Created", "2021-06-01", "2030-01-01")) == 6


def test_a_deleted_contact_keeps_its_interactions_by_default(web: httpx.Client) -> None:
    stored = send(web, IDS[1]).json()["id"]
    assert web.delete(f"/_sandbox/contacts/{IDS[1]}").status_code == 204
    assert web.get(f"{INTERACTIONS}/{stored}").json()["contactId"] == IDS[1]
    assert [item["id"] for item in list_interactions(web, IDS[1]).json()["items"]] == [stored]
    assert get_error(send(web, IDS[1])) == (404, "ContactNotFound")
    assert get_error(web.get(f"{CONTACTS}/{IDS[1]}")) == (404, "ContactNotFound")
    assert find(web, email="test.contact.1@example.com") is None
    assert find(web, any="M-10001") is None
    assert web.get(f"{CONTACTS}/count").json() == 5
    assert web.get(f"/_sandbox/contacts/{IDS[1]}/interactions").status_code == 404
    assert IDS[1] not in web.get("/_sandbox/ui/contacts").text
    segment = {"conditions": [{"schemaId": "favourite"}]}
    assert web.post("/_sandbox/segments", json=segment).json()["size"] == 0
    again = web.post("/_sandbox/contacts", json={"id": IDS[1]})
    assert list_rules(again) == [("unique", "/id")]
    web.post("/_sandbox/reset")
    assert find(web, any="M-10001") == IDS[1]


def test_a_deleted_contact_can_lose_its_interactions(web: httpx.Client) -> None:
    set_options(web, deleted_contact_interactions="delete")
    stored, other = (send(web, IDS[number]).json()["id"] for number in (1, 2))
    web.delete(f"/_sandbox/contacts/{IDS[1]}")
    assert get_error(web.get(f"{INTERACTIONS}/{stored}")) == (404, "InteractionNotFound")
    assert get_error(list_interactions(web, IDS[1])) == (404, "ContactNotFound")
    assert web.get(f"{INTERACTIONS}/{other}").status_code == 200


def test_a_deleted_contact_leaves_nothing_but_its_id_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tenant.db"
    with running(database=file) as sandbox, connect(sandbox) as web:
        web.delete(f"/_sandbox/contacts/{IDS[1]}")
    connection = sqlite3.connect(file)
    (row,) = connection.execute("SELECT * FROM contacts WHERE id = ?", (IDS[1],))
    connection.close()
    assert "Test" not in str(row)
    assert "@" not in str(row)
    assert "1740605" not in str(row)
    assert "0001" not in str(row)
    assert "M-1" not in str(row)


def shorten(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize("is_dotnet", [False, True])
def test_a_short_guid_is_accepted_only_with_the_option(web: httpx.Client, is_dotnet: bool) -> None:
    guid = UUID(IDS[4])
    short = shorten(guid.bytes_le if is_dotnet else guid.bytes)
    assert len(short) == 22
    assert get_error(send(web, short)) == (404, "ContactNotFound")
    assert get_error(list_interactions(web, short)) == (404, "ContactNotFound")
    assert get_error(web.get(f"{CONTACTS}/{short}")) == (404, "ContactNotFound")
    set_options(web, short_contact_id="accept")
    created = send(web, short).json()
    assert created["self"]["contactId"] == IDS[4]
    (item,) = list_interactions(web, short).json()["items"]
    assert (item["id"], item["contactId"]) == (created["id"], IDS[4])
    assert list_interactions(web, IDS[4]).json()["items"] == [item]
    assert web.get(f"{CONTACTS}/{short}").json()["id"] == IDS[4]
    unknown = shorten(UUID(NEW).bytes)
    for text in (unknown, "!" * 22, "é" * 22, short[:-1] + "=", short + "=="):
        assert get_error(send(web, text)) == (404, "ContactNotFound"), text
    assert send(web, IDS[4]).status_code == 200


CUSTOM_KEYS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("+ &#%=?/'\";\\\u00e9\u2603\x00"),
    min_size=1,
    max_size=40,
).filter(lambda text: text.strip())
LOCAL_PARTS = st.text(st.sampled_from("azé+&#%='\"/?;.,!*()ßŁ日"), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def changing() -> Generator[httpx.Client]:
    """Connect to a tenant with one contact more, which every example changes."""
    with running(options=Options(rate_limit=0)) as sandbox, connect(sandbox) as client:
        add(client)
        yield client


@settings(max_examples=150, deadline=None)
@given(CUSTOM_KEYS)
def test_every_encoded_custom_key_is_found(changing: httpx.Client, key: str) -> None:
    change = changing.patch(f"/_sandbox/contacts/{NEW}", json={"customKey": key})
    assert change.status_code == 200, change.text
    assert changing.get(f"{CONTACTS}/id?customKey={quote(key, safe='')}").json() == NEW
    assert find(changing, customKey=key) == NEW
    assert changing.get(f"{CONTACTS}/{NEW}").json()["customKey"] == key


@settings(max_examples=150, deadline=None)
@given(LOCAL_PARTS)
def test_every_encoded_address_is_found(changing: httpx.Client, local: str) -> None:
    address = f"{local}@example.org"
    change = changing.patch(f"/_sandbox/contacts/{NEW}", json={"email": address})
    assert change.status_code == 200, change.text
    encoded = quote(address, safe="")
    for name, refusal in (("email", 400), ("any", 404)):
        assert changing.get(f"{CONTACTS}/id?{name}={encoded}").json() == NEW
        assert find(changing, **{name: address}) == NEW
        careless = changing.get(f"{CONTACTS}/id?{name}={encoded.replace('%2B', '+')}")
        assert careless.status_code == (refusal if "+" in local else 200)


NUMBERS = st.from_regex(r"[1-9][0-9]{6,12}", fullmatch=True)
SEPARATORS = st.sampled_from(["", " ", "-", ".", "/", "  "])


@given(NUMBERS, st.lists(SEPARATORS, min_size=13, max_size=13))
def test_phone_numbers_are_compared_without_separators(number: str, marks: list[str]) -> None:
    written = number[0] + "".join(
        mark + digit for mark, digit in zip(marks, number[1:], strict=False)
    )
    assert to_phone_key(f"+{written}") == to_phone_key(f"00{written}") == f"+{number}"
    assert to_phone_key(f"0{written}") == f"+46{number}"
    for text in (written, f" {written}", f" +{written}", f"+{written} ", f"+{written}\n"):
        assert to_phone_key(text) is None


KEYS = (to_email_key, to_phone_key, to_social_security_key)
SPACES = st.text(st.characters(categories=["Zs", "Cc"]), max_size=2)
VALID = st.sampled_from(["a@example.com", "+46701740605", "070-174 06 05", "18000101-0001"])


@given(SPACES, VALID, SPACES)
def test_no_format_accepts_spaces_around_a_value(before: str, valid: str, after: str) -> None:
    assert any(to_key(valid) for to_key in KEYS)
    assume(before or after)
    for to_key in KEYS:
        assert to_key(before + valid + after) is None
