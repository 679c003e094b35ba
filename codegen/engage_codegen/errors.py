"""Everything that can go wrong, and the exit code it ends in.

    CodegenError
      ConfigError          2   a key of the configuration, a flag or an environment variable
      InputError           2   a local file or folder: unreadable, not JSON, unwritable
      SourceError          5   a tenant, and only a tenant
        NotAuthorised          the key was refused; says which variable holds it, never the key
        Unreachable            no answer
        BadAnswer              an answer that is none: HTML, truncated, a listed schema that is gone
      SchemaError          1   a schema that cannot become code: id, JSON pointer, rule
        NameCollision          two names that would be one in Python
      RenderError          2   a template made text that is no Python; always our bug
      WriteConflict        1   a file in the output that is not ours to replace

Every message says what is wrong, where, and what to do about it.
"""

API_KEY_VARIABLE = "ENGAGE_API_KEY"
"""The one place that the key of a tenant may come from; that of a tenant with a name comes first
from the variable with the name behind it, ``ENGAGE_API_KEY_STAGING``."""


class CodegenError(Exception):
    """What went wrong, where, and what to do; `exit_code` is the process's answer to it."""

    exit_code = 2

    def __init__(self, what: str, *, where: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what}\n  where: {self.where}\n  fix: {self.fix}"


class ConfigError(CodegenError):
    """A wrong key or value in the configuration, a flag or an environment variable."""


class InputError(CodegenError):
    """A local file or folder that cannot be read, understood or written."""


class SourceError(CodegenError):
    """A tenant did not give its schemas. The snapshot is as it was, and `generate` works."""

    exit_code = 5


class NotAuthorised(SourceError):
    """The tenant refused the key."""


class Unreachable(SourceError):
    """The tenant did not answer."""


class BadAnswer(SourceError):
    """The tenant answered with something that is no answer to the question."""


class SchemaError(CodegenError):
    """A schema that cannot become code.

    Where one rule of the dialect says so, `code` names it, `reason` is its sentence, and `parts`
    lead from the schema of the payload to the place, unescaped.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        where: str,
        fix: str,
        code: str = "",
        reason: str = "",
        parts: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.code = code
        self.reason = reason
        self.parts = parts


class NameCollision(SchemaError):
    """Two names of the tenant that would be one name in Python."""


class RenderError(CodegenError):
    """A template produced something that is no Python. This is a bug in engage-codegen."""


class WriteConflict(CodegenError):
    """A file in the output folder that we did not write, or that was edited since."""

    exit_code = 1
