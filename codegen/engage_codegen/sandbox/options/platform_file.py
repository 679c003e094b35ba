"""The options that `engage-codegen probe` observed, from its file `engage-platform.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias, cast

from pydantic import ValidationError

from engage_codegen.errors import InputError
from engage_codegen.sandbox.options import DOCUMENTED, Options

FILE_NAME = "engage-platform.toml"
_MAX_BYTES = 4_000_000
_FORMAT = 1

Source: TypeAlias = Literal["observed", "documented", "assumed", "set"]


@dataclass(frozen=True, slots=True)
class PlatformFile:
    """The observed options by name, the tenant that they were observed in, and the day."""

    values: Mapping[str, object]
    tenant: str
    date: str


NO_PLATFORM_FILE = PlatformFile({}, "", "")


def find_platform_file(folder: Path) -> Path | None:
    """Return the file in a folder, if there is one."""
    path = folder / FILE_NAME
    return path if path.is_file() else None


def read_platform_file(path: Path) -> PlatformFile:
    """Read the observed options.

    Raises:
        InputError: The file cannot be read, or has an option or a value that does not exist.
    """
    try:
        with open(path, "rb") as file:
            table = tomllib.loads(file.read(_MAX_BYTES).decode("utf-8-sig"))
        if table.get("format") != _FORMAT:
            raise _unusable(path, f"`format` is not {_FORMAT}")
        values, observed = table.get("options"), table.get("observed")
        if not isinstance(values, dict) or not isinstance(observed, datetime):
            raise _unusable(path, "`options` or `observed` is missing")
        Options.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(map(str, problem["loc"]))
        raise _unusable(path, f"the option {name!r}: {problem['msg']}") from None
    except OSError as error:
        raise _unusable(path, error.strerror or "it cannot be read") from None
    except (ValueError, RecursionError) as error:
        raise _unusable(path, str(error)) from None
    date = observed.astimezone(UTC) if observed.tzinfo else observed
    return PlatformFile(
        cast("dict[str, object]", values), str(table.get("tenant", "")), f"{date:%Y-%m-%d}"
    )


def find_source(name: str, value: object, platform: PlatformFile) -> Source:
    """Return how well the value of an option is known."""
    if name in platform.values and platform.values[name] == value:
        return "observed"
    if name in DOCUMENTED and DOCUMENTED[name] == value:
        return "documented"
    default = next(field.default for field in Options.model_fields.values() if field.alias == name)
    return "assumed" if name not in platform.values and value == default else "set"


def _unusable(path: Path, reason: str) -> InputError:
    return InputError(
        f"The file of observed options cannot be used: {reason}.",
        where=str(path),
        fix="Write it again with engage-codegen probe.",
    )
