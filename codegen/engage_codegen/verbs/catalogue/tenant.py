"""What a site is made from: the schemas of each tenant, and the code that sends them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...errors import SchemaError
from ...model.build import find_build_problems
from ...schema.envelope import Dialect, Schema


@dataclass(frozen=True, slots=True)
class Caller:
    """A line of code that creates a payload of a schema or sends it."""

    file: str
    line: int
    call: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """The schemas of one tenant with their contracts, by id.

    `name` is that of the target, empty if there is only one. `callers` are the callers of each
    schema in the code at the paths `sources`, which is empty if nobody looked.
    """

    name: str
    schemas: Mapping[str, Schema]
    sources: Sequence[str] = ()
    callers: Mapping[str, Sequence[Caller]] = field(default_factory=dict[str, Sequence[Caller]])


def require_valid(schemas: Mapping[str, Schema], dialect: Dialect) -> None:
    """Raise `SchemaError` with every problem for which `generate` refuses the schemas."""
    problems = [
        problem
        for _, schema in sorted(schemas.items())
        for problem in find_build_problems(schema, dialect)
    ]
    if problems:
        raise SchemaError(problems)
