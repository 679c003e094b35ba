"""The command `docs`."""

import sys

import click

from ..errors import InputError
from ..findings.codes import documentation_url
from ..schema.text import quote, suggest
from .console import is_terminal, print_line
from .options import verbosity_options

EXAMPLES = ["engage-codegen docs", "engage-codegen docs quickstart"]


def _complete_pages(_context: object, _parameter: object, incomplete: str) -> list[str]:
    from ..render.resources import documentation_pages

    return [name for name in documentation_pages() if name.startswith(incomplete)]


@click.command("docs")
@click.argument(
    "page", required=False, default="", metavar="[PAGE]", shell_complete=_complete_pages
)
@click.option("--open", "is_opened", is_flag=True, help="Open the page on the web instead.")
@verbosity_options
def command(page: str, is_opened: bool) -> int:
    """Print a page of the documentation.

    Without PAGE, list all pages.

    The pages belong to the installed version and need no network. On a terminal they are laid out
    and shown in a pager; elsewhere they are Markdown.
    """
    from ..render.resources import documentation_pages

    pages = documentation_pages()
    if not page:
        width = max(map(len, pages))
        for name, text in pages.items():
            print_line(f"{name:{width}}  {_title(text)}")
        return 0
    name = page.removesuffix(".md")
    if name not in pages:
        raise InputError(
            f"there is no page {quote(page)}",
            where="engage-codegen docs",
            fix=suggest(page, pages) or "engage-codegen docs lists the pages",
        )
    if is_opened:
        return _open(name)
    _print_page(pages[name])
    return 0


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def _open(name: str) -> int:
    url = documentation_url()
    if not url:
        raise InputError(
            "the documentation of this version is not on the web",
            where="the metadata of the installed engage-codegen",
            fix=f"engage-codegen docs {name}",
        )
    return click.launch(f"{url}/{name}.html")


def _print_page(text: str) -> None:
    if not is_terminal(sys.stdout):
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    with console.pager():  # without styles, which some pagers show as escape sequences
        console.print(Markdown(text))
