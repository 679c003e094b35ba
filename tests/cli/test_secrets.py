"""No output of the tool shows the API key, the password of a proxy, or credentials in a URL."""

import html
import json
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.runtime.raw_server import response, speaking
from tests.support.tenants import PATH, Answer, answering, envelope, holding
from tests.support.tool import Outcome, Tool, contents

pytestmark = pytest.mark.slow

KEY = 'the+secret/key"1&2'
PASSWORD = "p4ssw0rd-of-the-proxy"
FORMATS = ["text", "json", "sarif", "github"]

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: json.dumps(text)[1:-1],
    "hexadecimal": lambda text: "".join(f"\\u{ord(character):04X}" for character in text),
    "slash": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "twice": lambda text: json.dumps(json.dumps(text))[3:-3],
    "percent": lambda text: quote(text, safe=""),
    "HTML": html.escape,
    "HTML in JSON": lambda text: html.escape(text).replace("&", "\\u0026"),
}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", KEY)
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1.0")


def assert_hidden(outcome: Outcome, *secrets: str) -> None:
    text = outcome.out + outcome.err
    for secret in secrets:
        assert secret not in text
        for spell in SPELLINGS.values():
            assert spell(secret) not in text
    assert all(character.isprintable() or character in "\n\t" for character in text), text


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("status", ["400 Bad Request", "422 Unprocessable", "500 Error"])
def test_push_prints_the_reason_of_a_refusal_without_the_key(
    spelling: str, status: str, project: Path, tool: Tool
) -> None:
    (project / "visit.json").write_text(json.dumps(envelope("visit")))
    padding = "x" * 280
    message = f"{padding} the key {SPELLINGS[spelling](KEY)} \\u001b[31m\\u202e\\nis bad"
    body = f'{{"message": "{message}", "messageDetails": ["{SPELLINGS[spelling](KEY)}"]}}'.encode()
    with speaking(
        lambda request: iter([response(b"[]") if request[:3] == b"GET" else response(body, status)])
    ) as server:
        outcome = tool("push", "--schemas", ".", "--base-url", server.base_url, "--apply")
        debug = tool("push", "--schemas", ".", "--base-url", server.base_url, "--apply", "--debug")
    code = 5 if status.startswith("500") else 1
    assert (outcome.code, debug.code) == (code, code)
    assert f"{padding} the key ***" in outcome.err
    for shown in (outcome, debug):
        assert_hidden(shown, KEY)
        # A part of the key is not shown either, when the message is cut inside it.
        assert "secret" not in shown.err


@pytest.mark.parametrize("output_format", FORMATS)
@pytest.mark.parametrize(
    "answers",
    [
        {PATH: Answer(b"<p>", 200, "text/the+secret/key")},
        {PATH: Answer(json.dumps([{"id": "the+secret/key"}]).encode())},
        {PATH: Answer(b'[{"id": "visit"}, {"the+secret/key": 1, "the+secret/key": 2}]')},
        {
            **holding(envelope("visit")),
            f"{PATH}/visit": Answer(json.dumps(envelope("the+secret/key")).encode()),
        },
    ],
    ids=["content type", "listed id", "duplicate key", "other id"],
)
def test_a_tenant_that_echoes_the_key_does_not_show_it(
    answers: dict[str, Answer],
    output_format: str,
    project: Path,
    tool: Tool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "the+secret/key")
    with answering(answers) as tenant:
        arguments = ["--base-url", tenant.base_url, "--output-format", output_format, "--debug"]
        outcome = tool("pull", *arguments)
    assert outcome.code == 5
    assert_hidden(outcome, "the+secret/key")
    assert "***" in outcome.out


CREDENTIALS = [
    "https://user:hunter2@acme.voyado.com",
    "https://hunter2@acme.voyado.com/",
    "https://user:hun=hunter2@acme.voyado.com",
    "https://user:hunter2%40acme.voyado.com",
    "https://user:a/hunter2@acme.voyado.com",
    "http:user:hunter2@acme.voyado.com",
    "user:hunter2@acme.voyado.com",
    "https://acme.voyado.com?apikey=hunter2",
    "https://acme.voyado.com/#hunter2",
]


