"""Whoever holds a key decides where it goes; a checked-in file cannot."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage_codegen.config import load
from engage_codegen.config.tenant import CI_VARIABLES, find_key_refusal, is_ci, variable_of

FOREIGN = [
    "https://evil.example",
    "https://voyado.com.evil.example",
    "https://evilvoyado.com",
    "https://voyado.com",
    "https://acme.voyado.com@evil.example",
    "https://acme.voyado.com.",
    "http://acme.voyado.com",
    "https://127.0.0.1.evil.example",
    "https://localhost.evil.example",
    "https://",
    "https://[::1",
]
VENDOR = ["https://acme.voyado.com", "https://ACME.Voyado.com", "https://a.b.voyado.com:8443/"]
LOOPBACK = ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:8000"]
CI = {"CI": "true"}


def refusal(
    folder: Path, url: str, environ: Mapping[str, str], *, flag: str = "", target: str = ""
) -> str:
    """Return why the key of a project whose file names `url` is not sent; "" if it is sent."""
    table = f"tool.engage-codegen.targets.{target}" if target else "tool.engage-codegen"
    (folder / "pyproject.toml").write_text(f"[{table}]\nbase-url = '{url}'\n")
    flags = {"base-url": flag} if flag else {}
    (config,) = load(file=None, environ=environ, flags=flags, folder=folder)
    own = variable_of("ENGAGE_API_KEY", target)
    key = own if own in environ else "ENGAGE_API_KEY"
    found = find_key_refusal(config.base_url, config.url_origin, config.name, key, environ)
    return f"{found.message}. {found.fix}" if found else ""


@pytest.mark.parametrize("url", FOREIGN)
def test_a_file_never_sends_the_key_to_a_host_that_is_not_the_vendors(
    tmp_path: Path, url: str
) -> None:
    for environ in ({}, CI):
        assert "only a checked-in file names it" in refusal(tmp_path, url, environ)
        assert "set ENGAGE_BASE_URL to" in refusal(tmp_path, url, environ)


@pytest.mark.parametrize("url", VENDOR)
def test_a_file_names_a_tenant_of_the_vendor_except_in_ci(tmp_path: Path, url: str) -> None:
    assert refusal(tmp_path, url, {}) == ""
    for name in CI_VARIABLES:
        assert refusal(tmp_path, url, {name: "1"}).startswith("in CI, the key is not sent to")


@pytest.mark.parametrize("url", LOOPBACK)
def test_loopback_needs_no_ceremony(tmp_path: Path, url: str) -> None:
    assert refusal(tmp_path, url, {}) == refusal(tmp_path, url, CI) == ""
    assert refusal(tmp_path, url, CI, target="staging") == ""


@pytest.mark.parametrize("url", [*FOREIGN[:1], *VENDOR])
def test_the_environment_and_the_command_line_name_any_tenant(tmp_path: Path, url: str) -> None:
    for environ in ({}, CI):
        named = {**environ, "ENGAGE_BASE_URL": "https://proxy.example"}
        assert refusal(tmp_path, url, named) == ""
        assert refusal(tmp_path, url, environ, flag="https://proxy.example") == ""


STAGING = {"ENGAGE_BASE_URL_STAGING": "https://s.voyado.com", "ENGAGE_API_KEY_STAGING": "s"}
LIVE = {"ENGAGE_BASE_URL_LIVE": "https://l.voyado.com", "ENGAGE_API_KEY_LIVE": "l"}
SHARED = {"ENGAGE_BASE_URL": "https://x.voyado.com"}


@pytest.mark.parametrize(
    ("environ", "target", "is_refused"),
    [
        (STAGING | LIVE, "staging", False),
        (STAGING | LIVE, "live", False),
        (STAGING | LIVE, "other", True),
        (SHARED | {"ENGAGE_API_KEY": "k"}, "staging", False),
        (SHARED | {"ENGAGE_API_KEY": "k"}, "renamed", False),
        (SHARED | {"ENGAGE_API_KEY_LIVE": "l"}, "live", True),
        ({"ENGAGE_BASE_URL_LIVE": "https://l.voyado.com", "ENGAGE_API_KEY": "k"}, "live", True),
    ],
)
def test_in_ci_a_key_goes_only_to_the_url_with_its_name(
    tmp_path: Path, environ: Mapping[str, str], target: str, is_refused: bool
) -> None:
    url = "https://chosen-by-the-branch.voyado.com"
    assert bool(refusal(tmp_path, url, {**environ, **CI}, target=target)) == is_refused


def test_a_target_has_a_url_of_its_own_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.engage-codegen]\nbase-url = 'https://file.voyado.com'\n"
        "[tool.engage-codegen.targets.brand-a]\noutput = 'a'\n"
        "[tool.engage-codegen.targets.brand-b]\noutput = 'b'\n"
    )
    environ = {"ENGAGE_BASE_URL_BRAND_A": "https://a.voyado.com/"}
    first, second = load(file=None, environ=environ, flags={}, folder=tmp_path)
    assert (first.base_url, first.shares_tenant) == ("https://a.voyado.com", False)
    assert first.url_origin.contradicts_file(first.base_url)
    assert second.url_origin.kind == "file"
    both = environ | {"ENGAGE_BASE_URL": "https://x.voyado.com"}
    first, second = load(file=None, environ=both, flags={}, folder=tmp_path)
    assert (first.base_url, second.base_url) == ("https://a.voyado.com", "https://x.voyado.com")
    assert first.shares_tenant, "the key of brand-b must not go to the URL for all"
    both["ENGAGE_BASE_URL_BRAND_B"] = "https://b.voyado.com"
    first, second = load(file=None, environ=both, flags={}, folder=tmp_path)
    assert not first.shares_tenant
    flags = {"base-url": "https://flag.voyado.com"}
    first, second = load(file=None, environ=both, flags=flags, folder=tmp_path)
    assert first.base_url == second.base_url == "https://flag.voyado.com"
    assert first.shares_tenant


@given(host=st.from_regex(r"[a-z0-9-]{1,8}(\.[a-z0-9-]{1,8}){0,3}", fullmatch=True))
def test_only_names_below_the_domain_are_the_vendors(host: str) -> None:
    from engage_codegen.config.tenant import is_loopback, is_vendor

    url = f"https://{host}"
    assert is_vendor(url) == host.endswith(".voyado.com")
    assert is_vendor(f"https://{host}.voyado.com")
    assert not is_vendor(f"https://{host}voyado.com.{host}")
    assert is_loopback(url) == (host in ("localhost", "127.0.0.1"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("1", True), ("yes", True), ("", False), ("0", False), ("False", False)],
)
def test_ci_is_what_the_variable_says(value: str, expected: bool) -> None:
    assert is_ci({"CI": value}) == expected
    assert not is_ci({})
