"""The command line: arguments -> Config -> pipeline -> report -> exit code.

The only place that prints or catches. Data goes to stdout, talk to stderr.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from .. import __version__
from ..errors import CodegenError
from . import console as terminal
from .console import say

COMMANDS = {
    "init": "Set the tool up in the repository of the current folder.",
    "pull": "Fetch the schemas of the tenant into the snapshot.",
    "generate": "Make the package from the snapshot.",
    "check": "Tell whether the package is what generate would make.",
    "list": "List the schemas of the snapshot.",
    "lint": "Find what is wrong with schemas before anybody depends on them.",
    "diff": "Tell whether code generated from A still fits B, and if not, why.",
    "push": "Create the project's schemas in the tenant.",
    "preflight": "Tell whether exactly this package can be deployed.",
    "explain": "Tell where a schema or property comes from and what became of it.",
    "verify": "Compare the package with an independent validator.",
    "sandbox": "Run the sandbox, a local Engage, until Ctrl-C.",
    "completion": "Print the script with which a shell completes commands.",
}
"""Each command, implemented in the module of the same name, and its line in the list of all."""

COMPLETE = "_ENGAGE_CODEGEN_COMPLETE"
"""The variable by which a shell asks for completions."""


def run(arguments: Sequence[str]) -> int:
    """The exit code of a command line: 0 fine, 1 findings, 2 usage, configuration, local input or
    a bug of ours, 3 and 4 a tenant that differs, 5 one that gave no answer, 130 interrupted."""
    terminal.never_fail_on_encoding()
    terminal.Talk.level = 1
    if os.environ.get(COMPLETE, "").startswith("powershell"):
        import_module(".completion", __package__)  # click brings the others
    try:
        result = main.main(list(arguments), "engage-codegen", standalone_mode=False)
    except BaseException as error:
        if "--debug" in arguments:
            import traceback

            traceback.print_exc()
        return _ended(error)
    return result if isinstance(result, int) else 0


def _ended(error: BaseException) -> int:
    """Say what ended the run; its exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return 2
    if isinstance(error, CodegenError):
        say(f"error: {error}", 0)
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone; Python must not try to flush what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, click.Abort) or _was_interrupted(error):
        say("interrupted", 0)
        return 130
    if isinstance(error, SystemExit):
        raise error
    say(
        f"internal error: {type(error).__name__}: {error}\n"
        "  fix: this is a bug in engage-codegen; run again with --debug and report it",
        0,
    )
    return 2


def _was_interrupted(error: BaseException | None) -> bool:
    """Some libraries turn a Ctrl-C into an error of their own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".{cmd_name}", __package__)
        command: click.Command = module.command
        from .examples import epilog

        command.epilog = epilog(cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(__version__, prog_name="engage-codegen")
def main() -> None:
    """Typed Python for the interactions of Voyado Engage."""
