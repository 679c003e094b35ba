"""Every block of the page *On several machines* runs, against a server of the test."""

import os
import subprocess
import sys
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from engage_codegen.sandbox.options import Options
from engage_codegen.sandbox.server import Sandbox, running
from engage_interactions import EngageClient
from engage_interactions.favourite import Favourite
from engage_interactions.postgres import PostgresOutbox, create_tables, drop_sql
from tests.support.paths import ROOT, SCRIPTS
from tests.support.postgres import Cluster, running_cluster
from tests.support.readers.pages import blocks
from tests.support.runtime.django_project import DjangoProject
from tests.support.tool import Tool

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

PAGE = "docs/several-machines.md"
CREATE, ORDER, WORKER, SESSION, ASYNC_SESSION, DJANGO, ASYNCPG, MIGRATION, ALEMBIC = (
    block.text for block in blocks("python", PAGE)
)
CONTACT = "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"
TABLES = {f"engage_{name}" for name in "outbox entries leases receipts keys rates".split()}
FOLLOW = """
pip() { :; }
%s
read -r line
kill -TERM $(jobs -p)
wait
"""
ENVIRONMENT = """
import os
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(os.environ["ENGAGE_OUTBOX"].replace("postgresql:", "postgresql+psycopg:"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ASYNC_ENVIRONMENT = """
import asyncio
import os
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    url = os.environ["ENGAGE_OUTBOX"].replace("postgresql:", "postgresql+asyncpg:")
    async with create_async_engine(url).connect() as connection:
        await connection.run_sync(migrate)


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def cluster() -> Generator[Cluster]:
    with running_cluster(fsync="off") as cluster:
        yield cluster


@pytest.fixture
def engage() -> Generator[Sandbox]:
    """A tenant without interactions."""
    with running(options=Options(rate_limit=0)) as sandbox:
        yield sandbox


