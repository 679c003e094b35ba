"""Five type checkers accept a package for either HTTP library, and report a client of the other."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engage_codegen.config import HTTP_LIBRARIES, HttpLibrary
from tests.support.packages import generate_package
from tests.support.paths import SCRIPTS

pytestmark = pytest.mark.slow

PYTHON = sys.executable
MYPY = f"--strict --no-error-summary --no-pretty --python-executable {PYTHON}"
CHECKERS = {
    "mypy": f"mypy {MYPY} --config-file= --cache-dir=.mypy",
    "basedpyright": f"basedpyright --pythonpath {PYTHON}",
    "ty": f"ty check --python {PYTHON} --output-format concise",
    "pyrefly": f"pyrefly check --python-interpreter-path {PYTHON} --output-format min-text",
    "zuban": f"zuban mypy {MYPY}",
}
STRICTER = {"pyrefly": "--preset strict"}
"""For code that uses a package. In the package, the preset asks for `@override`, which the
standard library has since Python 3.12."""

RIGHT = """
EngageClient(URL, api_key="k", user_agent="a/1", http=LIBRARY.Client())
EngageClient(URL, api_key="k", user_agent="a/1", http=Mine(timeout=LIBRARY.Timeout(5.0)))
EngageClient(URL, api_key="k", user_agent="a/1", http=None)
EngageClient.from_env(http=LIBRARY.Client(transport=LIBRARY.MockTransport(answer)))
AsyncEngageClient(URL, api_key="k", user_agent="a/1", http=LIBRARY.AsyncClient())
AsyncEngageClient.from_env(http=LIBRARY.AsyncClient(transport=LIBRARY.MockTransport(answer)))
RecordingClient.from_env(http=LIBRARY.Client())
send_favourite(EngageClient.from_env(), "c", Favourite(product_sku="1"), deadline=1.5)
print(send_many(EngageClient.from_env(), [("c", Favourite(product_sku="1"))]).sent)
"""
WRONG = """
EngageClient(URL, api_key="k", user_agent="a/1", http=OTHER.Client())
EngageClient(URL, api_key="k", user_agent="a/1", http=LIBRARY.AsyncClient())
EngageClient(URL, api_key="k", user_agent="a/1", http=LIBRARY.Client)
EngageClient(URL, api_key="k", user_agent="a/1", http="LIBRARY")
EngageClient.from_env(http=OTHER.Client())
EngageClient.from_env(http=LIBRARY.AsyncClient())
AsyncEngageClient(URL, api_key="k", user_agent="a/1", http=OTHER.AsyncClient())
AsyncEngageClient(URL, api_key="k", user_agent="a/1", http=LIBRARY.Client())
AsyncEngageClient.from_env(http=LIBRARY.Client())
RecordingClient.from_env(http=OTHER.Client())
send_favourite(LIBRARY.Client(), "c", Favourite(product_sku="1"))
send_favourite(EngageClient.from_env(), "c", Favourite(product_sku=1))
EngageClient.from_env().send("c", {"productSku": "1"})
print(send_many(LIBRARY.Client(), [("c", Favourite(product_sku="1"))]).sent)
"""
MODULE = """\
import httpx
import httpx2

from engage_interactions import AsyncEngageClient, EngageClient
from engage_interactions.bulk import send_many
from engage_interactions.favourite import Favourite, send_favourite
from engage_interactions.testing import RecordingClient

URL = "https://acme.voyado.com"


class Mine(LIBRARY.Client):
    \"\"\"A client of the application.\"\"\"


def answer(request: LIBRARY.Request) -> LIBRARY.Response:
    return LIBRARY.Response(200)


print(OTHER.Client)
"""


@pytest.fixture(scope="module", params=HTTP_LIBRARIES)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package for a library, and a module that uses it well and badly."""
    library: HttpLibrary = request.param
    (other,) = {*HTTP_LIBRARIES} - {library}
    folder = tmp_path_factory.mktemp(library)
    generate_package(folder / "engage_interactions", library)
    (folder / "pyproject.toml").unlink()
    text = MODULE + RIGHT + WRONG.removeprefix("\n")
    text = re.sub(r"\bLIBRARY\b", library, text)
    (folder / "consumer.py").write_text(re.sub(r"\bOTHER\b", other, text))
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    return folder


def check(checker: str, folder: Path, target: str) -> str:
    """Return what a checker prints about a file or a package."""
    options = STRICTER.get(checker, "") if target.endswith(".py") else ""
    program, *arguments = f"{CHECKERS[checker]} {options} {target}".split()
    command = [str(SCRIPTS / program), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_package_has_no_errors(checker: str, project: Path) -> None:
    output = check(checker, project, "engage_interactions")
    assert not re.findall(r"^.*(?:\berror\b|\bERROR\b)(?!s).*$", output, re.MULTILINE), output


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_wrong_client_is_reported_on_its_line_and_a_right_use_is_not(
    checker: str, project: Path
) -> None:
    output = check(checker, project, "consumer.py")
    reported = {
        int(number)
        for number in re.findall(r"consumer\.py:(\d+)(?=.*(?:\berror\b|\bERROR\b))", output)
        + re.findall(r"ERROR .*consumer\.py:(\d+)", output)
    }
    end = len((project / "consumer.py").read_text().splitlines())
    assert reported == set(range(end - WRONG.count("\n") + 2, end + 1)), output
