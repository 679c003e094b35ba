"""HTTPS with a certificate authority of the sandbox's own, also from another network namespace."""

import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from engage_codegen.errors import InputError
from engage_codegen.sandbox.server import connections, running
from engage_codegen.sandbox.server.access import describe_reach
from tests.sandbox.helpers import CONTACT, LIMIT_SECONDS
from tests.support.paths import ROOT
from tests.support.tool import Tool

HEALTH = "/_sandbox/health"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "certificates"


def trust(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "ca.pem")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def ask(url: str, context: ssl.SSLContext, name: str = "") -> int:
    """Return the status of a request, whose host can have another name than its address."""
    extensions = {"sni_hostname": name} if name else {}
    headers = {"Host": name} if name else {}
    with httpx.Client(verify=context, timeout=LIMIT_SECONDS, trust_env=False) as web:
        return web.get(url, headers=headers, extensions=extensions).status_code


def test_clients_that_trust_the_authority_can_connect_under_every_name(folder: Path) -> None:
    with running(tls=folder, allowed_hosts=["engage.test"]) as sandbox:
        assert sandbox.authority == folder / "ca.pem"
        assert sandbox.base_url.startswith("https://127.0.0.1:")
        address, context = sandbox.base_url + HEALTH, trust(folder)
        assert ask(address, context) == 200
        for name in ("localhost", "engage.test"):
            assert ask(address, context, name) == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(address, context, "other.test")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(address, ssl.create_default_context())


def test_the_authority_survives_a_restart_and_its_key_is_private(folder: Path) -> None:
    with running(tls=folder):
        context = trust(folder)
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "ca.pem": 0o644,
        "ca-key.pem": 0o600,
    }
    with running(tls=folder) as sandbox:
        assert ask(sandbox.base_url + HEALTH, context) == 200


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(
    ("name", "bits", "reason"),
    [
        ("ca-key.pem", 0o640, "other users may read the key"),
        ("ca-key.pem", 0o604, "other users may read the key"),
        ("ca.pem", 0o664, "other users may write"),
        (".", 0o777, "other users may write"),
    ],
)
def test_an_authority_that_others_could_use_is_refused(
    folder: Path, name: str, bits: int, reason: str
) -> None:
    with running(tls=folder):
        pass
    (folder / name).chmod(bits)
    with pytest.raises(InputError, match=reason), running(tls=folder):
        pass


@pytest.mark.parametrize("name", ["ca.pem", "ca-key.pem"])
def test_a_file_that_is_no_certificate_is_refused(folder: Path, name: str) -> None:
    with running(tls=folder):
        pass
    (folder / name).write_text("nothing")
    with pytest.raises(InputError, match="certificates"), running(tls=folder):
        pass


@pytest.mark.parametrize("name", ["*", "*.test", "https://a.test", "a.test:80", "", "a b"])
def test_a_name_that_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="not a host name"), running(allowed_hosts=[name]):
        pass


def test_the_form_of_the_pages_also_works_with_https(folder: Path) -> None:
    with running(tls=folder) as sandbox:
        answer = httpx.post(
            f"{sandbox.base_url}/_sandbox/ui/schemas/favourite",
            data={"contact": CONTACT, "payload": '{"productSku": "1"}'},
            verify=trust(folder),
            timeout=LIMIT_SECONDS,
        )
    assert "200 OK" in answer.text


def test_a_handshake_that_does_not_end_is_given_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.2)
    with running(tls=folder) as sandbox:
        url = httpx.URL(sandbox.base_url)
        assert url.port is not None
        address = (url.host, url.port)
        with socket.create_connection(address, timeout=LIMIT_SECONDS) as connection:
            assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("host", "reach"),
    [
        ("127.0.0.1", None),
        ("127.8.9.10", None),
        ("::1", None),
        ("localhost", None),
        ("0.0.0.0", "every machine that can reach this one, over any network"),
        ("::", "every machine that can reach this one, over any network"),
        ("192.0.2.7", "every machine that can reach 192.0.2.7"),
        ("no host", None),
    ],
)
def test_who_can_reach_an_address(host: str, reach: str | None) -> None:
    assert describe_reach(host) == reach


