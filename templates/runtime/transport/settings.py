"""The settings of a client from the environment."""

import os
import re
from typing import TypedDict

from ..call.foreign_text import printable_line
from ..errors import ConfigurationError
from .rate_limiter import DEFAULT_RATE


class Settings(TypedDict):
    """The arguments of both clients that the environment can set."""

    base_url: str
    api_key: str
    user_agent: str
    api_version: str
    rate: int


def settings_from_environment(rate: int | None) -> Settings:
    """Read ``ENGAGE_BASE_URL``, ``ENGAGE_API_KEY``, ``ENGAGE_USER_AGENT``, ``ENGAGE_API_VERSION``
    and, unless `rate` is a number, ``ENGAGE_RATE``.

    The last two are optional. Raises `ConfigurationError`.
    """
    return Settings(
        base_url=_variable("ENGAGE_BASE_URL"),
        api_key=_variable("ENGAGE_API_KEY"),
        user_agent=_variable("ENGAGE_USER_AGENT"),
        api_version=os.environ.get("ENGAGE_API_VERSION") or "v3",
        rate=_rate() if rate is None else rate,
    )


def _rate() -> int:
    value = os.environ.get("ENGAGE_RATE") or str(DEFAULT_RATE)
    if re.fullmatch("[0-9]{1,6}", value) and int(value) > 0:
        return int(value)
    raise ConfigurationError(
        f"The environment variable ENGAGE_RATE must be a number of requests per second, at least "
        f"1, not {printable_line(value)[:40]!r}."
    )


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"The environment variable {name} is not set. Set it.")
    return value
