"""Names and modules depend on nothing but their own schema."""

import itertools
import json
import random

from engage_codegen.model.build import build
from engage_codegen.model.ir import Package
from engage_codegen.render.package import render_package
from engage_codegen.schema.envelope import Schema, parse_envelope
from engage_codegen.schema.names import name_properties, name_schemas
from tests.support.tenants import envelope


def make_schema(schema_id: str, properties: object) -> Schema:
    return parse_envelope(json.dumps(envelope(schema_id, properties)), "here")


def test_no_name_depends_on_other_schemas_or_properties_or_their_order() -> None:
    few = ["reuse", "Reuse-Spring", "class", "None", "2nd-life"]
    many = [f"{word}{number}{end}" for word in few for number in range(4) for end in ("", "-X")]
    orders = [list(order) for order in itertools.permutations(few)]
    orders += [random.Random(seed).sample(many, len(many)) for seed in range(30)]
    for order in orders:
        last, last_properties = name_schemas(order, {}), name_properties("x", order, {})
        for end in range(1, len(order)):
            assert name_schemas(order[:end], {}).items() <= last.items()
            assert name_properties("x", order[:end], {}).items() <= last_properties.items()


def test_no_module_depends_on_other_schemas() -> None:
    ids, wires = ["reuse", "Reuse-Spring", "class", "None"], ["class", "price", "Köpdatum", "2nd"]
    alone: dict[str, str] = {}
    for seed in range(3):
        mixed = random.Random(seed)
        properties = {wire: {"type": "string"} for wire in mixed.sample(wires, 4)}
        order = mixed.sample(ids, 4)
        for end in (1, 2, 4):
            schemas_so_far = {
                schema_id: make_schema(schema_id, properties) for schema_id in order[:end]
            }
            for record in build(schemas_so_far, {}).records:
                text = render_package(Package((record,)), (), "httpx")[f"{record.names.module}.py"]
                assert alone.setdefault(record.schema_id, text) == text
