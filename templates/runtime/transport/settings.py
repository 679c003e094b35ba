"""The settings of a client from the environment."""

import os
from typing import TypedDict

from ..errors import ConfigurationError


class Settings(TypedDict):
    """The arguments of both clients that the environment can set."""

    base_url: str
    api_key: str
    user_agent: str
    api_version: str


def settings_from_environment() -> Settings:
    """Read ``ENGAGE_BASE_URL``, ``ENGAGE_API_KEY``, ``ENGAGE_USER_AGENT``, ``ENGAGE_API_VERSION``.

    Only the last one is optional. Raises `ConfigurationError`.
    """
    return Settings(
        base_url=_variable("ENGAGE_BASE_URL"),
        api_key=_variable("ENGAGE_API_KEY"),
        user_agent=_variable("ENGAGE_USER_AGENT"),
        api_version=os.environ.get("ENGAGE_API_VERSION") or "v3",
    )


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"The environment variable {name} is not set. Set it.")
    return value
