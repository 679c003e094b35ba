"""The examples of templates work with the installed wheel, in the project of a consumer."""

from pathlib import Path

import pytest

from engage_codegen.integrations.build import find_data_patterns
from tests.support.environments import create_environment, run
from tests.support.packages import use_contracts
from tests.support.paths import SEEDS

pytestmark = pytest.mark.slow

EXAMPLES = ("license-header", "pydantic-twin", "message-bus", "markdown-pages")
PROGRAM = """
from pathlib import Path

import shop
from shop import bus
from shop.product_review import ProductReview
from shop.product_review_model import ProductReviewModel, to_model, to_payload
from pydantic import TypeAdapter, ValidationError

review = ProductReview(product_sku="A1", rating=5, comment="it's good")
model = to_model(review)
assert to_payload(model) == review
text = TypeAdapter(ProductReviewModel).dump_json(model)
assert TypeAdapter(ProductReviewModel).validate_json(text) == model
try:
    TypeAdapter(ProductReviewModel).validate_python({"product_sku": 1})
except ValidationError as error:
    assert "product_sku" in str(error)
else:
    raise AssertionError

class Bus:
    messages = []
    def publish(self, topic, message):
        self.messages.append((topic, message))

bus.publish(Bus(), "contact", review)
(message,) = Bus.messages
assert message == (
    "interactions.productReview", {"contactId": "contact", "payload": review.to_payload()}
)
assert bus.PERSONAL_DATA[ProductReview] == {"comment", "reviewId"}
assert bus.TOPICS.keys() == set(shop.payload_classes().values())

folder = Path(shop.__file__).parent
assert "SPDX-License-Identifier: LicenseRef-Acme" in (folder / "repair.py").read_text()
assert "| rating | `rating` | yes |" in (folder / "product_review_page.md").read_text()
"""


@pytest.mark.network
def test_the_examples_work_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    programs = create_environment(tmp_path / "venv", wheel)
    project = tmp_path / "project"
    project.mkdir()
    use_contracts(project)
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'templates = "own"\noutput = "shop"\nschemas = "{SEEDS.name}"\n')
    (project / SEEDS.name).mkdir()
    for path in SEEDS.iterdir():
        (project / SEEDS.name / path.name).write_bytes(path.read_bytes())
    tool = programs / "engage-codegen"
    for example in EXAMPLES:
        run(tool, "templates", "copy", example, cwd=project)
    run(tool, "generate", cwd=project)
    run(tool, "check", cwd=project)
    run(tool, "templates", "check", cwd=project)
    run(programs / "python", "-W", "error", "-c", PROGRAM, cwd=project)
    assert find_data_patterns(project) == ["*_page.md"]


def test_files_that_are_no_modules_are_data_of_the_package(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.engage-codegen]\ntemplates = "own"\n')
    assert find_data_patterns(project) == []
    for name in ("each/a.json.jinja", "each/b.py.jinja", "once/c.toml.jinja", "_d.jinja"):
        path = project / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert find_data_patterns(project) == ["*_a.json", "c.toml"]
