"""TLS with a certificate authority of the sandbox's own.

The authority is kept in a folder, so that clients trust the sandbox after a restart too. The
certificate of the server is new at each start, and its key is never kept.
"""

import os
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from engage_codegen.errors import InputError
from engage_codegen.sandbox.store.private_file import find_foreign_rights

AUTHORITY_FILE = "ca.pem"
_KEY_FILE = "ca-key.pem"
_ORGANIZATION = "engage-codegen sandbox"
_VALID_DAYS = 397  # some systems refuse certificates that are valid for longer
_OTHERS = 0o077
_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Identity:
    """The TLS settings of the server, and those with which it reaches itself.

    `authority` is the file with the certificate that clients must trust.
    """

    server: ssl.SSLContext
    client: ssl.SSLContext
    authority: Path


def load_identity(folder: Path, names: Sequence[str]) -> Identity:
    """Load the authority in a folder, or create both, and issue a certificate for these names.

    Names are host names and addresses; those of the loopback are always included.

    Raises:
        InputError: The folder cannot be used, its files are no authority, or other users can read
            the key.
    """
    authority = folder / AUTHORITY_FILE
    try:
        ca = _load_authority(authority, folder / _KEY_FILE)
        now = datetime.now(UTC)
        certificate = ca.issue_cert(
            *dict.fromkeys([*_NAMES, *names]),
            organization_name=_ORGANIZATION,
            not_before=now - timedelta(days=1),
            not_after=now + timedelta(days=_VALID_DAYS),
        )
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.minimum_version = ssl.TLSVersion.TLSv1_2
        with certificate.private_key_and_cert_chain_pem.tempfile() as path:  # ssl reads files only
            server.load_cert_chain(path)
        client = ssl.create_default_context(cadata=ca.cert_pem.bytes().decode("ascii"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise _refusal(folder, reason) from error
    except ValueError as error:
        raise _refusal(folder, str(error)) from error
    # The server reaches itself at the address of a connection, which no certificate has to name.
    client.check_hostname = False
    return Identity(server, client, authority.absolute())


def _load_authority(certificate: Path, key: Path) -> trustme.CA:
    folder = certificate.parent
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    files = [path for path in (certificate, key) if os.path.lexists(path)]
    for path in (folder, *files):
        if reason := find_foreign_rights(path.stat()):
            raise ValueError(f"{path}: {reason}")
    if len(files) == 2:
        if os.name != "nt" and key.stat().st_mode & _OTHERS:
            raise ValueError(f"other users may read the key; run: chmod 600 {key}")
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    ca = trustme.CA(organization_name=_ORGANIZATION)
    _write(key, ca.private_key_pem.bytes(), 0o600)
    _write(certificate, ca.cert_pem.bytes(), 0o644)
    return ca


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace a file, which has its mode before it has its content."""
    with suppress(FileNotFoundError):
        path.unlink()
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    path.chmod(mode)


def _refusal(folder: Path, reason: str) -> InputError:
    return InputError(
        f"The sandbox cannot use this folder for its certificates: {reason}.",
        where=str(folder),
        fix="Name a folder that does not exist yet: the sandbox creates the certificates in it.",
    )
