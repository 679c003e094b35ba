"""What is wrong with schemas, before anybody depends on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import InputError
from ..filesystem import put
from ..findings.finding import Finding, ordered
from ..schema.envelope import Dialect
from ..schema.jsontext import canonical_json
from ..sources.documents import Document, read
from .verdicts import of_schema, of_tenant


def lint(
    paths: Sequence[Path], spoken: Dialect, renames: Mapping[str, str], *, fix: bool = False
) -> list[Finding]:
    """What is wrong with the schemas in files and folders, taken together as one tenant's.

    With `fix`, files are first put right where that needs no judgement. Raises `InputError`.
    """
    documents = [read(file) for path in paths for file in _files(path)]
    if fix:
        documents = [_put_right(document) for document in documents]
    owners = {schema.id: document for document in documents for _, schema in document.schemas}
    schemas = {schema.id: schema for document in documents for _, schema in document.schemas}
    found = [finding for document in documents for finding in document.broken]
    for document in documents:
        own = [it for _, schema in document.schemas for it in of_schema(schema, spoken)]
        if not document.broken and not document.is_canonical:
            reason = "the file is not canonical JSON, so that a diff shows more than what changed"
            schema_id = document.schemas[0][1].id if document.schemas else document.path.stem
            own.append(Finding("EG101", "note", schema_id, (), reason, "run lint --fix"))
        found += document.placed(own)
    for finding in of_tenant(schemas, renames):
        owner = owners.get(finding.schema_id)
        found += owner.placed([finding]) if owner else [finding]
    return ordered(found)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(it for it in path.glob("*.json") if it.name != "codegen.lock.json")
    if not files:
        raise InputError("the folder holds no *.json file", where=str(path), fix="check the path")
    return files


def _put_right(document: Document) -> Document:
    if document.broken:
        return document
    from .fixes import fixed

    text = canonical_json(fixed(document.value))
    if text == document.text.replace("\r\n", "\n"):
        return document
    put({document.path: text})
    return read(document.path)
