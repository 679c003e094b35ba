"""The command that prints how a shell completes the others."""

import os

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    get_completion_class,
)

from ..errors import InputError


@add_completion_class
class PowerShell(ShellComplete):
    """Completion for PowerShell 5 and later, as click has it for bash, zsh and fish."""

    name = "powershell"
    source_template = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $env:%(complete_var)s = "powershell_complete"
    $env:COMP_WORDS = ($commandAst.CommandElements | ForEach-Object { $_.Extent.Text }) -join "`n"
    $env:COMP_CWORD = $wordToComplete
    %(prog_name)s | ForEach-Object {
        $kind, $value, $help = $_ -split "`t", 3
        if ($kind -eq "plain") {
            if (-not $help) { $help = $value }
            [System.Management.Automation.CompletionResult]::new(
                $value, $value, "ParameterValue", $help)
        } else {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
        }
    }
    Remove-Item Env:%(complete_var)s, Env:COMP_WORDS, Env:COMP_CWORD
}
"""

    def get_completion_args(self) -> tuple[list[str], str]:
        words = os.environ["COMP_WORDS"].split("\n")[1:]
        incomplete = os.environ["COMP_CWORD"]
        return (words[:-1] if incomplete and words[-1:] == [incomplete] else words), incomplete

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.type}\t{item.value}\t{item.help or ''}"


SHELLS = ("bash", "zsh", "fish", "powershell")


EXAMPLES = ["engage-codegen completion zsh > ~/.zfunc/_engage-codegen"]


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash        add to ~/.bashrc: eval "$(engage-codegen completion bash)"
    zsh         a file _engage-codegen in a folder of $fpath
    fish        a file ~/.config/fish/completions/engage-codegen.fish
    PowerShell  add to $PROFILE:
                engage-codegen completion powershell | Out-String | Invoke-Expression
    """
    from .app import COMPLETE_VARIABLE, main

    completer = get_completion_class(shell)
    if completer is None:
        raise InputError(
            f"unsupported shell: {shell}",
            where="the installed version of click",
            fix=f"supported shells: {', '.join(SHELLS)}; upgrade click",
        )
    click.echo(completer(main, {}, "engage-codegen", COMPLETE_VARIABLE).source())
