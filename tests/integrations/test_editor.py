"""An editor shows the docs, completions and mistakes of a generated package.

The tests ask basedpyright's language server as an editor does. `‸` marks the cursor.
"""

import json
import re
import shutil
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engage_codegen.cli import app as cli
from tests.support.paths import ROOT, SCRIPTS
from tests.support.readers.lsp import LanguageServer, ServerFailed

pytestmark = pytest.mark.slow

COMMITTED = ROOT / "generated" / "engage_interactions"
SERVER = [str(SCRIPTS / "basedpyright-langserver"), "--stdio"]
CURSOR = "‸"

HEAD = """\
from datetime import UTC, datetime

from engage_interactions import EngageClient
from engage_interactions.repair import Repair, send_repair

engage = EngageClient.from_env()
now = datetime.now(UTC)
job = Repair(product_sku="7120-38", repair_type="seam", received_at=now)
receipt = send_repair(engage, "some-contact", job)
stored = engage.get(Repair, receipt.id)

"""
NOT_AWAITED = """\
from engage_interactions import AsyncEngageClient
from engage_interactions.repair import send_repair_async


async def send(engage: AsyncEngageClient) -> None:
    send_repair_async(engage, "c", job)
"""
WIDE_HEAD = """\
from wide import EngageClient
from wide.limits import Limits
from wide.old import Old, send_old

engage = EngageClient.from_env()
limits = Limits(kind="limits", name="a")
"""
WIDE = """\
[tool.engage-codegen]
dialect = "json-schema"
output = "wide"
"""
MODULES = sorted(path.stem for path in COMMITTED.glob("*.py") if path.stem != "__init__")
PROPERTIES = [
    ("product_sku", "str", "Product. The product that the interaction is about. Shown in the"),
    (
        "repair_type",
        "Literal['zipper', 'seam', 'button', 'patch', 'waxing']",
        "Type of repair. Shown in the contact card, can be used in segments.",
    ),
    ("received_at", "datetime", "Handed in. An aware date and time. Shown in the contact card."),
    ("category", "str | None", "Category. Shown in the contact card, can be used in segments."),
    ("cost", "float | None", "Cost (SEK). Shown in the contact card, can be used in segments."),
    ("under_warranty", "bool | None", "Under warranty. Shown in the contact card, can be used in"),
    ("store", "str | None", "Store. Shown in the contact card, can be used in segments."),
]
NAMES = [name for name, *_ in PROPERTIES]
SENDER = """\
def send_repair(
    client: EngageClient,
    contact_id: str | UUID,
    payload: Repair,
    *,
    created_date: datetime | None = None,
    confirm: bool = False,
    perhaps_sent: bool = False,
    retry: RetryPolicy | None = None,
    deadline: float | None = None,
    timeout: float | None = None,
    headers: Mapping[str, str] | None = None
) -> Receipt"""