class Namespaces:
    """Two network namespaces with a link between them, like two containers."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.addresses = ["10.203.47.1", "10.203.47.2"]

    def command(self, number: int, *command: object) -> list[str]:
        return ["ip", "netns", "exec", self.names[number], *map(str, command)]


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"network namespaces are not possible here: {done.stderr.strip()}")


@pytest.fixture
def namespaces() -> Generator[Namespaces]:
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("network namespaces need the commands ip and unshare")
    pair = Namespaces([f"engage-{side}-{os.getpid()}" for side in ("a", "b")])
    links = [f"eg{side}{os.getpid()}" for side in ("a", "b")]
    try:
        for name in pair.names:
            run("ip", "netns", "add", name)
        run("ip", "link", "add", links[0], "type", "veth", "peer", "name", links[1])
        for name, link, address in zip(pair.names, links, pair.addresses, strict=True):
            run("ip", "link", "set", link, "netns", name)
            run("ip", "-n", name, "address", "add", f"{address}/30", "dev", link)
            run("ip", "-n", name, "link", "set", link, "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
        yield pair
    finally:
        for name in pair.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "delete", links[0]], capture_output=True, check=False)


@contextmanager
def running_in(
    namespaces: Namespaces, folder: Path, *options: str
) -> Generator[tuple[dict[str, str], Path]]:
    """Run the command in the first namespace; return the variables and the file of its stderr."""
    command = namespaces.command(
        0, sys.executable, "-m", "engage_codegen", "sandbox", "--port", "0", *options
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "codegen")}
    with (
        open(folder / "stderr", "w+", encoding="utf-8") as errors,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            variables: dict[str, str] = {}
            while "SSL_CERT_FILE" not in variables:
                line = process.stdout.readline().removeprefix("export ")
                assert line, (folder / "stderr").read_text("utf-8")
                name, _, variables[name] = line.strip().partition("=")
            yield variables, folder / "stderr"
        finally:
            process.terminate()
            process.wait()


SEND = """
import os
import urllib.error, urllib.request
from engage_interactions import EngageClient
from engage_interactions.favourite import Favourite, send_favourite

with EngageClient.from_env() as client:
    print(send_favourite(client, "%s", Favourite(product_sku="1")).id)
url = os.environ["ENGAGE_BASE_URL"]
print(urllib.request.urlopen(url + "/_sandbox/health").read().decode())
address = url.replace("engage.test", "%s")
try:
    urllib.request.urlopen(address + "/_sandbox/health")
except urllib.error.URLError as error:
    print(error.reason)
"""


def test_another_container_reaches_the_sandbox_with_the_printed_variables(
    namespaces: Namespaces, tmp_path: Path
) -> None:
    hosts, options = tmp_path / "hosts", ["--host", "0.0.0.0", "--allow-host", "engage.test"]
    hosts.write_text(f"{namespaces.addresses[0]} engage.test\n")
    folder = tmp_path / "certificates"
    with running_in(namespaces, tmp_path, *options, "--tls", str(folder)) as (variables, errors):
        assert variables["SSL_CERT_FILE"] == str(folder / "ca.pem")
        assert variables["ENGAGE_BASE_URL"].startswith("https://engage.test:")
        mount = f'mount --bind {hosts} /etc/hosts && exec {sys.executable} -c "$1"'
        script = SEND % (CONTACT, namespaces.addresses[0])
        command = namespaces.command(1, "unshare", "-m", "sh", "-c", mount, "sh", script)
        environment = os.environ | variables | {"PYTHONPATH": str(ROOT / "generated")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        warning = errors.read_text("utf-8")
    assert "can be used by every machine that can reach this one" in warning
    assert done.returncode == 0, done.stderr
    interaction_id, health, refusal = done.stdout.splitlines()
    assert len(interaction_id) == 36
    assert health == '{"status":"ok"}'
    assert "certificate is not valid for" in refusal


def test_the_command_refuses_a_name_with_a_scheme(tool: Tool) -> None:
    outcome = tool("sandbox", "--port", "0", "--allow-host", "http://x")
    assert outcome.code == 2
    assert "This is not a host name." in outcome.err
