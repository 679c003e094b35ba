"""Which authorities a client trusts: those of certifi with httpx, of the system with httpx2."""

import os
import shutil
import ssl
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from engage_codegen.config import HTTP_LIBRARIES
from tests.support.packages import generate_package, run_with_package
from tests.support.runtime.raw.platform import RawPlatform

pytestmark = pytest.mark.slow

both = pytest.mark.parametrize("library", HTTP_LIBRARIES)

SEND = """
import asyncio, ssl
from pathlib import Path

system = ssl.DefaultVerifyPaths(None, None, "", {file!r}, "", {folder!r})
ssl.get_default_verify_paths = lambda: system
try:
    from httpcore2 import _ssl
    _ssl.CA_FILE_CANDIDATES = []
except ImportError:
    pass

from engage_interactions import AsyncEngageClient, EngageClient, EngageError, RetryPolicy
from engage_interactions.favourite import Favourite

settings = dict(base_url={url!r}, api_key="k", user_agent="a/1", retry=RetryPolicy.never())
gift, contact = Favourite(product_sku="1"), "3f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d01"

async def send():
    async with AsyncEngageClient(**settings) as client:
        return await client.send(contact, gift)

for act in (lambda: EngageClient(**settings).send(contact, gift), lambda: asyncio.run(send())):
    try:
        print(type(act()).__name__)
    except EngageError as error:
        print(type(error).__name__, error)
"""
"""Sends with both clients. `file` and `folder` stand for the trust store of the system, which
OpenSSL on Linux has as a file and as a folder."""


@dataclass
class TlsPlatform:
    """A platform with TLS, the file of its authority, and that of an unrelated one."""

    url: str
    authority: Path
    unrelated: Path


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Generator[TlsPlatform]:
    folder = tmp_path_factory.mktemp("tls")
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate = authority.issue_cert("localhost").private_key_and_cert_chain_pem
    certificate.write_to_path(str(folder / "platform.pem"))
    context.load_cert_chain(folder / "platform.pem")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    trustme.CA().cert_pem.write_to_path(str(folder / "unrelated.pem"))
    with RawPlatform(tls=context) as platform:
        url = platform.url.replace("127.0.0.1", "localhost")
        yield TlsPlatform(url, folder / "authority.pem", folder / "unrelated.pem")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """HTTP library -> the folder of a package for it."""
    folders: dict[str, Path] = {
        library: tmp_path_factory.mktemp(library) for library in HTTP_LIBRARIES
    }
    for library, folder in folders.items():
        generate_package(folder / "engage_interactions", library)
    return folders


def send(
    package: Path, platform: TlsPlatform, *, system: Path | None, **environment: str
) -> list[str]:
    """Return the outcome of a send with each client. `system` is the trust store of the system."""
    is_folder = system is not None and system.is_dir()
    missing = "/nonexistent"
    file = missing if system is None or is_folder else str(system)
    code = SEND.format(url=platform.url, file=file, folder=str(system) if is_folder else missing)
    return run_with_package(package, code, NO_PROXY="*", **environment).splitlines()


def refused(outcomes: list[str]) -> bool:
    """Return True if both clients raised `NotSentError` because of the certificate."""
    return all(
        outcome.startswith("NotSentError") and "CERTIFICATE_VERIFY_FAILED" in outcome
        for outcome in outcomes
    )


def test_httpx2_trusts_the_authorities_of_the_system_and_httpx_does_not(
    packages: dict[str, Path], platform: TlsPlatform
) -> None:
    outcomes = send(packages["httpx2"], platform, system=platform.authority)
    assert outcomes == ["Receipt", "Receipt"]
    assert refused(send(packages["httpx"], platform, system=platform.authority))


@both
def test_a_server_of_another_authority_is_not_trusted(
    library: str, packages: dict[str, Path], platform: TlsPlatform
) -> None:
    assert refused(send(packages[library], platform, system=platform.unrelated))


@both
@pytest.mark.parametrize("system", [True, False], ids=["full", "empty"])
def test_a_file_of_the_environment_replaces_the_trust_store(
    library: str, system: bool, packages: dict[str, Path], platform: TlsPlatform
) -> None:
    store = platform.unrelated if system else None
    file = str(platform.authority)
    outcomes = send(packages[library], platform, system=store, SSL_CERT_FILE=file)
    assert outcomes == ["Receipt", "Receipt"]
    file = str(platform.unrelated)
    assert refused(send(packages[library], platform, system=platform.authority, SSL_CERT_FILE=file))


def test_a_system_without_certificates_is_reported_when_a_client_is_created(
    packages: dict[str, Path], platform: TlsPlatform, tmp_path: Path
) -> None:
    (tmp_path / "README").touch()
    for store in (None, tmp_path):
        outcomes = send(packages["httpx2"], platform, system=store)
        assert len(outcomes) == 2
        for outcome in outcomes:
            assert outcome.startswith("ConfigurationError The TLS settings cannot be used: ")
            assert "ca-certificates" in outcome
            assert "SSL_CERT_FILE" in outcome
        assert refused(send(packages["httpx"], platform, system=store))


openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def hashed_folder(folder: Path, certificate: Path) -> Path:
    """Return a folder with a certificate under the name by which OpenSSL looks for it."""
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)]
    name = subprocess.check_output(command, text=True).strip()
    shutil.copy(certificate, folder / f"{name}.0")
    return folder


@openssl
def test_a_folder_can_be_the_trust_store_of_the_system(
    packages: dict[str, Path], platform: TlsPlatform, tmp_path: Path
) -> None:
    store = hashed_folder(tmp_path, platform.authority)
    assert send(packages["httpx2"], platform, system=store) == ["Receipt", "Receipt"]


@both
@openssl
def test_a_folder_of_the_environment_replaces_the_trust_store(
    library: str, packages: dict[str, Path], platform: TlsPlatform, tmp_path: Path
) -> None:
    folder = str(hashed_folder(tmp_path, platform.authority))
    outcomes = send(packages[library], platform, system=None, SSL_CERT_DIR=folder)
    assert outcomes == ["Receipt", "Receipt"]


@both
def test_a_key_log_is_written_with_httpx_and_with_a_file_of_the_environment_alone(
    library: str, packages: dict[str, Path], platform: TlsPlatform, tmp_path: Path
) -> None:
    log = tmp_path / "keys"
    send(packages[library], platform, system=platform.unrelated, SSLKEYLOGFILE=str(log))
    assert log.exists() == (library == "httpx")
    file = str(platform.authority)
    environment = {"SSLKEYLOGFILE": str(log), "SSL_CERT_FILE": file}
    assert send(packages[library], platform, system=None, **environment) == ["Receipt"] * 2
    assert os.path.getsize(log)