@dataclass(frozen=True)
class Editor:
    """A consumer's file in an editor."""

    server: LanguageServer
    path: Path

    def hover(self, text: str) -> str:
        """Return the code and the docs at the cursor."""
        answer = self.server.request("textDocument/hover", self._at(text))
        return str(answer["contents"]["value"]) if answer else ""

    def items(self, text: str) -> list[dict[str, Any]]:
        """Return the completions at the cursor, in the order of the list."""
        answer = self.server.request("textDocument/completion", self._at(text))
        return sorted(answer["items"] if answer else [], key=lambda item: item["sortText"])

    def labels(self, text: str) -> list[str]:
        return [item["label"] for item in self.items(text)]

    def resolved(self, text: str, label: str) -> dict[str, Any]:
        """Return all details of one of the completions."""
        (item,) = [item for item in self.items(text) if item["label"] == label]
        answer: dict[str, Any] = self.server.request("completionItem/resolve", item)
        return answer

    def signature(self, text: str) -> tuple[str, str]:
        """Return the signature of the call around the cursor, and the parameter at the cursor."""
        answer = self.server.request("textDocument/signatureHelp", self._at(text))
        (signature,) = answer["signatures"]
        start, end = signature["parameters"][answer["activeParameter"]]["label"]
        return signature["label"], signature["label"][start:end]

    def reports(self, text: str) -> list[tuple[str, str]]:
        """Return each underlined text with the first line of its message."""
        self.server.show(self.path, text)
        document = {"uri": self.path.as_uri()}
        answer = self.server.request("textDocument/diagnostic", {"textDocument": document})
        return [
            (_cut(text, item["range"]), item["message"].splitlines()[0]) for item in answer["items"]
        ]

    def _at(self, text: str) -> dict[str, Any]:
        before, cursor, after = text.partition(CURSOR)
        assert cursor
        self.server.show(self.path, before + after)
        *lines, last = before.split("\n")
        position = {"line": len(lines), "character": len(last.encode("utf-16-le")) // 2}
        return {"textDocument": {"uri": self.path.as_uri()}, "position": position}


def _cut(text: str, where: dict[str, Any]) -> str:
    """Return a part of an ASCII text, in which a character is one unit of UTF-16."""
    lines = text.splitlines(keepends=True)
    start, end = (
        sum(len(line) for line in lines[: place["line"]]) + place["character"]
        for place in (where["start"], where["end"])
    )
    return text[start:end]


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Generator[Editor]:
    """An editor in a repository with two packages: the committed one, and `wide`."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(COMMITTED, folder / "engage_interactions")
    cases = ROOT / "tests" / "cases"
    (folder / "pyproject.toml").write_text(WIDE, "utf-8")
    command = ["generate", "--config", str(folder / "pyproject.toml")]
    for name in ("wide_keywords", "wide_deprecated"):
        command += ["--schemas", str(cases / name / "schemas")]
    assert cli.run(command) == 0
    config = {"typeCheckingMode": "standard", "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    settings = {"python": {"pythonPath": sys.executable}}
    with LanguageServer(SERVER, folder, settings) as server:
        path = folder / "consumer.py"
        path.touch()
        yield Editor(server, path)


def test_a_class_shows_its_title_and_every_argument(editor: Editor) -> None:
    shown = editor.hover(f"{HEAD}Rep‸air")
    assert re.findall(r"^    (\w+): (.+?)(?: = None)?,?$", shown, re.MULTILINE) == [
        (name, kind) for name, kind, _ in PROPERTIES
    ]
    assert "\n---\nRepair. Purpose: Tell customers" in shown


def test_a_class_shows_its_description(editor: Editor) -> None:
    shown = editor.hover(f"{WIDE_HEAD}O‸ld")
    assert shown.endswith("\n---\nold. Use new instead. This interaction schema is deprecated.")


def test_a_module_shows_its_schema(editor: Editor) -> None:
    shown = editor.hover("from engage_interactions import rep‸air")
    assert shown.endswith("\n---\nRepair (interaction schema `repair`).")


@pytest.mark.parametrize(("name", "kind", "docs"), PROPERTIES)
@pytest.mark.parametrize(
    "before", ["job.", "stored.payload.", "Repair.from_payload({}).", "Repair."]
)
def test_an_attribute_shows_its_label_and_rules(
    before: str, name: str, kind: str, docs: str, editor: Editor
) -> None:
    shown = editor.hover(f"{HEAD}{before}{name[0]}{CURSOR}{name[1:]}")
    assert f"(variable) {name}: {kind}\n" in shown
    assert f"\n---\n{docs}" in shown


@pytest.mark.parametrize(("name", "kind", "docs"), PROPERTIES)
def test_a_keyword_argument_shows_its_label_and_rules(
    name: str, kind: str, docs: str, editor: Editor
) -> None:
    shown = editor.hover(f"{HEAD}Repair({name[0]}{CURSOR}{name[1:]}=")
    assert f"(variable) {name}: " in shown
    assert f"\n---\n{docs}" in shown


@pytest.mark.parametrize(
    ("name", "kind", "docs"),
    [
        ("name", "str", "Name. Length at least 1, length at most 50."),
        ("age", "int | None", "age. At least 0, less than 150."),
        ("amount", "float | None", "amount. Deprecated."),
        (
            "code",
            "str | None",
            'code. Matches the pattern of the schema. For example "SE1", "NO22".',
        ),
        (
            "status",
            "Literal['new', 'worn \"thin\"', 'center'] | None",
            'status. The schema names "new" as the default',
        ),
        ("weight", "float | None", "weight. More than 0, at most 9.5, a multiple of 0.5."),
    ],
)
def test_an_attribute_shows_its_limits(name: str, kind: str, docs: str, editor: Editor) -> None:
    shown = editor.hover(f"{WIDE_HEAD}limits.{name[0]}{CURSOR}{name[1:]}")
    assert f"(variable) {name}: {kind}\n" in shown
    assert f"\n---\n{docs}" in shown


def test_a_sender_shows_its_signature_and_docs(editor: Editor) -> None:
    shown = editor.hover(f"{HEAD}send_re‸pair")
    assert SENDER in shown
    assert "\n---\nSend a `Repair` for a contact and return its receipt." in shown
    assert "InvalidPayloadError: The contact id or the date cannot be sent." in shown
    shown = editor.hover("from engage_interactions.repair import send_repair_as‸ync")
    assert (
        "    client: AsyncEngageClient,\n    contact_id: str | UUID,\n    payload: Repair,\n"
        in shown
    )
    assert "-> CoroutineType[Any, Any, Receipt]" in shown


@pytest.mark.parametrize(
    ("text", "docs"),
    [
        ("Engage‸Client", "A client of one tenant, for threads."),
        ("EngageClient.from‸_env()", "Reads `ENGAGE_BASE_URL`, `ENGAGE_API_KEY`,"),
        ("engage.se‸nd", "When the interaction happened, with a time zone. Defaults to now."),
        ("engage.li‸st", "Iterate over all interactions of one schema of a contact,"),
        ("stored.pay‸load", "The payload as an instance of the payload class that you asked for."),
        ("stored.created_d‸ate", "When the interaction happened, to the microsecond."),
        ("job.to_‸payload()", "Return the payload as a JSON object with wire names."),
    ],
)
def test_the_runtime_shows_its_docs(text: str, docs: str, editor: Editor) -> None:
    assert docs in editor.hover(HEAD + text)


def test_stored_interactions_are_typed(editor: Editor) -> None:
    assert "stored: Stored[Repair]" in editor.hover(f"{HEAD}sto‸red")
    assert "payload: Repair" in editor.hover(f"{HEAD}stored.pay‸load")


def test_all_arguments_of_a_class_are_offered_before_anything_else(editor: Editor) -> None:
    offered = editor.labels(f"{HEAD}Repair(‸)")
    assert sorted(offered[: len(NAMES)]) == sorted(f"{name}=" for name in NAMES)


def test_an_argument_is_offered_once(editor: Editor) -> None:
    offered = editor.labels(f'{HEAD}Repair(product_sku="a", repair_type="seam", ‸)')
    assert [label for label in offered if label.endswith("=")] == sorted(
        f"{name}=" for name in NAMES[2:]
    )


def test_the_arguments_of_a_sender_are_offered(editor: Editor) -> None:
    offered = editor.labels(f'{HEAD}send_repair(engage, "c", job, ‸)')
    assert {"created_date=", "confirm=", "retry="} <= set(offered)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('Limits(status="‸")', ['"new"', '"worn \\"thin\\""', '"center"']),
        ('Limits(kind="‸")', ['"limits"']),
        ('limits.status == "‸"', ['"new"', '"worn \\"thin\\""', '"center"']),
        ("Limits(kind=‸)", ['"limits"']),
        ("Limits(grade=‸)", ['"A"']),
    ],
)
def test_the_values_of_a_literal_are_offered(
    text: str, values: Sequence[str], editor: Editor
) -> None:
    offered = [label for label in editor.labels(WIDE_HEAD + text) if label.startswith('"')]
    assert sorted(offered) == sorted(values)


@pytest.mark.parametrize(
    "text", ["from engage_interactions import ‸", "import engage_interactions.‸"]
)
def test_the_modules_of_the_package_are_offered(text: str, editor: Editor) -> None:
    assert set(editor.labels(text)) >= set(MODULES)
    assert "Repair (interaction schema" in _docs(editor.resolved(text, "repair"))


def test_a_class_is_offered_with_its_import(editor: Editor) -> None:
    (edit,) = editor.resolved("ReuseSpr‸", "ReuseSpring2023")["additionalTextEdits"]
    statement = "from engage_interactions.reuse_spring_2023 import ReuseSpring2023"
    assert edit["newText"].strip() == statement
    offered = editor.labels("send_reuse‸")
    assert offered == ["send_reuse_spring_2023", "send_reuse_spring_2023_async"]


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("receipt.‸", ["contact_id", "created_date", "id", "response", "schema_id"]),
        (
            "stored.‸",
            [
                *("contact_id", "contract_violations", "created_date", "id", "payload"),
                *("payload_class", "raw"),
                *("raw_created_date", "schema_id"),
            ],
        ),
        ("job.‸", sorted([*NAMES, "to_payload", "from_payload"])),
    ],
)
def test_the_members_of_a_value_are_offered(
    text: str, members: Sequence[str], editor: Editor
) -> None:
    offered = [label for label in editor.labels(HEAD + text) if not label.startswith("_")]
    assert sorted(offered) == members


def test_the_methods_of_a_client_are_offered(editor: Editor) -> None:
    methods = {"send", "get", "list", "interactions", "delete", "close", "from_env"}
    assert methods <= set(editor.labels(f"{HEAD}engage.‸"))


def test_an_offered_member_comes_with_its_docs(editor: Editor) -> None:
    docs = _docs(editor.resolved(f"{HEAD}job.‸", "received_at"))
    assert "Handed in. An aware date and time." in docs
    assert "Send an interaction for a contact" in _docs(editor.resolved(f"{HEAD}engage.‸", "send"))


def _docs(item: dict[str, Any]) -> str:
    return str(item["documentation"]["value"])


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("Repair(received_at=‸)", "received_at: datetime"),
        ("Repair(category=‸)", "category: str | None = None"),
        ("send_repair(engage, ‸)", "contact_id: str | UUID"),
        ('send_repair(engage, "c", ‸)', "payload: Repair"),
        ('send_repair(engage, "c", job, confirm=‸)', "confirm: bool = False"),
        ("EngageClient.from_env(rate=‸)", "rate: int | None = None"),
    ],
)
def test_the_signature_of_a_call_shows_the_current_parameter(
    text: str, parameter: str, editor: Editor
) -> None:
    signature, active = editor.signature(HEAD + text)
    assert active == parameter
    if text.startswith("Repair"):
        assert all(f" {name}: {kind}" in signature for name, kind, _ in PROPERTIES)


@pytest.mark.parametrize(
    ("text", "reports"),
    [
        ("", []),
        (
            'Repair(product_sku="a", repair_type="seam", received_at=now, colour="red")',
            [("colour", 'No parameter named "colour"')],
        ),
        (
            'Repair(product_sku="a", repair_type="seam")',
            [
                (
                    'Repair(product_sku="a", repair_type="seam")',
                    'Argument missing for parameter "received_at"',
                )
            ],
        ),
        (
            'Repair(product_sku=7120, repair_type="seam", received_at=now, cost="3")',
            [
                (
                    "7120",
                    'Argument of type "Literal[7120]" cannot be assigned to parameter '
                    '"product_sku" of type "str" in function "__init__"',
                ),
                (
                    '"3"',
                    "Argument of type \"Literal['3']\" cannot be assigned to parameter "
                    '"cost" of type "float | None" in function "__init__"',
                ),
            ],
        ),
        (
            'send_repair(engage, "c", engage)',
            [
                (
                    "engage",
                    'Argument of type "EngageClient" cannot be assigned to parameter '
                    '"payload" of type "Repair" in function "send_repair"',
                )
            ],
        ),
        (
            'job.store = "Gothenburg"',
            [("store", 'Cannot assign to attribute "store" for class "Repair"')],
        ),
        (
            "print(stored.payload.shop)",
            [("shop", 'Cannot access attribute "shop" for class "Repair"')],
        ),
    ],
)
def test_a_mistake_is_reported_at_its_place(
    text: str, reports: Sequence[tuple[str, str]], editor: Editor
) -> None:
    assert sorted(editor.reports(HEAD + text)) == sorted(reports)


def test_a_send_without_await_is_reported(editor: Editor) -> None:
    (report,) = editor.reports(HEAD + NOT_AWAITED)
    assert report[0] == 'send_repair_async(engage, "c", job)'
    assert "is not used" in report[1]


def test_a_deprecated_sender_is_reported(editor: Editor) -> None:
    text = f'{WIDE_HEAD}send_old(engage, limits.name, Old(name="a"))\n'
    message = 'The function "send_old" is deprecated'
    assert editor.reports(text) == [("send_old", message), ("send_old", message)]


@pytest.mark.parametrize(
    ("program", "patience", "message"),
    [
        ("import time; time.sleep(60)", 0.5, "no answer to initialize in 0.5 seconds"),
        (
            "input(); exit('out of order')",
            60,
            "ended before it answered initialize; on stderr it said: out of order",
        ),
        ("input(); print('Content-Length: 3\\n\\n{]')", 60, "nonsense before the answer"),
        ("input(); print('Content-Length: 30\\n\\n{}')", 60, "a message was cut short"),
        ("input(); print('hello\\n')", 60, "a message without Content-Length"),
    ],
)
def test_a_broken_language_server_is_named(
    program: str, patience: float, message: str, tmp_path: Path
) -> None:
    server = LanguageServer([sys.executable, "-c", program], tmp_path, {}, patience)
    with pytest.raises(ServerFailed, match=message), server:
        pass
