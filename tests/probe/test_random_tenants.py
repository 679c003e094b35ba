"""A probe of a tenant with random options reads every one of them, and a replay is the same."""

from pathlib import Path

import pytest

from engage_codegen.cli.replay import replay_platform
from engage_codegen.sandbox.server import Sandbox
from engage_codegen.verbs.probe.asking.recorder import MAX_REQUESTS
from engage_codegen.verbs.probe.platform_file import (
    describe_result,
    read_platform,
    write_platform,
)
from tests.support.probing import CONTACT, count_leftovers, draw_values, probe, tenant_with
from tests.support.tiers import draw

NEVER_ASKED = {
    *("automation-trigger", "deleted-contact-interactions", "max-changed-contacts", "rate-limit"),
}
WITHOUT_LINKS = {"next-rel", "other-links", "capitalized-token"}
WITHOUT_THE_FEATURE = {"contact-errors", "custom-key-enabled", "error-body", "feature-enabled"}


def list_expected(values: dict[str, object]) -> dict[str, object]:
    """Return what a probe can know of a tenant."""
    hidden = set(NEVER_ASKED)
    if not values["feature-enabled"]:
        hidden = values.keys() - WITHOUT_THE_FEATURE
    if values["link-format"] == "none":
        hidden |= WITHOUT_LINKS
        hidden |= {"repeated-items"} if values["repeated-items"] != "same-page" else set()
    if values["link-format"] == "token":
        hidden |= {"next-rel", "other-links"}
    return {name: value for name, value in values.items() if name not in hidden}


@pytest.mark.parametrize("number", draw(range(200), 2))
def test_every_option_of_a_random_tenant_is_observed(number: int, tmp_path: Path) -> None:
    values = draw_values(number)
    with tenant_with(values) as sandbox:
        result = probe(sandbox)
        assert count_leftovers(sandbox) == 0
    assert result.deviations == ()
    assert result.requests <= MAX_REQUESTS
    platform = describe_result(result, "127.0.0.1", "v3")
    assert platform.options == list_expected(values)
    text = write_platform(platform)
    assert CONTACT not in text
    assert "sandbox-key" not in text
    (tmp_path / "engage-platform.toml").write_text(text, "utf-8")
    written = read_platform(tmp_path / "engage-platform.toml")
    assert write_platform(written) == text
    assert replay_platform(written) == []


def test_a_replay_names_the_answers_that_differ(tenant_to_probe: Sandbox, tmp_path: Path) -> None:
    platform = describe_result(probe(tenant_to_probe), "127.0.0.1", "v3")
    text = write_platform(platform).replace("create-status = 200", "create-status = 201")
    path = tmp_path / "engage-platform.toml"
    path.write_text(text, "utf-8")
    differences = replay_platform(read_platform(path))
    assert {(item.recorded, item.replayed) for item in differences} == {("200", "201")}
    assert "plain" in {item.step for item in differences}
