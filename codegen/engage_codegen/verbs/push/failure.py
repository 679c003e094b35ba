"""A push that failed: what failed, and what the tenant has and lacks since. Facts only."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ...errors import CodegenError
from ...schema.envelope import Schema
from .changes import AttributeChange

FailedStep: TypeAlias = Literal["prove", "delete", "create", "read"]
State: TypeAlias = Literal["unchanged", "created", "restored", "missing", "unknown"]
"""What the tenant has under the id: what it had before; the new schema; the old one, created again
without its interactions; none; or nobody could find out."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a schema was not replaced as planned, and what became of it.

    `leftover` is the temporary id that the tenant still has, or may have. `previous` is the old
    schema if it was deleted with its interactions, or may have been. `restored_otherwise` says how
    the restored schema differs from it, because the tenant did not accept it as it was.
    """

    schema_id: str
    step: FailedStep
    state: State
    cause: CodegenError
    leftover: str = ""
    previous: Schema | None = None
    restored_otherwise: tuple[AttributeChange, ...] = ()


class PushError(CodegenError):
    """A push that stopped. `failure` has the facts; the exit code is that of its cause."""

    def __init__(self, failure: Failure, message: str, fix: str) -> None:
        cause = failure.cause
        super().__init__(message, where=cause.where, fix=fix, location=cause.location)
        self.failure = failure
        self.code = cause.code
        self.exit_code = cause.exit_code
