"""Schemas of eight properties, and projects that have them."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from .environments import FOLDER, TOOL, script
from .measure import Command, run

Schema: TypeAlias = Mapping[str, object]

PACKAGE = "engage_interactions"
"""Has the name of the package in this repository: type checkers look at that one."""

"""What the tool remembers from run to run, as a user has it."""

_WORDS = """
brand category color material season shop campaign supplier receipt reason carrier parcel
language country region currency
""".split()
_COUNTS = "amount visits points items days steps".split()
_FLAGS = "isGift isMember isOnline wasHelped".split()
_PRICES = "price discount deposit weight length".split()
_DATES = "boughtAt repairedAt returnedAt seenAt orderedAt sentAt bookedAt".split()

REVIEW_PROPERTIES: Mapping[str, str] = {
    "productSku": "string",
    "headline": "string",
    "text": "string",
    "shop": "string",
    "stars": "integer",
    "recommended": "boolean",
    "price": "number",
    "reviewedAt": "date-time",
}
REVIEW_REQUIRED = ("productSku", "stars", "recommended", "reviewedAt")


def _schema(schema_id: str, title: str, properties: Mapping[str, str], need: object) -> Schema:
    declared = {
        name: {"type": "string", "format": kind} if kind == "date-time" else {"type": kind}
        for name, kind in properties.items()
    }
    return {
        "id": schema_id,
        "displayName": title,
        "jsonSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": title,
            "type": "object",
            "properties": {
                name: {**it, "displayName": f"{name} of {title.lower()}"}
                for name, it in declared.items()
            },
            "required": need,
        },
    }


def schemas(count: int) -> list[Schema]:
    """The first is the review that payloads are measured with; no two are alike."""
    found = [_schema("review", "Review", REVIEW_PROPERTIES, REVIEW_REQUIRED)]
    for number in range(1, count):
        words = [_WORDS[(number * step) % 16 - step] for step in (1, 3, 5, 7)]
        names = dict.fromkeys(f"{it}{number % 10}{place}" for place, it in enumerate(words))
        kinds = dict.fromkeys(names, "string") | {
            _COUNTS[number % 6]: "integer",
            _FLAGS[number % 4]: "boolean",
            _PRICES[number % 5]: "number",
            _DATES[number % 7]: "date-time",
        }
        need = sorted(kinds)[: number % 8]
        found.append(_schema(f"interaction-{number:04}", f"Interaction {number}", kinds, need))
    return found


def fresh(name: str) -> Path:
    """An empty folder for inputs."""
    folder = FOLDER / "inputs" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write(folder: Path, given: Sequence[Schema], part: str = "") -> Path:
    """A file for each schema, or for a part of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for schema in given:
        text = json.dumps(schema[part] if part else schema, indent=2, sort_keys=True)
        (folder / f"{schema['id']}.json").write_text(f"{text}\n", "utf-8")
    return folder


def project(name: str, count: int, *, of_files: bool = False, settings: str = "") -> Path:
    """A project whose package is not made yet: its source is a folder of files, or what lies in
    its snapshot."""
    folder = fresh(name)
    section = f'[tool.engage-codegen]\noutput = "{PACKAGE}"\nuser-agent = "Bench/1"\n{settings}'
    if of_files:
        section += 'schemas = ["schemas"]\n'
    (folder / "pyproject.toml").write_text(section, "utf-8")
    source = folder / "schemas" if of_files else folder / PACKAGE / "_snapshot"
    write(source, schemas(count))
    return folder


def tool(folder: Path, *arguments: str) -> Command:
    """The command line in a project."""
    program = script(TOOL, "engage-codegen")
    return Command([program, *arguments], folder)


def package(count: int, http: str = "httpx") -> Path:
    """A folder to import a package of so many schemas from."""
    folder = project(f"package-{count}-{http}", count, settings=f'http = "{http}"\n')
    run(tool(folder, "generate"))
    return folder
