"""Certificates and proxies that cannot be used are named, with their variable."""

import shutil
from pathlib import Path

import certifi
import httpx
import pytest

from engage_codegen.errors import ConfigError
from engage_codegen.sources.connection import TenantConnection
from engage_codegen.sources.interface import ApiKey
from tests.support.tenants import answering, envelope, holding
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

CRL = b"""-----BEGIN X509 CRL-----
MIGRMDgwCgYIKoZIzj0EAwIwDDEKMAgGA1UEAwwBYRcNMjYxMTI4MTcwNjQyWhcN
MjYxMjI4MTcwNjQyWjAKBggqhkjOPQQDAgNJADBGAiEA3d0gUuyTWP9C3h0U8RNu
TzskOvotF2CYXh8NUwFkjzQCIQCZObLkVNQf0zIh827ZJKw+RVYDZgP2P/S9ADaj
zAwrfQ==
-----END X509 CRL-----
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


def connect(base_url: str = "https://acme.voyado.com") -> httpx.AsyncClient:
    tenant = TenantConnection(base_url, key=ApiKey("k"), user_agent="a/1", api_version="v3")
    return tenant.open()


def prepare(folder: Path, name: str) -> str:
    """Return a path of a certain kind."""
    path = folder / name
    if name == "empty":
        path.write_bytes(b"")
    elif name == "text":
        path.write_bytes(b"no certificate\n")
    elif name == "binary":
        path.write_bytes(bytes(range(256)) * 10)
    elif name == "damaged":
        path.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    elif name == "list of revocations":
        path.write_bytes(CRL)
    elif name == "folder":
        path.mkdir()
    elif name == "folder of other files":
        path.mkdir()
        shutil.copy(certifi.where(), path / "ca.pem")
    elif name == "below a file":
        (folder / "file").write_bytes(b"")
        path = folder / "file" / "ca.pem"
    elif name == "several folders":
        path = Path(f"{folder / 'a'}:{folder / 'b'}")
    return str(path)


BROKEN = [
    *(("SSL_CERT_FILE", name) for name in (
        *("missing", "empty", "text", "binary", "damaged", "list of revocations", "folder"),
        *("below a file", "a\x1b[31m"),
    )),
    *(("SSL_CERT_DIR", name) for name in (
        *("missing", "empty", "folder", "folder of other files", "below a file"),
        *("several folders", "a\x1b[31m"),
    )),
    *(("SSLKEYLOGFILE", name) for name in ("folder", "below a file", "missing/log")),
]  # fmt: skip


@pytest.mark.parametrize(("variable", "name"), BROKEN)
def test_an_unusable_file_of_the_environment_is_named(
    variable: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = prepare(tmp_path, name)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        connect()
    error = caught.value
    assert error.where == f"environment variable {variable}"
    assert error.message.startswith(f"{variable} is '")
    if name == "list of revocations":
        assert error.message.endswith("contains no certificates")
    assert value.replace("\x1b", "\\u001b") in error.message
    assert error.message.isprintable()


@pytest.mark.parametrize("command", ["pull", "push", "check --live", "preflight package"])
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "NO_PROXY"])
def test_every_command_names_it(
    variable: str, command: str, project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(holding(envelope("visit"))) as tenant:
        monkeypatch.setenv("ENGAGE_API_KEY", "k")
        monkeypatch.setenv("ENGAGE_USER_AGENT", "a/1")
        options = ["--output", "package", "--base-url"]
        assert tool("pull", *options, tenant.base_url).code == 0
        assert tool("generate", *options[:2]).code == 0
    monkeypatch.setenv(variable, "[::1]" if variable == "NO_PROXY" else "/nonexistent/ca.pem")
    outcome = tool(*command.split(), *options, "https://acme.voyado.com")
    text = outcome.out + outcome.err
    assert outcome.code == 2
    assert f"environment variable {variable}" in text
    assert "internal error" not in text


PROXIES = {
    "HTTPS_PROXY": [
        *("http://proxy:port", "http://proxy:99999", "ftp://proxy", "socks4://proxy", "http://"),
        *("http://a..b:80", "http://[::1", "http://a\x1b[31m", "//", "http://:80", "a" * 5000),
        *("socks5://proxy:1080", "http://xn--a", "http://" + "a" * 64, "http://pro xy:80"),
    ],
    "http_proxy": ["http://proxy:port"],
    "ALL_PROXY": ["http://proxy:port", "://"],
    "NO_PROXY": ["[::1]", "localhost,[::1]:80", "fd00::/8", "host:port", "a,\u00e5\u0301\u2028"],
}


@pytest.mark.parametrize(
    ("variable", "value"), [(name, value) for name, values in PROXIES.items() for value in values]
)
def test_an_unusable_proxy_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        connect()
    assert caught.value.where == f"environment variable {variable}"
    assert caught.value.message.startswith(f"{variable} is '")
    assert caught.value.message.isprintable()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "value",
    [
        "::1",
        "localhost, ::1,127.0.0.1",
        "192.168.0.0/16",
        ".example.com",
        "*",
        "host:8080",
        "",
        ",",
    ],
)
def test_a_usable_list_of_exceptions_is_used(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", value)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:8080")
    connect()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSL_CERT_FILE", certifi.where()),
        ("SSL_CERT_DIR", "missing:."),
        ("SSLKEYLOGFILE", "log"),
        ("SSL_CERT_FILE", ""),
        ("REQUESTS_CA_BUNDLE", "/nonexistent"),
    ],
)
def test_usable_settings_are_used(
    variable: str, value: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(certifi.where(), project / "0a1b2c3d.0")
    monkeypatch.setenv(variable, value)
    connect()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "NO_PROXY"])
def test_a_tenant_on_the_loopback_needs_none_of_them(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "[/nonexistent")
    connect("http://127.0.0.1:9")


@pytest.mark.parametrize(
    "url",
    ["https://a..b", "https://.", "https://xn--a", "https://" + "a" * 64 + ".com"],
)
def test_a_host_that_cannot_be_looked_up_is_refused_first(url: str) -> None:
    with pytest.raises(ConfigError, match="invalid host"):
        connect(url)
