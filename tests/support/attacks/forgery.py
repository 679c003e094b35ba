"""Packages that claim to be generated: files changed together with what the lock file says."""

import hashlib
import importlib.util
import json
import py_compile
from pathlib import Path
from typing import Any

LOCKFILE = "_snapshot/codegen.lock.json"


def append_with_matching_hash(package: Path, path: str, text: str) -> None:
    """Append text to a generated file, and put the new hash into the lock file."""
    file, lockfile = package / path, package / LOCKFILE
    old = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(file.read_bytes() + text.encode())
    new = hashlib.sha256(file.read_bytes()).hexdigest()
    assert old in lockfile.read_text()
    lockfile.write_text(lockfile.read_text().replace(old, new))


def edit_lockfile(package: Path, schema_id: str, **values: Any) -> None:
    """Replace values in the line of one schema, those of the generated module if it has them."""
    lockfile = package / LOCKFILE
    document = json.loads(lockfile.read_text())
    entry = document[f"schema {schema_id}"]
    for key, value in values.items():
        table = entry["generated"] if key in entry["generated"] else entry
        assert key in table
        table[key] = value
    lines = [f"{json.dumps(key)}: {json.dumps(document[key])}" for key in document]
    lockfile.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def replace_version(package: Path, version: str) -> None:
    """Make the lock file say that another version of the tool generated everything."""
    lockfile = package / LOCKFILE
    current = json.loads(lockfile.read_text())["engage-codegen"]["version"]
    lockfile.write_text(lockfile.read_text().replace(f'"{current}', f'"{version}'))


def write_bytecode(source: Path, code: str, *, is_checked: bool) -> None:
    """Write bytecode of other code into the cache of a module.

    Unless `is_checked`, Python loads it without looking at the source.
    """
    cached = Path(importlib.util.cache_from_source(str(source)))
    cached.parent.mkdir(exist_ok=True)
    other = source.with_name("other_code.txt")
    other.write_text(code)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if is_checked:
        mode = py_compile.PycInvalidationMode.TIMESTAMP
    py_compile.compile(str(other), cfile=str(cached), invalidation_mode=mode)
    other.unlink()
