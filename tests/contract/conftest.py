"""A project with one schema and a contract for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.tenants import envelope

REVIEW: dict[str, Any] = {
    "rating": {"type": "integer", "displayName": "Rating (1-5)"},
    "score": {"type": "number"},
    "category": {"type": "string"},
    "comment": {"type": "string"},
    "when": {"type": "string"},
}
CONTRACT = """\
owner = "reviews@acme.example"
purpose = "Show and reward reviews"
retention = "P2Y"

[properties.rating]
minimum = 1
maximum = 5

[properties.score]
type = "integer"

[properties.category]
enum = ["clothes", "shoes"]
required = true

[properties.comment]
maxLength = 20
personal-data = "free-text"

[properties.when]
format = "date-time"
deprecated = "use createdDate"
"""


@pytest.fixture
def reviews(project: Path) -> Path:
    """A project with the schema `review` and its contract; nothing is generated yet."""
    (project / "schemas").mkdir()
    (project / "contracts").mkdir()
    schema = envelope("review", REVIEW, required=["rating"])
    (project / "schemas/review.json").write_text(json.dumps(schema))
    (project / "contracts/review.toml").write_text(CONTRACT)
    (project / "pyproject.toml").write_text(
        '[tool.engage-codegen]\nschemas = "schemas"\ncontracts = "contracts"\noutput = "acme"\n'
    )
    return project
