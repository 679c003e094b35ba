"""Whether exactly this package can be deployed against a tenant. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ..compat import compare
from ..findings.finding import Finding
from ..schema.envelope import Schema
from .packages import Artefact
from .sides import CODES, findings

Verdict: TypeAlias = Literal["SAFE", "BREAKS", "UNKNOWN"]


@dataclass(frozen=True, slots=True)
class Row:
    """The verdict for one schema of a package at one tenant, and what it rests on."""

    package: str
    schema_id: str
    tenant: str
    found: Sequence[Finding]

    @property
    def verdict(self) -> Verdict:
        """UNKNOWN where anything is open, unless something surely breaks."""
        codes = {finding.code for finding in self.found}
        if CODES["BREAKING"][0] in codes:
            return "BREAKS"
        return "UNKNOWN" if CODES["UNKNOWN"][0] in codes else "SAFE"


def judge(artefact: Artefact, tenant: str, theirs: Mapping[str, Schema] | None) -> list[Row]:
    """One row for each schema that the package has code for; `theirs` is None where the tenant gave
    no answer, and then nothing is known."""
    if theirs is None:
        return [
            Row(artefact.name, it, tenant, [_unknown(it, "the tenant gave no answer", tenant)])
            for it in sorted({*artefact.schemas, *artefact.doubts})
        ]
    rows: list[Row] = []
    # The wider dialect judges all that either generates.
    changes = compare(artefact.schemas, theirs, "json-schema")
    placed = findings(changes, artefact.folder)
    for schema_id in sorted({*artefact.schemas, *artefact.doubts}):
        found = [replace(it, tenant=tenant) for it, _ in placed if it.schema_id == schema_id]
        if schema_id in artefact.doubts:
            found.append(_unknown(schema_id, artefact.doubts[schema_id], tenant))
        rows.append(Row(artefact.name, schema_id, tenant, found))
    return rows


def _unknown(schema_id: str, why: str, tenant: str) -> Finding:
    code, severity = CODES["UNKNOWN"]
    fix = "generate and build the package again, or ask the tenant again"
    return Finding(code, severity, schema_id, (), why, fix, tenant=tenant)
