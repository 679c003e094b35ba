"""The command `verify`."""

from typing import TYPE_CHECKING

import click

from ..config import Config
from ..sources.interface import ApiKey
from .console import say
from .options import (
    configured,
    each,
    load,
)

if TYPE_CHECKING:
    pass


@click.command("verify")
@configured
def command(**options: object) -> int:
    """Compare the package with an independent validator.

    For every schema of the snapshot, payloads that are valid or nearly so are given to the
    generated class and to jsonschema-rs. Exit code 1 if they differ, if a payload does not survive
    reading and writing, if an installed type checker finds an error, or if the package is stale.
    Works offline.
    """
    from ..verify import verify as verified

    def one(settings: Config, _: ApiKey) -> int:
        result = verified(settings)
        for line in result.format_lines():
            print(line)
        say(result.verdict)
        return 0 if result.is_sound else 1

    return each(load(options), one)
