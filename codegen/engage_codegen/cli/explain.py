"""The command that explains: explain."""

from pathlib import Path

import click

from ..config import Config
from ..output import snapshot
from ..schema.text import escape
from ..sources.interface import ApiKey
from .console import say
from .options import configured, each, known_ids, load, tell_unread


@click.command("explain")
@click.argument("what", metavar="ID[.PROPERTY]", shell_complete=known_ids)
@configured
@click.option(
    "--usage",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Also list the calls in this source tree.",
)
def command(what: str, usage: tuple[Path, ...], **options: object) -> int:
    """Tell where a schema or property comes from and what became of it.

    Where it lies, what it is called in Python and why, its rules, its attributes on the platform,
    the smallest payload that has it, and with --usage where it is used. Works offline.
    """
    from ..inspection import call_sites as using
    from ..inspection import explain as explaining

    def one(settings: Config, _: ApiKey) -> int:
        subject = explaining.subject(settings, what)
        for label, text in explaining.lines(subject):
            _line(label, text)
        if usage:
            made = snapshot.read_lock(settings.output).made()
            found = using.find(usage, settings.output, made)
            tell_unread(found.unread)
            calls = list(explaining.used(subject, found.sites))
            for call in calls:
                _line("used", call)
            if not calls:
                say("no call was found")
        return 0

    return each(load(options), one)


def _line(label: str, text: str) -> None:
    click.echo(f"{label:10} {escape(text)}")
