"""Rules about schemas and tenants, and fixes."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import InputError
from ..filesystem import replace_files
from ..findings.finding import Finding, sort_findings
from ..schema.envelope import Dialect, file_name
from ..schema.jsontext import exact_canonical_json, loads
from ..sources.documents import Document, read_document, read_documents
from ..sources.files import REPEATED_ID_FIX, find_repeated_ids
from ..sources.folders import LOCKFILE_NAME, find_schema_files, walk_schema_files
from .verdicts import lint_schema, lint_tenant


def lint(
    paths: Sequence[Path], spoken: Dialect, renames: Mapping[str, str], *, fix: bool = False
) -> list[Finding]:
    """Return the findings about the schemas in files and folders, taken together as one tenant's.

    With `fix`, the files are first corrected where that needs no judgment. Raises `InputError`.
    """
    documents = list(read_documents(find_schema_files(paths)))
    if fix:
        documents = [_fix_document(document) for document in documents]
    owners = {schema.id: document for document in documents for _, schema in document.schemas}
    schemas = {schema.id: schema for document in documents for _, schema in document.schemas}
    findings = [finding for document in documents for finding in document.errors]
    for document in documents:
        findings += document.locate(_lint_document(document, spoken))
        findings += _lint_snapshot_file(document)
    findings += [
        Finding(
            "EG123",
            repeated.schema.id,
            ("id",),
            (),
            repeated.message,
            REPEATED_ID_FIX,
            repeated.location,
        )
        for repeated in find_repeated_ids(documents)
    ]
    for finding in lint_tenant(schemas, renames):
        owner = owners.get(finding.schema_id)
        findings += owner.locate([finding]) if owner else [finding]
    return sort_findings(findings)


def locate_findings(findings: Sequence[Finding], paths: Sequence[Path]) -> list[Finding]:
    """Return the findings with the lines of their schemas in files and folders that can be read.

    Findings that have a line, or whose schema is in none of the files, stay as they are.
    """
    owners: dict[str, Document] = {}
    for path in paths:
        for file in walk_schema_files(path) if path.is_dir() else [path]:
            with suppress(InputError):
                document = read_document(file)
                owners |= {schema.id: document for _, schema in document.schemas}
    return [
        owners[finding.schema_id].locate([finding])[0]
        if finding.schema_id in owners and not finding.location.line
        else finding
        for finding in findings
    ]


def _lint_document(document: Document, spoken: Dialect) -> list[Finding]:
    findings = [
        finding for _, schema in document.schemas for finding in lint_schema(schema, spoken)
    ]
    if not document.errors and not document.is_canonical:
        message = "the file is not canonical JSON, so diffs show more than what changed"
        schema_id = document.schemas[0][1].id if document.schemas else document.path.stem
        fix = "engage-codegen lint --fix"
        findings.append(Finding("EG101", schema_id, (), (), message, fix))
    return findings


def _lint_snapshot_file(document: Document) -> list[Finding]:
    """Return the finding about a file of a snapshot that is not the envelope of its name."""
    path, schemas = document.path, document.schemas
    if document.errors or not (path.parent / LOCKFILE_NAME).is_file():
        return []
    if document.is_bare or isinstance(document.value, list):
        message = "a snapshot file must be one envelope with `id`, `displayName` and `jsonSchema`"
        fix = "restore the file from version control, or engage-codegen pull --force"
    elif file_name(schemas[0][1].id) == path.name:
        return []
    else:
        message = f"the snapshot file contains the schema {schemas[0][1].id}, not {path.stem}"
        fix = f"name the file {file_name(schemas[0][1].id)}"
    return document.locate([Finding("EG100", path.stem, (), ("snapshot",), message, fix)])


def _fix_document(document: Document) -> Document:
    if document.errors:
        return document
    from .fixes import apply_fixes

    text = exact_canonical_json(apply_fixes(loads(document.text, exact=True)))
    if text == document.text.replace("\r\n", "\n"):
        return document
    replace_files({document.path: text})
    return read_document(document.path)
