"""The group of all commands, and what becomes of their errors.

The only module that catches. Data goes to stdout, status messages to stderr.
"""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from .. import __version__
from ..errors import CodegenError
from ..schema.text import suggest
from .console import (
    Verbosity,
    escape_unencodable,
    hide_keys,
    print_error,
    print_lines,
    print_status,
    print_traceback,
)

COMMANDS = {
    "init": "Set up the tool in the repository of the current folder.",
    "pull": "Fetch the schemas of the tenant into the snapshot.",
    "generate": "Write the package from the snapshot.",
    "check": "Check that the package is what generate would write.",
    "list": "List the schemas of the snapshot.",
    "lint": "Report problems in schemas before anybody depends on them.",
    "contract": "Write the first version of the contract of a schema.",
    "templates": "Copy and check templates of your own.",
    "diff": "Report whether code generated from A still fits B, and why not.",
    "push": "Create the project's schemas in the tenant.",
    "probe": "Ask a tenant how it behaves where the platform is not documented.",
    "preflight": "Check whether exactly this package can be deployed.",
    "explain": "Explain where a schema or property comes from and what became of it.",
    "catalogue": "Write a site about the schemas, for people who read no code.",
    "verify": "Compare the package with an independent validator.",
    "sandbox": "Run the sandbox, a local Engage, until Ctrl-C.",
    "outbox-sql": "Print the SQL that creates the tables of an outbox in PostgreSQL.",
    "docs": "Print a page of the documentation.",
    "completion": "Print the completion script for a shell.",
}
"""Each command, implemented in the module of its name, and its line in the list of all."""

HELP_PAGES = {
    "init": "quickstart",
    "pull": "quickstart",
    "generate": "package",
    "check": "ci",
    "list": "package",
    "lint": "ci",
    "contract": "contracts",
    "templates": "templates",
    "diff": "ci",
    "push": "ci",
    "probe": "probe",
    "preflight": "ci",
    "explain": "ci",
    "catalogue": "contracts",
    "verify": "soundness",
    "sandbox": "sandbox",
    "outbox-sql": "several-machines",
    "docs": "troubleshooting",
    "completion": "editors",
}
"""Command -> the page of the documentation about it."""

COMPLETE_VARIABLE = "_ENGAGE_CODEGEN_COMPLETE"
"""The environment variable by which a shell requests completions."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code.

    0 fine, 1 findings, 2 usage, configuration, local input or a bug of ours, 3 and 4 the tenant
    differs, 5 the tenant did not answer, 130 interrupted.
    """
    escape_unencodable()
    Verbosity.level, Verbosity.debug = 1, "--debug" in arguments
    if os.environ.get(COMPLETE_VARIABLE, "").startswith("powershell"):
        import_module(".completion", __package__)  # click knows the other shells
    try:
        result = main.main(list(arguments), "engage-codegen", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # what cannot be written has to show before the exit code
    except BaseException as error:
        print_traceback(error)
        return _handle_error(error)
    return result if isinstance(result, int) else 0


def _handle_error(error: BaseException) -> int:
    """Print what ended the run, and return its exit code."""
    if isinstance(error, OSError):
        from .reporting import describe_path_error

        error = describe_path_error(error) or error
    if isinstance(error, click.ClickException):
        _print_usage_error(error)
        return 2
    if isinstance(error, CodegenError):
        print_error(error)
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        _drop_output()  # because its reader is gone
        return 1
    if isinstance(error, OSError) and error.filename is None and error.errno in _UNWRITABLE:
        _drop_output()
        message = f"error: the output of the command cannot be written: {error.strerror}"
        fix = "  fix: check the free space on the disk that it is redirected to"
        print_lines([message, "  where: stdout", fix], 0)
        return 2
    if isinstance(error, click.Abort) or _was_interrupted(error):
        print_status("interrupted", 0)
        return 130
    if isinstance(error, SystemExit):
        raise error
    message = f"internal error: {type(error).__name__}: {hide_keys(str(error))}"
    fix = "  fix: this is a bug in engage-codegen; run again with --debug and report it"
    print_lines([*message.split("\n"), fix], 0)
    return 2


def _print_usage_error(error: click.ClickException) -> None:
    """Print an error of click in its own layout. An argument in it may be foreign text."""
    lines: list[str] = []
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        lines += context.get_usage().split("\n")
        lines += [f"Try '{context.command_path} --help' for help.", ""]
    message = f"Error: {error.format_message()}"
    is_listing = isinstance(error, click.MissingParameter)  # the choices, one a line
    print_lines([*lines, *(message.expandtabs(2).split("\n") if is_listing else [message])], 0)


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The errors of a stdout that is redirected to a full disk, or to one that fails."""


def _drop_output() -> None:
    """Keep Python from trying to flush the rest of stdout when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _was_interrupted(error: BaseException | None) -> bool:
    """Return True if Ctrl-C is behind an error: some libraries wrap it in one of their own."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


class _CommandGroup(click.Group):
    """Imports the module of a command when the command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f".{cmd_name.replace('-', '_')}", __package__)
        command: click.Command = module.command
        examples: list[str] = module.EXAMPLES
        lines = ["\b", "Examples:", *(f"  {line}" for line in examples)]
        lines += ["", "\b", "Documentation:", f"  engage-codegen docs {HELP_PAGES[cmd_name]}"]
        command.epilog = "\n".join(lines)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = suggest(args[0], COMMANDS)
            hint = f" {near[0].upper()}{near[1:]}" if near else ""
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(__version__, prog_name="engage-codegen")
def main() -> None:
    """Typed Python for the interactions of Voyado Engage."""
