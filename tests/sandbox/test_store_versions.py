"""Database files of earlier versions of the sandbox get the current tables."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engage_codegen.errors import InputError
from engage_codegen.sandbox.server import running
from engage_codegen.sandbox.store.tables import APPLICATION_ID, MIGRATIONS
from tests.sandbox.helpers import INTERACTIONS, connect

pytestmark = pytest.mark.slow


def create(file: Path, version: int) -> Path:
    """Create a file of an earlier version: a contact with an interaction, and a key."""
    script = Path(__file__).with_name(f"store_version_{version}.sql").read_text("utf-8")
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)
    return file


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return create(tmp_path / "old.db", 3)


def describe_tables(file: Path) -> object:
    """Return the names of all tables and indexes, the columns and the version of a file."""
    with closing(sqlite3.connect(file)) as connection:
        names = connection.execute("SELECT type, name FROM sqlite_master ORDER BY 1, 2").fetchall()
        columns = [
            (name, connection.execute(f"PRAGMA table_info({name})").fetchall())
            for kind, name in names
            if kind == "table"
        ]
        return names, columns, connection.execute("PRAGMA application_id").fetchone()


def test_the_data_of_an_old_file_is_still_there(old: Path) -> None:
    contact = {"id": "old", "name": "Old Contact", "contactType": "Member"}
    for address in ("old@example.com", "older@example.com"):  # the second run opens a current file
        with running(database=old) as sandbox, connect(sandbox) as web:
            assert contact in web.get("/_sandbox/contacts").json()
            query = {"contactId": "old", "schemaId": "favourite"}
            (item,) = web.get(INTERACTIONS, params=query).json()["items"]
            assert item["payload"] == {"productSku": "1"}
            assert web.get("/_sandbox/keys").json() == ["old-key", "sandbox-key"]
            window = {"changeType": "Created", "fromDate": "2020-01-01", "toDate": "2020-01-02"}
            assert web.get("/api/v3/contacts/changes", params=window).json() == ["old"]
            contact = web.patch("/_sandbox/contacts/old", json={"email": address}).json()
            assert web.get("/api/v3/contacts/id", params={"email": address}).json() == "old"


def test_the_arrivals_of_an_old_file_get_their_ids_and_causes(tmp_path: Path) -> None:
    with running(database=create(tmp_path / "old.db", 4)) as sandbox, connect(sandbox) as web:
        arrivals = web.get("/_sandbox/arrivals").json()["items"][::-1]
        page = web.get("/_sandbox/ui/dropped?schema=favourite&cause=productSku%3A+required").text
    named = [(item["outcome"], item["schemaId"], item["contactId"]) for item in arrivals]
    assert named == [
        ("stored", "favourite", "old"),
        ("dropped", "favourite", "old"),
        ("refused", "favourite", "old"),
        ("refused", None, None),
        ("ignored", "favourite", "old"),
    ]
    assert [item["bodySize"] for item in arrivals] == [len(item["body"]) for item in arrivals]
    assert "2 interactions by reason" in page


@pytest.mark.parametrize("version", [3, 4])
def test_an_old_file_gets_the_tables_of_a_new_one(version: int, tmp_path: Path) -> None:
    old = create(tmp_path / "old.db", version)
    new = tmp_path / "new.db"
    for file in (old, new):
        with running(database=file):
            pass
    assert describe_tables(old) == describe_tables(new)


@pytest.mark.parametrize("version", [min(MIGRATIONS) - 1, APPLICATION_ID + 1])
def test_a_file_of_an_unknown_version_is_refused_and_not_changed(old: Path, version: int) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA application_id = {version}")
    before = old.read_bytes()
    with pytest.raises(InputError, match="another application or version"), running(database=old):
        pass
    assert old.read_bytes() == before
