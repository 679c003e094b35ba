"""The command `verify`."""

import click

from ..config import Config
from ..sources.interface import ApiKey
from .console import print_line, print_status
from .options import config_options, load_configs, run_for_targets

EXAMPLES = ["engage-codegen verify"]


@click.command("verify")
@config_options
def command(**options: object) -> int:
    """Compare the package with an independent validator.

    For every schema of the snapshot, valid and nearly valid payloads are given to the generated
    class and to jsonschema-rs. Exit code 1 if they disagree, if a payload does not survive reading
    and writing, if an installed type checker reports an error, or if the package is stale. Works
    offline.
    """
    from ..verify import verify

    def verify_target(config: Config, _key: ApiKey) -> int:
        result = verify(config)
        for line in result.format_lines():
            print_line(line)
        print_status(result.verdict)
        return 0 if result.is_sound else 1

    return run_for_targets(load_configs(options), verify_target)
