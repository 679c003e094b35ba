"""Where the templates are, and their fingerprint."""

import os

from .schema import digest


def templates_folder() -> str:
    """The folder with ``package`` and ``runtime``.

    In a checkout, an editable install included, it is the one beside ``codegen/``; there the
    package may hold a stale copy, so the checkout's is looked for first. A wheel carries its own.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    source_root, name = os.path.split(os.path.dirname(package))
    checkout = os.path.join(source_root, "templates")
    if name == "codegen" and os.path.isfile(os.path.join(checkout, "package", "module.py.jinja")):
        return checkout
    return os.path.join(package, "_templates")


def template_files() -> dict[str, str]:
    """Every template and runtime file: path below the folder, with ``/`` -> path on disk."""
    root = templates_folder()
    found: dict[str, str] = {}
    for part in ("package", "runtime"):
        with os.scandir(os.path.join(root, part)) as entries:
            for entry in entries:
                if entry.is_file() and not entry.name.endswith(".pyc"):
                    found[f"{part}/{entry.name}"] = entry.path
    return dict(sorted(found.items()))


def templates_digest() -> str:
    """One hash over the names and the LF-normalised contents of all templates."""
    lines: list[str] = []
    for name, path in template_files().items():
        with open(path, "rb") as file:
            lines.append(f"{name} {digest(file.read())}\n")
    return digest("".join(lines))
