"""The file of a probe has neither the key nor data of a contact, whatever a tenant answers."""

from typing import Any

import pytest

from engage_codegen.verbs.probe.asking.timer import Timer
from engage_codegen.verbs.probe.execution import run_probe
from engage_codegen.verbs.probe.platform_file import describe_result, write_platform
from tests.support.odd_tenant import CONTACT, OddTenant, odd_tenant
from tests.support.probing import open_session

SECRETS = {
    "name": "Zoe",
    "full name": "Zoe Test",
    "e-mail": "zoe@example.org",
    "phone": "+46 70 174 06 05",
    "digits": "46701740605",
    "key": "a-secret-key",
    "host": "internal.example.net",
    "guid": "0f0c1a52-7d5e-4b0e-9a64-1c2f5b8e0d99",
}


class TalkativeTenant(OddTenant):
    """A tenant whose answers say everything that it knows about a contact."""

    def respond(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        answer: tuple[int, Any] = super().respond(method, path, query, body)
        status, value = answer
        extra: dict[str, Any] = {
            **SECRETS,
            "number": 46701740605,
            "link": f"https://{SECRETS['host']}/contacts",
            "zoe@example.org": True,
        }
        if status >= 400:
            texts = ("e-mail", "digits", "key", "host", "guid")
            message = " ".join(SECRETS[name] for name in texts)
            value["message"] = message.replace("internal", "https://internal")
        elif isinstance(value, dict):
            value["contact"] = extra
        return answer


@pytest.mark.parametrize("is_odd", [False, True])
def test_nothing_about_a_contact_is_written(is_odd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.odd_tenant.OddTenant", TalkativeTenant)
    oddity = "list-order" if is_odd else ""
    with odd_tenant(oddity) as tenant, open_session(tenant.base_url, SECRETS["key"]) as session:
        platform = describe_result(run_probe(session, Timer(), CONTACT), "127.0.0.1", "v3")
    text = write_platform(platform)
    for name, secret in SECRETS.items():
        assert secret not in text, name
    assert CONTACT not in text
    assert "46701740605" not in text
    assert platform.options["create-status"] == 200
