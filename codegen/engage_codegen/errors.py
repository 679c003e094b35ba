"""Every way in which a command can fail, and the exit code that each one leads to.

    CodegenError
      ConfigError            2   a key of the configuration, a flag or an environment variable
      InputError             2   a local file or folder: unreadable, not JSON, unwritable
        LockfileError            the lock file is damaged, or of a newer format
      SourceError            5   a tenant, and only a tenant
        UnauthorizedError        the key was refused; the message names its variable, never the key
        UnreachableError         no answer
        MalformedResponseError   an unusable answer: HTML, truncated, a listed schema that is gone
      SchemaError            1   a schema that cannot become code: id, JSON pointer, rule
        NameCollisionError       two names of the tenant that become one name in Python
        RefusedSchemaError       a schema that the tenant refused to create
      RenderError            2   a template produced invalid Python; always a bug of this tool
      TemplateError          2   a template of the project is wrong: template and line
      VersionMismatchError   1   another version of this tool wrote the package, or is required
      WriteConflictError     1   a file in the output that this tool may not replace
        InterruptedRunError      an earlier run was killed while it wrote
      RemovalError         1   several modules would be deleted, and nobody said so

Every message says what is wrong, where, and what to do about it.
"""

from collections.abc import Sequence
from typing import NamedTuple

API_KEY_VARIABLE = "ENGAGE_API_KEY"
"""The environment variable with a tenant's API key. The key of a named tenant is looked up first
in the variable with the name appended, such as ``ENGAGE_API_KEY_STAGING``."""


class Location(NamedTuple):
    """A place in a file: its path for people, a JSON pointer, and line and column from 1.

    `line` is 0 if the place has no line; `file` is empty if there is no file.
    """

    file: str = ""
    pointer: str = ""
    line: int = 0
    column: int = 0


class CodegenError(Exception):
    """The base of all errors: what is wrong (`message`), `where`, and what to do (`fix`).

    `exit_code` is the exit code of the process, `code` the finding that reports the error, and
    `location` the file and line, as far as they are known.
    """

    exit_code = 2
    code = "EG500"

    def __init__(
        self, message: str, *, where: str, fix: str, location: Location | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.fix = fix
        self.location = location or Location()

    @property
    def lines(self) -> list[str]:
        """The lines of the error. They may contain foreign text, line feeds of `where` included."""
        return [*self.message.split("\n"), f"  where: {self.where}", f"  fix: {self.fix}"]

    def __str__(self) -> str:
        return "\n".join(self.lines)


class ConfigError(CodegenError):
    """A key or value in the configuration, a flag or an environment variable is wrong."""

    code = "EG501"


class InputError(CodegenError):
    """A local file or folder cannot be read, understood or written."""

    code = "EG502"


class LockfileError(InputError):
    """The lock file is damaged, or a newer version of this tool wrote it."""

    code = "EG503"


class SourceError(CodegenError):
    """A tenant did not return its schemas. The snapshot is unchanged, and `generate` works."""

    exit_code = 5
    code = "EG504"


class UnauthorizedError(SourceError):
    """The tenant refused the API key."""

    code = "EG505"


class UnreachableError(SourceError):
    """The tenant did not answer."""

    code = "EG506"


class MalformedResponseError(SourceError):
    """The tenant returned a response that does not answer the request."""

    code = "EG507"


class SchemaProblem(NamedTuple):
    """One reason why a schema cannot become code.

    `code` is the rule. `parts` lead from the envelope to the place, unescaped. `reason` is what
    identifies the problem beside them, as data. `message` and `fix` are for people, and `origin`
    is the file or URL of the schema. `location` is the line of a file that says more than the
    schema, such as its contract.
    """

    code: str
    schema_id: str
    parts: tuple[str, ...]
    reason: tuple[str, ...]
    message: str
    fix: str
    origin: str = ""
    location: Location = Location()

    @property
    def title(self) -> str:
        """The schema, the message and the code."""
        return f"{self.schema_id}: {self.message} ({self.code})"

    @property
    def where(self) -> str:
        """The file or URL and the place in it, or the schema and the place."""
        if self.location.line:
            return f"{self.location.file}:{self.location.line}"
        place = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in self.parts)
        return f"{self.origin or self.schema_id}#{place}"

    @property
    def lines(self) -> list[str]:
        """The lines of the problem, as in `CodegenError`."""
        return [self.title, f"  where: {self.where}", f"  fix: {self.fix}"]


class SchemaError(CodegenError):
    """One or several schemas cannot become code; `problems` are all the reasons."""

    exit_code = 1
    code = "EG120"

    def __init__(self, problems: Sequence[SchemaProblem]) -> None:
        self.problems = tuple(problems)
        *others, last = self.problems
        lines = [line for problem in others for line in problem.lines]
        super().__init__("\n".join([*lines, last.title]), where=last.where, fix=last.fix)

    @property
    def lines(self) -> list[str]:
        """The lines of all problems."""
        return [line for problem in self.problems for line in problem.lines]


class NameCollisionError(SchemaError):
    """Two names of the tenant become the same name in Python."""


class RefusedSchemaError(SchemaError):
    """The tenant refused to create a schema: it answered with `status` and perhaps with `reason`.

    `origin` is the file of the schema.
    """

    code = "EG509"

    def __init__(self, schema_id: str, origin: str, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        detail = f": {reason}" if reason else ""
        problem = SchemaProblem(
            self.code,
            schema_id,
            ("jsonSchema",),
            (str(status),),
            f"the tenant refused the schema (status {status}){detail}",
            "correct the schema as the tenant says",
            origin,
        )
        super().__init__([problem])


class RenderError(CodegenError):
    """A template produced something that is not Python. This is a bug in engage-codegen."""

    code = "EG508"


class TemplateError(CodegenError):
    """A template of the project is wrong. `where` is its file, and `line` the line in it."""

    code = "EG511"

    def __init__(self, message: str, *, where: str, fix: str, line: int = 1) -> None:
        super().__init__(
            message,
            where=f"{where}:{line}",
            fix=fix,
            location=Location(where, "", line, 1),
        )


class StalePackageError(CodegenError):
    """A package is not what `generate` writes, or has files that nobody generated."""

    exit_code = 1
    code = "EG401"


class VersionMismatchError(CodegenError):
    """Another version of engage-codegen wrote the package, or the project requires another one."""

    exit_code = 1
    code = "EG404"


class FileConflict(NamedTuple):
    """One file that must not be replaced: its path below the package, why, and what to do."""

    path: str
    message: str
    fix: str
    location: Location


class WriteConflictError(CodegenError):
    """Files in the output were edited by hand, or were never written by this tool.

    `conflicts` are all of them; the message of the error is that of the first. There are none if
    something else than the contents of files is in the way.
    """

    exit_code = 1
    code = "EG405"

    def __init__(
        self,
        message: str,
        *,
        where: str,
        fix: str,
        location: Location | None = None,
        conflicts: Sequence[FileConflict] = (),
    ) -> None:
        super().__init__(message, where=where, fix=fix, location=location)
        self.conflicts = tuple(conflicts)


class InterruptedRunError(WriteConflictError):
    """An earlier run was killed while it wrote, and has to be completed."""

    code = "EG406"


class RemovalError(CodegenError):
    """Several modules would be deleted because their schemas are missing; nobody confirmed it."""

    exit_code = 1
    code = "EG409"
