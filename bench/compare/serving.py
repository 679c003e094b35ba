"""The local server that clients talk to, as a process of its own."""

import json
import ssl
import subprocess
import sys
import urllib.request
from bisect import bisect_left
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import inputs
from .environments import python
from .measure import Broken, Command, run, surroundings

SCRIPTS = Path(__file__).parent / "inside"


@dataclass(frozen=True, slots=True)
class Server:
    """`environment` lets a client of httpx's trust it."""

    base_url: str
    environment: dict[str, str]

    def arrivals(self) -> list[float]:
        """When each request came so far, in seconds."""
        trust = self.environment.get("SSL_CERT_FILE")
        context = ssl.create_default_context(cafile=trust) if trust else None
        url = f"{self.base_url}/arrivals"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:  # noqa: S310
            times: list[float] = json.loads(answer.read())
        return times


@contextmanager
def serving(
    *, delay: float = 0.0, schemas: Path | None = None, is_tls: bool = True
) -> Generator[Server]:
    options: list[str | Path] = ["--delay", str(delay)]
    environment: dict[str, str] = {}
    if schemas is not None:
        options += ["--schemas", schemas]
    if is_tls:
        options += ["--certificate", certificate()]
        environment["SSL_CERT_FILE"] = str(certificate() / "trusted.pem")
    process = subprocess.Popen(
        [sys.executable, SCRIPTS / "server.py", *options],
        env=surroundings({}),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                raise Broken("the local server did not start")
            scheme = "https" if is_tls else "http"
            yield Server(f"{scheme}://127.0.0.1:{port}", environment)
        finally:
            process.kill()


@cache
def certificate() -> Path:
    """A folder with a certificate for the loopback, made for this run, and with everything that a
    client trusts: that one beside the usual ones, which is what making a context costs."""
    folder = inputs.fresh("certificate")
    names = ("--identities", "127.0.0.1", "localhost")
    maker = python("certificate")
    run(Command([maker, "-m", "trustme", "--quiet", "--dir", folder, *names]))
    usual = "import certifi; print(certifi.contents())"
    done = subprocess.run(
        [python("httpx"), "-c", usual], capture_output=True, text=True, check=True
    )
    own = (folder / "client.pem").read_text("utf-8")
    (folder / "trusted.pem").write_text(f"{done.stdout}\n{own}", "utf-8")
    return folder


def most_in_a_second(times: Sequence[float]) -> int:
    """In any second, wherever it begins."""
    ordered = sorted(times)
    return max(bisect_left(ordered, it + 1.0) - at for at, it in enumerate(ordered))
