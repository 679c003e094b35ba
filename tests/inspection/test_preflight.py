"""`preflight`: whether exactly this package can be deployed to these tenants."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from engage_codegen.errors import InputError
from engage_codegen.inspection.packages import find_packages
from tests.inspection.conftest import OURS, read_verdicts, write_wheel
from tests.support.tenants import Answer, answering, envelope, holding
from tests.support.tool import Tool

pytestmark = pytest.mark.slow

STRING = {"type": "string"}
LESS = envelope("visit", {"name": STRING})
MORE = envelope("visit", {"name": STRING, "store": STRING, "x": STRING})


@pytest.mark.parametrize(
    ("theirs", "verdict", "code"),
    [
        ([OURS], "SAFE", 0),
        ([MORE], "SAFE", 0),
        ([OURS, envelope("other")], "SAFE", 0),
        ([LESS], "BREAKS", 4),
        ([], "BREAKS", 4),
        ([envelope("visit", {"name": {"$ref": "#"}})], "UNKNOWN", 1),
    ],
)
def test_the_verdict_compares_the_package_with_the_tenant(
    shipped: Path, tool: Tool, theirs: list[dict[str, object]], verdict: str, code: int
) -> None:
    with answering(holding(*theirs)) as tenant:
        for location in (shipped, shipped.parents[1], write_wheel(shipped)):
            outcome = tool(
                "preflight", location, "--tenant", tenant.base_url, "--output-format", "json"
            )
            assert (outcome.code, read_verdicts(outcome)) == (code, [verdict])


@pytest.mark.parametrize("root", ["src", "anywhere"])
def test_a_package_has_the_name_of_its_import_however_it_is_given(
    shipped: Path, tmp_path: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / root / "acme/visits"
    package.parent.mkdir(parents=True)
    shipped.rename(package)
    if root != "src":
        (package.parent / "__init__.py").touch()
    monkeypatch.chdir(package)
    locations = (package, package.parents[1], tmp_path, ".", "..", write_wheel(package))
    assert {find_packages(str(location))[0].name for location in locations} == {"acme.visits"}


def test_every_tenant_is_a_column_and_gets_its_own_key(
    shipped: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_STAGING", "one")
    monkeypatch.setenv("ENGAGE_API_KEY_LIVE", "two")
    with answering(holding(LESS)) as staging, answering(holding(OURS)) as live:
        tenants = (f"--tenant=staging={staging.base_url}", f"--tenant=live={live.base_url}")
        outcome = tool("preflight", write_wheel(shipped), *tenants)
        assert {headers["apikey"] for _, headers in staging.requests} == {"one"}
        assert {headers["apikey"] for _, headers in live.requests} == {"two"}
    assert outcome.code == 4
    head, row, finding, *_ = outcome.out.splitlines()
    assert head.split("\t") == ["package", "schema", "staging", "live"]
    assert row.split("\t") == ["acme.visits", "visit", "BREAKS", "SAFE"]
    assert "staging: visit.store: " in finding


def test_an_outage_is_unknown_and_does_not_hide_the_other_tenants(
    shipped: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_A", "k")
    monkeypatch.setenv("ENGAGE_API_KEY_B", "k")
    down = {"/api/v3/interactionschemas": Answer(b"", 500)}
    with answering(down) as first, answering(holding(OURS)) as second:
        both = (f"--tenant=a={first.base_url}", f"--tenant=b={second.base_url}")
        outcome = tool("preflight", shipped, *both, "--output-format", "json")
        assert (outcome.code, read_verdicts(outcome)) == (5, ["UNKNOWN", "SAFE"])
        outcome = tool("preflight", shipped, f"--tenant={first.base_url}")
        assert outcome.code == 5
        assert "the tenant answered with status 500" in outcome.out


def test_a_checkout_with_crlf_is_safe(shipped: Path, tool: Tool) -> None:
    for path in [*shipped.rglob("*.py"), *shipped.rglob("*.json")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with answering(holding(OURS)) as tenant:
        assert tool("preflight", shipped, "--tenant", tenant.base_url).code == 0


def test_an_installed_package_is_read_and_not_imported(shipped: Path) -> None:
    (shipped.parent / "__init__.py").write_text("raise SystemExit('imported')")
    (shipped / "__init__.py").write_text("raise SystemExit('imported')")
    info = shipped.parents[1] / "acme_app-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-app\nVersion: 1\n")
    files = [file for file in shipped.rglob("*") if file.is_file()]
    record = "".join(f"{file.relative_to(info.parent).as_posix()},,\n" for file in files)
    (info / "RECORD").write_text(record)
    code = (
        "import sys; from engage_codegen.inspection.packages import find_packages; "
        "print([(p.name, list(p.schemas)) for p in find_packages(sys.argv[1])])"
    )
    for name in ("acme.visits", "acme-app"):
        done = subprocess.run(
            [sys.executable, "-c", code, name],
            env=os.environ | {"PYTHONPATH": str(info.parent)},
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout == "[('acme.visits', ['visit'])]\n"


@pytest.mark.parametrize(
    "location", ["nothing.whl", "nothing", "no such thing", "empty", "text.whl"]
)
def test_a_location_without_a_package_is_an_input_error(project: Path, location: str) -> None:
    (project / "empty").mkdir()
    (project / "text.whl").write_text("no zip")
    with pytest.raises(InputError):
        find_packages(location)


def test_a_wheel_without_the_snapshot_hints_at_package_data(shipped: Path) -> None:
    for file in (shipped / "_snapshot").iterdir():
        file.unlink()
    with pytest.raises(InputError) as caught:
        find_packages(str(write_wheel(shipped)))
    assert "package-data" in caught.value.fix


def test_a_missing_or_repeated_tenant_is_a_usage_error(shipped: Path, tool: Tool) -> None:
    outcome = tool("preflight", shipped)
    assert (outcome.code, "--tenant" in outcome.err) == (2, True)
    for tenants in (["=http://127.0.0.1:9"], ["a=http://127.0.0.1:9", "a=http://127.0.0.1:10"]):
        options = [f"--tenant={tenant}" for tenant in tenants]
        assert tool("preflight", shipped, *options).code == 2
    assert tool("preflight", "", "--tenant", "http://127.0.0.1:9").code == 2


def test_a_package_that_was_never_generated_is_unknown(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
    with answering(holding(OURS)) as tenant:
        assert tool("pull", "--base-url", tenant.base_url, "--output", "package").code == 0
        outcome = tool("preflight", "package", "--tenant", tenant.base_url)
    assert outcome.code == 1
    assert "it was pulled, but never generated" in outcome.out


def test_a_missing_key_does_not_hide_the_other_tenants(
    shipped: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_LIVE", "k")
    with answering(holding(LESS)) as live, answering({}) as staging:
        both = (f"--tenant=live={live.base_url}", f"--tenant=staging={staging.base_url}")
        outcome = tool("preflight", shipped, *both)
    assert outcome.code == 2
    assert "ENGAGE_API_KEY_STAGING" in outcome.out
    assert "BREAKS\tUNKNOWN" in outcome.out


def test_targets_are_asked_with_their_own_settings(
    shipped: Path, tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ENGAGE_USER_AGENT", "ENGAGE_API_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENGAGE_API_KEY_B", "k")
    answers = {path.replace("/v3/", "/v2/"): item for path, item in holding(OURS).items()}
    with answering(answers) as tenant:
        (project / "pyproject.toml").write_text(
            f'[tool.engage-codegen.targets.b]\nbase-url = "{tenant.base_url}"\n'
            'api-version = "v2"\nuser-agent = "Brand/2"\n'
        )
        assert tool("preflight", shipped).code == 0
        assert {headers["user-agent"] for _, headers in tenant.requests} == {"Brand/2"}


def test_text_of_a_tenant_cannot_begin_a_line_of_output(shipped: Path, tool: Tool) -> None:
    name = "x\n::error file=src/a.py::forged\nAll checks passed"
    theirs = envelope("visit", {"name": {"type": "string"}, name: {"type": "string"}})
    theirs["jsonSchema"]["required"] = [name]  # type: ignore[index]
    with answering(holding(theirs)) as tenant:
        for output_format in ("text", "github"):
            outcome = tool(
                "preflight",
                write_wheel(shipped),
                "--tenant",
                tenant.base_url,
                "--output-format",
                output_format,
            )
            assert outcome.code == 4
            assert not [line for line in outcome.out.splitlines() if "forged" in line[:20]]
            assert "\nAll checks" not in outcome.out


def test_a_damaged_wheel_is_an_input_error(shipped: Path) -> None:
    path = write_wheel(shipped)
    data = bytearray(path.read_bytes())
    with ZipFile(path, "w", 8) as file:
        file.writestr("acme/_snapshot/codegen.lock.json", "x" * 5_000)
    data = bytearray(path.read_bytes())
    data[80:90] = b"\xff" * 10
    path.write_bytes(data)
    with pytest.raises(InputError):
        find_packages(str(path))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("staging", "the tenant 'staging' has no URL. Pass --tenant staging=https://"),
        ("=https://acme.voyado.com", "has no name. Pass --tenant NAME=https://"),
    ],
)
def test_a_tenant_without_a_url_or_a_name_says_which(
    argument: str, message: str, shipped: Path, tool: Tool
) -> None:
    outcome = tool("preflight", shipped, "--tenant", argument)
    assert (outcome.code, message in outcome.err) == (2, True), outcome.err


def test_a_missing_key_is_one_finding_and_not_one_for_each_schema(
    shipped: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENGAGE_API_KEY", raising=False)
    outcome = tool("preflight", shipped, "--tenant", "live=https://acme.voyado.com")
    assert outcome.code == 2
    assert "\tUNKNOWN" in outcome.out
    assert outcome.out.count(": error EG") == 1
    assert "EG302" not in outcome.out
