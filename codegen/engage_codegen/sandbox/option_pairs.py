"""Options as `name=value` pairs, as on a command line."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydantic import ValidationError

from engage_codegen.errors import ConfigError
from engage_codegen.sandbox.options import Options


def parse_options(
    pairs: Iterable[str], observed: Mapping[str, object] = MappingProxyType({})
) -> Options:
    """Build options from `name=value` pairs, which replace the observed values.

    Raises:
        ConfigError: An option does not exist or has an invalid value.
    """
    values: dict[str, object] = dict(observed)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        values[name] = _parse_value(text) if equals else None
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0])
        names = ", ".join(field.alias or "" for field in Options.model_fields.values())
        if problem["type"] == "extra_forbidden":
            raise ConfigError(
                f"The sandbox has no option {name!r}.",
                where=f"--option {name}",
                fix=f"Use one of these options: {names}.",
            ) from None
        raise ConfigError(
            f"The option {name!r} has an invalid value. {problem['msg']}.",
            where=f"--option {name}",
            fix=f"Pass --option {name}=VALUE with a value that docs/sandbox.md lists.",
        ) from None


def _parse_value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
