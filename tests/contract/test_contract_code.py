"""Generated code with a contract: what it sends, what it reads back, and what it hides."""

from pathlib import Path

import pytest

from tests.contract.conftest import CONTRACT
from tests.support.packages import run_with_package
from tests.support.tool import Tool

CREATE = """
from acme import {names}
from acme.review import Review

def create(**values):
    return Review(**{{"rating": 5, "category": "shoes", **values}})

def refused(**values):
    try:
        create(**values)
    except InvalidPayloadError as error:
        return error
    raise AssertionError(values)
"""


def run(folder: Path, code: str, names: str = "InvalidPayloadError") -> str:
    return run_with_package(folder, CREATE.format(names=names) + code)


@pytest.fixture
def package(reviews: Path, tool: Tool) -> Path:
    """The project with its package."""
    assert tool("generate").code == 0
    return reviews


def test_the_class_has_the_types_of_the_contract(package: Path) -> None:
    text = (package / "acme/review.py").read_text()
    assert "    rating: Literal[1, 2, 3, 4, 5]\n" in text
    assert '    category: Literal["clothes", "shoes"]\n' in text
    assert "    score: int | None = None\n" in text
    assert "    when: datetime | None = None\n" in text
    assert "Owner: ``reviews@acme.example``." in " ".join(text.split())
    assert "Deprecated: use createdDate." in text
    assert "Personal data: free text" in text
    row = (package / "acme/INDEX.md").read_text().splitlines()[-1]
    assert row.endswith("| `reviews@acme.example` | comment |")


def test_only_what_the_contract_allows_can_be_created(package: Path) -> None:
    output = run(
        package,
        """
        print(create(score=2, comment="x" * 20).to_payload())
        for values in ({"rating": 11}, {"rating": 0}, {"score": 1.5}, {"category": "hats"},
                       {"category": None}, {"comment": "x" * 21}, {"when": "yesterday"}):
            print(sorted(item.property for item in refused(**values).violations))
        """.replace("\n        ", "\n"),
    )
    first, *others = output.splitlines()
    assert (
        first == str({"category": "shoes", "rating": 5, "comment": "x" * 20, "score": 2})
        or "'rating': 5" in first
    )
    assert others == [
        f"['{name}']"
        for name in ("rating", "rating", "score", "category", "category", "comment", "when")
    ]


def test_stored_values_outside_of_the_contract_decode_and_say_so(package: Path) -> None:
    output = run(
        package,
        """
        def stored(**raw):
            return Stored("i", "c", "review", raw, "2026-03-14T09:26:53Z", Review)

        old = stored(rating=11, when="yesterday", comment="Anna " * 9, score=1.5)
        print(old.payload.rating, old.payload.when, old.payload.category, old.payload.score)
        print([(item.property, item.code) for item in old.contract_violations])
        print(stored(rating=5, category="shoes").contract_violations)
        try:
            stored(rating="x", category="hats").payload
        except UnreadablePayloadError as error:
            print(error)
        try:
            stored(category="hats").contract_violations
        except UnreadablePayloadError as error:
            print(error)
        """.replace("\n        ", "\n"),
        "InvalidPayloadError, Stored, UnreadablePayloadError",
    )
    first, violations, none, unreadable, incomplete = output.splitlines()
    assert first == "11 yesterday None 1.5"
    for name in ("rating", "category", "comment", "when", "score"):
        assert f"'{name}'" in violations
    assert none == "()"
    assert "rating" in unreadable
    assert "category" not in unreadable
    assert "rating: is required" in incomplete


def test_personal_data_is_in_no_repr_error_or_violation(package: Path) -> None:
    output = run(
        package,
        """
        canary = "CANARY" * 9
        payload = create(comment=canary[:20])
        error = refused(comment=canary)
        read = None
        try:
            Review.from_payload({"rating": 1, "category": "shoes", "coment": canary, "comment": 5})
        except InvalidPayloadError as caught:
            read = caught
        for text in (repr(payload), str(error), repr(error), repr(error.args), str(read),
                     *(repr(item.value) for item in (*error.violations, *read.violations))):
            assert "CANARY" not in text, text
        print([(item.property, item.code, item.value) for item in error.violations])
        print(sorted(item.property for item in read.violations))
        print(refused(rating=77).violations[0].value)
        """.replace("\n        ", "\n"),
    )
    assert output.splitlines() == [
        "[('comment', 'maxLength', None)]",
        "['coment', 'comment']",
        "77",
    ]


def test_samples_obey_the_contract(package: Path) -> None:
    output = run(
        package,
        """
        from acme.testing import sample
        print(sample(Review).to_payload()["category"], sample(Review).rating)
        """.replace("\n        ", "\n"),
    )
    assert output == "clothes 1\n"


def test_a_pickle_and_a_copy_are_as_without_a_contract(package: Path) -> None:
    output = run(
        package,
        """
        import copy, pickle
        payload = create(comment="x")
        print(pickle.loads(pickle.dumps(payload)) == payload == copy.deepcopy(payload))
        """.replace("\n        ", "\n"),
    )
    assert output == "True\n"


def test_a_changed_contract_makes_the_package_stale(package: Path, tool: Tool) -> None:
    assert tool("check").code == 0
    assert "up to date" in tool("generate").err
    path = package / "contracts/review.toml"
    path.write_text(CONTRACT.replace("maximum = 5", "maximum = 4"))
    assert tool("check").code == 1
    assert tool("generate").code == 0
    assert "Literal[1, 2, 3, 4]" in (package / "acme/review.py").read_text()
    path.unlink()
    assert tool("check").code == 1
    assert tool("generate").code == 0
    assert not (package / "acme/_snapshot/review.contract.json").exists()
    assert "Literal" not in (package / "acme/review.py").read_text()
    assert tool("check").code == 0


def test_a_comment_in_a_contract_changes_nothing(package: Path, tool: Tool) -> None:
    path = package / "contracts/review.toml"
    path.write_text(f"# For the reviews team.\n{CONTRACT}")
    assert tool("check").code == 0
    assert "up to date" in tool("generate").err


def test_an_edited_snapshot_of_a_contract_is_restored_or_reported(
    package: Path, tool: Tool
) -> None:
    path = package / "acme/_snapshot/review.contract.json"
    path.write_text("{}\n")
    assert tool("check").code == 1
    assert tool("generate").code == 1
    assert tool("generate", "--force").code == 0
    assert tool("check").code == 0


@pytest.mark.slow
def test_the_package_is_sound_and_well_typed(package: Path, tool: Tool) -> None:
    outcome = tool("verify")
    assert outcome.code == 0, outcome.out
