"""Whether a package can be deployed against a tenant. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from ..compat import compare
from ..findings.finding import Finding
from ..schema.envelope import Schema
from .packages import ShippedPackage
from .sides import CODES, Comparison, findings_of_changes, owners_of

Verdict: TypeAlias = Literal["SAFE", "BREAKS", "UNKNOWN"]


@dataclass(frozen=True, slots=True)
class PreflightRow:
    """The verdict for one schema of a package and one tenant, and the findings it rests on.

    `is_unanswered` says that the schemas of the tenant are not known.
    """

    package: str
    schema_id: str
    tenant: str
    findings: Sequence[Finding]
    is_unanswered: bool = False

    @property
    def verdict(self) -> Verdict:
        """BREAKS if something surely breaks, UNKNOWN if anything is undecided."""
        if self.is_unanswered:
            return "UNKNOWN"
        codes = {finding.code for finding in self.findings}
        if CODES["BREAKING"] in codes:
            return "BREAKS"
        return "UNKNOWN" if CODES["UNKNOWN"] in codes else "SAFE"


def check_package(
    package: ShippedPackage, tenant: str, schemas: Mapping[str, Schema] | None
) -> list[PreflightRow]:
    """Return a row for each schema of a package.

    `schemas` are those of the tenant, or None if it did not answer: then nothing is known.
    """
    ids = sorted({*package.schemas, *package.doubts})
    if schemas is None:
        return [PreflightRow(package.name, schema_id, tenant, (), True) for schema_id in ids]
    # The wider dialect covers everything that either dialect generates.
    changes = compare(package.schemas, schemas, "json-schema")
    owners = owners_of(package.schemas)
    pairs = findings_of_changes(Comparison(changes, owners), package.folder, "preflight")
    rows: list[PreflightRow] = []
    for schema_id in ids:
        findings = [
            replace(finding, tenant=tenant)
            for finding, _ in pairs
            if finding.schema_id == schema_id
        ]
        if schema_id in package.doubts:
            findings.append(_doubt(schema_id, package.doubts[schema_id], tenant))
        elif schema_id in package.unproven:
            findings.append(_doubt_own_files(schema_id, package.unproven[schema_id], tenant))
        owner = owners.get(schema_id, "")
        findings = [replace(finding, owner=finding.owner or owner) for finding in findings]
        rows.append(PreflightRow(package.name, schema_id, tenant, findings))
    return rows


def _doubt(schema_id: str, message: str, tenant: str) -> Finding:
    fix = "generate and build the package again"
    return Finding(CODES["UNKNOWN"], schema_id, (), ("package",), message, fix, tenant=tenant)


def _doubt_own_files(schema_id: str, paths: Sequence[str], tenant: str) -> Finding:
    message = f"templates of the project made {', '.join(paths)}, which nothing has proved"
    fix = "run engage-codegen verify on the package in this environment, and preflight again"
    reason = ("own templates", *paths)
    return Finding(CODES["UNKNOWN"], schema_id, (), reason, message, fix, tenant=tenant)
