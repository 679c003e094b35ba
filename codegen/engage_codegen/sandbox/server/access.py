"""Where a sandbox listens, under which names, and who can reach it."""

import ipaddress
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engage_codegen.errors import InputError
from engage_codegen.sandbox.control.cross_site import normalize_host

if TYPE_CHECKING:
    from engage_codegen.sandbox.server.certificates import Identity

_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


@dataclass(frozen=True, slots=True)
class Access:
    """The address, the names and, for HTTPS, the TLS settings of a sandbox.

    `allowed_hosts` are the names that requests can use beside `localhost` and `host`.
    """

    host: str
    port: int
    allowed_hosts: tuple[str, ...] = ()
    identity: "Identity | None" = None

    @property
    def names(self) -> list[str]:
        """The names and addresses of the sandbox, except those of the loopback."""
        names = [normalize_host(name) for name in (self.host, *self.allowed_hosts)]
        return [name for name in names if name and not _is_wildcard(name)]

    @property
    def authority(self) -> Path | None:
        """The file with the certificate that clients must trust."""
        return self.identity.authority if self.identity else None

    def listen(self) -> socket.socket:
        """Listen on the address. Raises `InputError` if that is impossible."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # Unless the protocol is named, asyncio leaves Nagle's algorithm on: 40 ms per response.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # on Windows this option lets two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen()
        except (OSError, OverflowError) as error:
            listener.close()
            raise InputError(
                f"The sandbox cannot listen on this address. {error}",
                where=f"{self.host}:{self.port}",
                fix="Choose another port with --port, or pass --port 0 to use a free one.",
            ) from error
        return listener

    def build_url(self, listener: socket.socket) -> str:
        """Build the base URL: with the address, or where it is a wildcard, the first own name."""
        address, port, *_ = listener.getsockname()
        if _is_wildcard(address):
            loopback = "::1" if listener.family == socket.AF_INET6 else "127.0.0.1"
            address = next(iter(self.names), loopback)
        host = f"[{address}]" if ":" in address else address
        return f"{'https' if self.identity else 'http'}://{host}:{port}"


def prepare_access(
    host: str, port: int, allowed_hosts: Sequence[str] = (), tls: Path | None = None
) -> Access:
    """Check the names, and load or create the certificate authority in the folder `tls`.

    Raises:
        InputError: A name is not a host name, or the folder cannot be used.
    """
    for name in allowed_hosts:
        if not _HOST_NAME.fullmatch(normalize_host(name)):
            raise InputError(
                "This is not a host name.",
                where=name,
                fix="Name a host without scheme, port and wildcards, such as engage.internal.",
            )
    access = Access(host, port, tuple(allowed_hosts))
    if tls is None:
        return access
    from engage_codegen.sandbox.server.certificates import load_identity  # slow to import

    return replace(access, identity=load_identity(tls, access.names))


def describe_reach(host: str) -> str | None:
    """Say who can reach a sandbox at this address, or return None for the loopback."""
    try:
        address = socket.getaddrinfo(host, None)[0][4][0]
        if ipaddress.ip_address(address).is_loopback:
            return None
    except (OSError, ValueError):
        return None  # `Access.listen` reports it
    if _is_wildcard(str(address)):
        return "every machine that can reach this one, over any network"
    return f"every machine that can reach {address}"


def _is_wildcard(host: str) -> bool:
    return host in ("0.0.0.0", "::")  # noqa: S104 - compared, not listened on  # nosec B104