@pytest.mark.parametrize("url", CREDENTIALS)
@pytest.mark.parametrize(
    "command", ["pull", "push", "check --live", "diff snapshot live", "init -y"]
)
def test_credentials_in_a_base_url_are_shown_nowhere(
    command: str,
    url: str,
    package: Path,
    project: Path,
    tool: Tool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    arguments = ["--debug", "--base-url", url]
    if command != "init -y":
        arguments += ["-v"]
    if command == "pull":
        (project / "pyproject.toml").write_text('[tool.engage-codegen]\noutput = "package"\n')
    before = contents(project)
    outcome = tool(*command.split(), *arguments)
    assert outcome.code == 2
    assert_hidden(outcome, "hunter2")
    assert "hunter2" not in caplog.text
    assert contents(project) == before


@pytest.mark.parametrize("url", CREDENTIALS)
@pytest.mark.parametrize("name", ["", "staging=", "="])
@pytest.mark.parametrize("output_format", FORMATS)
def test_preflight_shows_no_credentials_of_a_tenant(
    output_format: str, name: str, url: str, package: Path, tool: Tool
) -> None:
    arguments = ["--tenant", f"{name}{url}", "--output-format", output_format, "--debug", "-v"]
    outcome = tool("preflight", package, *arguments)
    assert outcome.code == 2
    assert_hidden(outcome, "hunter2")


PROXIES = [
    f"http://user:{PASSWORD}@127.0.0.1:9",
    f"http://user:{PASSWORD}@proxy:port",
    f"http://user:{PASSWORD}@:80",
    f"http://user:{PASSWORD}/x@proxy:80",
    f"http://user:a:{PASSWORD}@proxy:80x",
    f"ftp://user:{PASSWORD}@proxy",
    f"socks4://user:{PASSWORD}@proxy",
    f"http://user:{PASSWORD}@a..b:80",
    f"http://{PASSWORD}@[::1",
    f"user:{PASSWORD}@proxy:99999",
    f"http://user:{PASSWORD}",
    f"http://user:{PASSWORD}%40proxy:80",
]


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
def test_the_password_of_a_proxy_is_not_shown(
    variable: str,
    proxy: str,
    project: Path,
    tool: Tool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(variable, proxy)
    outcome = tool("pull", "--base-url", "https://acme.voyado.com", "--debug")
    assert outcome.code in (2, 5)
    assert variable in outcome.out
    assert_hidden(outcome, PASSWORD)
    assert PASSWORD not in caplog.text


def test_a_proxy_that_repeats_its_password_does_not_show_it(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = f"HTTP/1.1 407 {PASSWORD} \x1b[31m refused\r\nContent-Length: 0\r\n\r\n".encode()
    with speaking(lambda request: iter([answer])) as proxy:
        url = proxy.base_url.replace("//", f"//user:{PASSWORD}@")
        monkeypatch.setenv("HTTPS_PROXY", url)
        outcome = tool("pull", "--base-url", "https://acme.voyado.com", "--debug")
    assert outcome.code == 5
    assert proxy.requests[0].startswith(b"CONNECT acme.voyado.com:443 ")
    assert "407" in outcome.out
    assert "HTTPS_PROXY" in outcome.out
    assert_hidden(outcome, PASSWORD, KEY)


def test_a_successful_pull_shows_and_stores_no_secret(
    project: Path, tool: Tool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with answering(holding(envelope("visit"))) as tenant:
        outcome = tool("pull", "--base-url", tenant.base_url, "-v", "--debug")
    assert outcome.code == 0
    assert_hidden(outcome, KEY)
    assert KEY not in caplog.text
    assert not any(KEY.encode() in (data or b"") for data in contents(project).values())


def test_a_bug_of_the_tool_does_not_show_the_key(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engage_codegen import pipeline

    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError(f"header {KEY.replace('/', chr(92) + '/')} \x1b[31m")

    monkeypatch.setattr(pipeline, "pull", fail)
    for arguments in ([], ["--debug"]):
        outcome = tool("pull", "--base-url", "http://127.0.0.1:9", *arguments)
        assert "internal error: ZeroDivisionError: header ***" in outcome.err
        assert_hidden(outcome, KEY)