@pytest.fixture
def database(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """The URL of an empty database, which is in the environment variable of the page."""
    with cluster.database() as url:
        monkeypatch.setenv("ENGAGE_OUTBOX", url)
        monkeypatch.setenv("PYTHONPATH", str(ROOT / "generated"))
        monkeypatch.setenv("PATH", f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
        yield url


def run(*command: str, folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def tables_of(database: str) -> set[str]:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE 'engage%'"
        ).fetchall()
        return {name for (name,) in rows}


def test_the_page_leads_from_nothing_to_six_workers(
    database: str, tmp_path: Path, tenant: Sandbox
) -> None:
    for name, text in (("create", CREATE), ("order", ORDER), ("worker", WORKER)):
        (tmp_path / f"{name}.py").write_text(text)
    shell = blocks("sh", PAGE)[0].text
    with subprocess.Popen(
        ["bash", "-euc", FOLLOW % shell],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        # The workers print what they delivered.
        delivered = 0
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            delivered += int(line.partition("delivered=")[2].partition(",")[0] or 0)
            if delivered >= 30:
                break
        assert delivered == 30, "".join(lines)
        rest, _ = process.communicate("end\n")
        assert process.returncode == 0, rest
    with PostgresOutbox(database) as outbox:
        assert not list(outbox.entries())
    with EngageClient.from_env() as client:
        prices = [
            stored.payload.price for stored in client.list(Favourite, CONTACT) if stored.payload
        ]
    assert sorted(price for price in prices if price) == list(range(1, 31))
    run(sys.executable, "order.py", folder=tmp_path)
    with PostgresOutbox(database) as outbox:
        assert not list(outbox.entries())


@pytest.mark.parametrize(
    "program",
    [SESSION, ASYNC_SESSION, ASYNCPG],
    ids=["a session", "an async session", "a driver that is not supported"],
)
def test_the_programs_put(database: str, tmp_path: Path, program: str) -> None:
    create_tables(database)
    run(sys.executable, "-W", "error", "-c", program, folder=tmp_path)
    with PostgresOutbox(database) as outbox:
        assert outbox.status().waiting == 1


def test_a_django_project_migrates_puts_and_migrates_back(database: str, tmp_path: Path) -> None:
    project = DjangoProject(tmp_path, database, MIGRATION)
    settings = tmp_path / "shop" / "settings.py"
    settings.write_text(f"{settings.read_text()}\nENGAGE_OUTBOX = {database!r}\n")
    project.manage("migrate", "--verbosity", "0")
    assert tables_of(database) == TABLES
    assert not create_tables(database)
    project.run("-c", f"import django; django.setup()\n{DJANGO}\nplace_order(1)\nplace_order(2)")
    with PostgresOutbox(database) as outbox:
        assert outbox.status().waiting == 2
    project.manage("migrate", "orders", "0001", "--verbosity", "0")
    assert tables_of(database) == set()
    project.manage("migrate", "--verbosity", "0")
    assert tables_of(database) == TABLES


@pytest.mark.parametrize("environment", [ENVIRONMENT, ASYNC_ENVIRONMENT], ids=["psycopg", "async"])
def test_alembic_migrates_and_migrates_back(
    database: str, tmp_path: Path, environment: str
) -> None:
    (tmp_path / "alembic.ini").write_text(
        "[alembic]\nscript_location = migrations\npath_separator = os\n"
    )
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").write_text(environment)
    (tmp_path / "migrations" / "versions" / "0001_outbox.py").write_text(ALEMBIC)
    for revision, tables in (("head", TABLES), ("base", set[str]()), ("head", TABLES)):
        verb = "upgrade" if tables else "downgrade"
        run(sys.executable, "-m", "alembic", verb, revision, folder=tmp_path)
        assert tables_of(database) == tables
    assert not create_tables(database)


def test_the_printed_sql_creates_and_drops_the_tables(
    database: str, project: Path, tool: Tool
) -> None:
    for line, tables in zip(
        blocks("sh", PAGE)[1].text.splitlines(), (TABLES, set[str]()), strict=True
    ):
        name, *arguments = line.split()
        assert name == "engage-codegen"
        with psycopg.connect(database) as connection:
            connection.execute(tool(*arguments).out.encode())
        assert tables_of(database) == tables
        assert create_tables(database) == (not tables)


def manifests() -> dict[str, Any]:
    documents = [yaml.safe_load(block.text) for block in blocks("yaml", PAGE)]
    return {document["kind"]: document for document in documents}


def test_the_manifests_run_the_module_with_the_secret() -> None:
    deployment, job = manifests()["Deployment"], manifests()["CronJob"]
    pods = {
        "deliver --forever": deployment["spec"]["template"]["spec"],
        "deliver": job["spec"]["jobTemplate"]["spec"]["template"]["spec"],
    }
    for arguments, pod in pods.items():
        (container,) = pod["containers"]
        assert container["command"] == ["python", "-m", "engage_interactions.outbox"]
        assert " ".join(container["args"]) == arguments
        variables = {variable["name"] for variable in container["env"]}
        assert variables == {"ENGAGE_OUTBOX", "ENGAGE_BASE_URL", "ENGAGE_USER_AGENT"}
        assert "ENGAGE_API_KEY" not in str(container)
    spec = deployment["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]


def test_the_commands_of_the_manifests_work(database: str, tmp_path: Path, tenant: Sandbox) -> None:
    create_tables(database)
    with PostgresOutbox(database) as outbox:
        outbox.put(CONTACT, Favourite(product_sku="7120-38"))
        (worker,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
        job = manifests()["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = job["containers"]
        _, *module = container["command"]
        run(sys.executable, *module, *container["args"], folder=tmp_path)
        assert not list(outbox.entries())
    _, *probe = worker["startupProbe"]["exec"]["command"]
    run(sys.executable, *probe, folder=tmp_path)


def test_the_manifests_are_valid_by_their_schemas() -> None:
    name = "kubernetes_validate"
    validator = import_module(name) if os.environ.get("CI") else pytest.importorskip(name)
    for manifest in manifests().values():
        validator.validate(manifest, "1.33", strict=True)


def test_the_permissions_on_the_page_name_every_table() -> None:
    assert {line.split(".")[1].rstrip(";") for line in drop_sql().splitlines()} == TABLES
