"""Print the section of the changelog for a tag: `python docs/release_notes.py v0.1.0`.

Fails unless the tag is the version of the tool, and the heading of the section has a date.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def read_notes(tag: str, changelog: str, module: str) -> str:
    """Return the section of a tag. `module` is the text of the module with ``__version__``."""
    version = tag.removeprefix("v")
    if f'__version__ = "{version}"' not in module:
        raise SystemExit(f"the tag {tag} is not the version in codegen/engage_codegen/__init__.py")
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    for section in sections:
        heading, _, text = section.partition("\n")
        if re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", heading):
            return text.strip() + "\n"
    raise SystemExit(f"CHANGELOG.md has no heading '## {version} (YYYY-MM-DD)'")


if __name__ == "__main__":
    texts = [
        (ROOT / path).read_text("utf-8")
        for path in ("CHANGELOG.md", "codegen/engage_codegen/__init__.py")
    ]
    print(read_notes(sys.argv[1], *texts), end="")
