"""A PostgreSQL server of the tests: a cluster of its own in a temporary folder, on the loopback."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
"""Debian keeps the server programs out of the PATH."""
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "log_min_messages": "panic",
    "log_min_error_statement": "panic",
}


def find_programs() -> Path | None:
    """Return the folder with the programs of the newest server, or None if there is none."""
    if FOLDERS:
        return FOLDERS[-1]
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


def run_as_owner(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run a program as the user of the server: PostgreSQL refuses to run as root."""
    user = "postgres" if os.geteuid() == 0 else None
    return subprocess.run(
        command,
        check=check,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
    )


@dataclass
class Cluster:
    """A running server. `restart` ends it as a crash does."""

    programs: Path
    folder: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://engage@127.0.0.1:{self.port}/{database}"

    def control(self, *arguments: str) -> None:
        run_as_owner(self.programs / "pg_ctl", "-D", self.folder, "-w", "-t", "300", *arguments)

    def start(self) -> None:
        log = self.folder.parent / "log"
        self.control("start", "-l", str(log), "-o", f"-p {self.port}")

    def stop(self, mode: str = "immediate") -> None:
        self.control("stop", "-m", mode)

    def restart(self, mode: str = "immediate") -> None:
        self.stop(mode)
        self.start()

    @contextmanager
    def database(self) -> Generator[str]:
        """Create an empty database, and yield its URL."""
        name = f"test_{uuid.uuid4().hex}"
        with closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        yield self.url(name)
        with closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def create_cluster(programs: Path, root: Path, **options: str) -> Cluster:
    """Create a server, and start it on a free port."""
    folder = root / "data"
    run_as_owner(
        *(programs / "initdb", "-D", folder, "-U", "engage", "-A", "trust"),
        *("-E", "UTF8", "--no-locale", "--no-sync"),
    )
    settings = "".join(f"{name} = '{value}'\n" for name, value in (OPTIONS | options).items())
    with (folder / "postgresql.conf").open("a") as file:
        file.write(settings)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    cluster = Cluster(programs, folder, port)
    cluster.start()
    return cluster


@contextmanager
def running_cluster(**options: str) -> Generator[Cluster]:
    """Run a server for the block. Skips the test on a machine without PostgreSQL."""
    programs = find_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed")
    root = Path(tempfile.mkdtemp(prefix="engage-postgres-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(root, owner.pw_uid, owner.pw_gid)
    try:
        cluster = create_cluster(programs, root, **options)
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def wait_until_up(url: str, seconds: float = 300) -> None:
    """Wait until a server answers again."""
    end = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
