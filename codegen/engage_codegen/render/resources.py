"""The files that the tool brings along: templates, copied files, and pages of documentation."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache

from ..schema.jsontext import digest

_FOLDERS = ("package", "runtime", "static")


def templates_folder() -> str:
    """Return the folder with ``package``, ``runtime`` and ``static``.

    In a checkout, editable installs included, it is the one beside ``codegen/``. The installed
    package may hold a stale copy there, so the checkout is looked for first.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    source_root, name = os.path.split(os.path.dirname(package))
    checkout = os.path.join(source_root, "templates")
    if name == "codegen" and os.path.isfile(os.path.join(checkout, "package", "module.py.jinja")):
        return checkout
    return os.path.join(package, "_templates")


def template_files() -> dict[str, str]:
    """Return every template and copied file: path below the folder, with ``/`` -> path on disk."""
    root = templates_folder()
    return {path: file for folder in _FOLDERS for path, file in sorted(_walk(root, folder))}


_HTTP_LIBRARY = "runtime/transport/http_library.py"
_HTTP_LIBRARIES = {"httpx": _HTTP_LIBRARY, "httpx2": "runtime/transport/http_library_httpx2.py"}
"""HTTP library -> the file that a package has as its ``http_library.py``."""


_NEEDS = {"postgres": "outbox"}
"""Optional part -> the part that it is made of."""


def copied_files(without: Collection[str], http: str) -> dict[str, str]:
    """Return the files of a package that do not depend on schemas: path in the package -> text.

    An optional part that a package is `without` is the folder ``_runtime/<part>`` and the module
    ``<part>.py``. It goes with the part that it needs. `http` is the HTTP library.
    """
    texts: dict[str, str] = {}
    files = template_files()
    libraries = {library: files.pop(path) for library, path in _HTTP_LIBRARIES.items()}
    files[_HTTP_LIBRARY] = libraries[http]
    for path, file in files.items():
        folder, _, rest = path.partition("/")
        part = rest.partition("/")[0].removesuffix(".py")
        if folder != "package" and not {part, _NEEDS.get(part)} & {*without}:
            with open(file, encoding="utf-8") as source:
                texts[f"_runtime/{rest}" if folder == "runtime" else rest] = source.read()
    return texts


@cache
def package_templates() -> Mapping[str, str]:
    """Return the templates of the files that depend on schemas: name -> text."""
    texts: dict[str, str] = {}
    for path, file in template_files().items():
        folder, _, name = path.partition("/")
        if folder == "package":
            with open(file, encoding="utf-8") as source:
                texts[name] = source.read()
    return texts


def example_templates() -> Mapping[str, Mapping[str, str]]:
    """Return the examples of templates: name of the example -> path of a template -> text."""
    root = templates_folder()
    examples: dict[str, dict[str, str]] = {}
    for path, file in sorted(_walk(root, "examples")):
        _, name, template = path.split("/", 2)
        with open(file, encoding="utf-8") as source:
            examples.setdefault(name, {})[template] = source.read()
    return examples


def documentation_pages() -> Mapping[str, str]:
    """Return the pages of the documentation in Markdown, sorted: name such as ``commands/check``
    -> text. Directives of the site are left out."""
    root = os.path.join(os.path.dirname(templates_folder()), "docs")
    if not os.path.isfile(os.path.join(root, "quickstart.md")):
        root = os.path.join(os.path.dirname(templates_folder()), "_docs")
    pages: dict[str, str] = {}
    for path, file in _walk(os.path.dirname(root), os.path.basename(root)):
        name, extension = os.path.splitext(path.partition("/")[2])
        if extension == ".md":
            with open(file, encoding="utf-8") as source:
                pages[name] = _without_directives(source.read(), os.path.dirname(file))
    return dict(sorted(pages.items()))


def _without_directives(text: str, folder: str) -> str:
    """Return a page without its table of contents, and with the file that it includes."""
    if match := _INCLUDE.fullmatch(text):
        with open(os.path.join(folder, match[1]), encoding="utf-8") as source:
            return source.read()
    return _TOCTREE.sub("", text)


_INCLUDE = re.compile(r"```\{include\} (\S+)\n```\s*")
_TOCTREE = re.compile(r"\n```\{toctree\}\n.*?```\n", re.DOTALL)


def templates_digest() -> str:
    """Return one digest over the paths and LF-normalized contents of all templates."""
    lines: list[str] = []
    for name, path in template_files().items():
        with open(path, "rb") as file:
            lines.append(f"{name} {digest(file.read())}\n")
    return digest("".join(lines))


def _walk(root: str, folder: str) -> Iterator[tuple[str, str]]:
    with os.scandir(os.path.join(root, folder)) as entries:
        for entry in entries:
            if entry.is_dir() and entry.name != "__pycache__":
                yield from _walk(root, f"{folder}/{entry.name}")
            elif entry.is_file() and not entry.name.endswith(".pyc"):
                yield f"{folder}/{entry.name}", entry.path
