"""Whether exactly this package can be deployed: folders, wheels, what is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import jsonschema_rs
import pytest

from engage_codegen.errors import InputError
from engage_codegen.inspection.packages import find
from tests.support.paths import ROOT
from tests.support.tenants import Answer, answering, envelope, holding
from tests.support.tool import Outcome, Tool

OURS = envelope("visit", {"name": {"type": "string"}, "store": {"type": "string"}})
LESS = envelope("visit", {"name": {"type": "string"}})
MORE = envelope("visit", {**OURS["jsonSchema"]["properties"], "x": {"type": "string"}})  # type: ignore[index]


@pytest.fixture
def package(project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Path:
    (project / "schemas").mkdir()
    (project / "schemas/visit.json").write_text(json.dumps(OURS))
    assert tool("generate", "--schemas", "schemas", "--output", "site/acme/visits").code == 0
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
    return project / "site/acme/visits"


def wheel(package: Path, name: str = "acme-1-py3-none-any.whl") -> Path:
    base = package.parents[1]
    path = base.parent / name
    with ZipFile(path, "w") as file:
        for it in sorted(package.rglob("*")):
            if it.is_file():
                file.write(it, it.relative_to(base).as_posix())
    return path


def verdicts(outcome: Outcome) -> list[str]:
    value = json.loads(outcome.out)
    root = ROOT
    published = json.loads((root / "docs" / "findings.schema.json").read_text())
    jsonschema_rs.validator_for(published).validate(value)
    return [it["verdict"] for it in value["verdicts"]]


@pytest.mark.parametrize(
    ("there", "verdict", "code"),
    [
        ([OURS], "SAFE", 0),
        ([MORE], "SAFE", 0),
        ([OURS, envelope("other")], "SAFE", 0),
        ([LESS], "BREAKS", 4),
        ([], "BREAKS", 4),
        ([envelope("visit", {"name": {"$ref": "#"}})], "UNKNOWN", 1),
    ],
)
def test_the_verdict_is_about_the_package(
    package: Path, tool: Tool, there: list[dict[str, object]], verdict: str, code: int
) -> None:
    with answering(holding(*there)) as tenant:
        for what in (package, package.parents[1], wheel(package)):
            outcome = tool(
                "preflight", what, "--tenant", tenant.base_url, "--output-format", "json"
            )
            assert (outcome.code, verdicts(outcome)) == (code, [verdict])


def test_tenants_make_a_matrix(package: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_STAGING", "one")
    monkeypatch.setenv("ENGAGE_API_KEY_LIVE", "two")
    with answering(holding(LESS)) as staging, answering(holding(OURS)) as live:
        tenants = (f"--tenant=staging={staging.base_url}", f"--tenant=live={live.base_url}")
        outcome = tool("preflight", wheel(package), *tenants)
        assert {headers["apikey"] for _, headers in staging.requests} == {"one"}
        assert {headers["apikey"] for _, headers in live.requests} == {"two"}
    assert outcome.code == 4
    head, row, finding, *_ = outcome.out.splitlines()
    assert head.split("\t") == ["package", "schema", "staging", "live"]
    assert row.split("\t") == ["acme.visits", "visit", "BREAKS", "SAFE"]
    assert "staging: is not declared there" in finding


def test_an_outage_leaves_it_unknown_and_hides_nothing(
    package: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_A", "k")
    monkeypatch.setenv("ENGAGE_API_KEY_B", "k")
    down = {"/api/v3/interactionschemas": Answer(b"", 500)}
    with answering(down) as first, answering(holding(OURS)) as second:
        both = (f"--tenant=a={first.base_url}", f"--tenant=b={second.base_url}")
        outcome = tool("preflight", package, *both, "--output-format", "json")
        assert (outcome.code, verdicts(outcome)) == (5, ["UNKNOWN", "SAFE"])
        outcome = tool("preflight", package, f"--tenant={first.base_url}")
        assert outcome.code == 5
        assert "answered 500" in outcome.err


@pytest.mark.parametrize("path", ["visit.py", "_runtime/payload/checks.py", "_snapshot/visit.json"])
def test_a_package_that_is_not_what_was_generated_is_unknown(
    package: Path, tool: Tool, path: str
) -> None:
    (package / path).write_text((package / path).read_text().replace("name", "eman"))
    with answering(holding(OURS)) as tenant:
        for what in (package, wheel(package)):
            outcome = tool("preflight", what, "--tenant", tenant.base_url)
            assert outcome.code == 1
            assert path in outcome.out


def test_a_crlf_checkout_is_what_was_generated(package: Path, tool: Tool) -> None:
    for path in [*package.rglob("*.py"), *package.rglob("*.json")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with answering(holding(OURS)) as tenant:
        assert tool("preflight", package, "--tenant", tenant.base_url).code == 0


def test_what_is_installed_is_found_and_not_imported(package: Path) -> None:
    (package.parent / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    info = package.parents[1] / "acme_app-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-app\nVersion: 1\n")
    files = [it for it in package.rglob("*") if it.is_file()]
    record = "".join(f"{it.relative_to(info.parent).as_posix()},,\n" for it in files)
    (info / "RECORD").write_text(record)
    code = (
        "import sys; from engage_codegen.inspection.packages import find; "
        "print([(it.name, list(it.schemas)) for it in find(sys.argv[1])])"
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


@pytest.mark.parametrize("what", ["nothing.whl", "nothing", "no such thing", "empty", "text.whl"])
def test_what_is_no_package_is_an_input_error(project: Path, what: str) -> None:
    (project / "empty").mkdir()
    (project / "text.whl").write_text("no zip")
    with pytest.raises(InputError):
        find(what)


def test_a_wheel_without_the_snapshot_says_why(package: Path) -> None:
    for it in (package / "_snapshot").iterdir():
        it.unlink()
    with pytest.raises(InputError) as caught:
        find(str(wheel(package)))
    assert "package-data" in caught.value.fix


def test_a_tenant_has_to_be_named(package: Path, tool: Tool) -> None:
    outcome = tool("preflight", package)
    assert (outcome.code, "--tenant" in outcome.err) == (2, True)
    for tenants in (["=http://127.0.0.1:9"], ["a=http://127.0.0.1:9", "a=http://127.0.0.1:10"]):
        named = [f"--tenant={it}" for it in tenants]
        assert tool("preflight", package, *named).code == 2
    assert tool("preflight", "", "--tenant", "http://127.0.0.1:9").code == 2


def test_a_package_without_code_is_not_safe(
    project: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY", "k")
    monkeypatch.setenv("ENGAGE_USER_AGENT", "tests/1")
    with answering(holding(OURS)) as tenant:
        assert tool("pull", "--base-url", tenant.base_url, "--output", "package").code == 0
        outcome = tool("preflight", "package", "--tenant", tenant.base_url)
    assert outcome.code == 1
    assert "there is no code for it" in outcome.out


def test_a_missing_key_does_not_hide_the_other_tenants(
    package: Path, tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_API_KEY_LIVE", "k")
    with answering(holding(LESS)) as live, answering({}) as staging:
        both = (f"--tenant=live={live.base_url}", f"--tenant=staging={staging.base_url}")
        outcome = tool("preflight", package, *both)
    assert outcome.code == 2
    assert "ENGAGE_API_KEY_STAGING" in outcome.err
    assert "BREAKS\tUNKNOWN" in outcome.out


def test_targets_are_asked_as_they_are_configured(
    package: Path, tool: Tool, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ENGAGE_USER_AGENT", "ENGAGE_API_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENGAGE_API_KEY_B", "k")
    answers = {it.replace("/v3/", "/v2/"): answer for it, answer in holding(OURS).items()}
    with answering(answers) as tenant:
        (project / "pyproject.toml").write_text(
            f'[tool.engage-codegen.targets.b]\nbase-url = "{tenant.base_url}"\n'
            'api-version = "v2"\nuser-agent = "Brand/2"\n'
        )
        assert tool("preflight", package).code == 0
        assert {headers["user-agent"] for _, headers in tenant.requests} == {"Brand/2"}


def test_text_of_a_tenant_cannot_begin_a_line(package: Path, tool: Tool) -> None:
    name = "x\n::error file=src/a.py::forged\nAll checks passed"
    there = envelope("visit", {"name": {"type": "string"}, name: {"type": "string"}})
    there["jsonSchema"]["required"] = [name]  # type: ignore[index]
    with answering(holding(there)) as tenant:
        for form in ("text", "github"):
            outcome = tool(
                "preflight", wheel(package), "--tenant", tenant.base_url, "--output-format", form
            )
            assert outcome.code == 4
            assert not [line for line in outcome.out.splitlines() if "forged" in line[:20]]
            assert "\nAll checks" not in outcome.out


def test_a_damaged_wheel_is_an_input_error(package: Path) -> None:
    path = wheel(package)
    data = bytearray(path.read_bytes())
    with ZipFile(path, "w", 8) as file:
        file.writestr("acme/_snapshot/codegen.lock.json", "x" * 5_000)
    data = bytearray(path.read_bytes())
    data[80:90] = b"\xff" * 10
    path.write_bytes(data)
    with pytest.raises(InputError):
        find(str(path))
