"""The requirement by which other projects install this tool."""

import json
import re
import subprocess  # nosec B404
from importlib import metadata
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from .. import __version__
from ..errors import InputError

IS_ON_INDEX = False
"""True if package indexes serve this tool under its name. Until then `init` never writes a
requirement that an index has to serve, because somebody else could take the name. Setting this to
True makes `init` write ``engage-codegen==VERSION``."""

NAME = "engage-codegen"
"""The name of the distribution."""

# Without characters that end a string, or mean something to a shell, in the files of `init`.
_URL = re.compile(
    r"""((git|hg|svn|bzr)\+)?(https?|ssh|file)://[^\s\0-\x1f\x7f-\U0010ffff"'`$\\;,<>|{}\[\]]+"""
)
_SCP_URL = re.compile(r"(?P<host>[\w.-]+@[\w.-]+):(?P<path>[^/].*)")


def tool_requirement(reference: str = "") -> str:
    """Return the requirement that installs this tool, or an empty string if it is unknown.

    `reference` is a URL or a path that pip can install. Without it, this is the version on the
    index, or the reference that this tool was itself installed from: a URL, the remote of a clone,
    or the folder of a clone. Raises `InputError` for a reference that pip cannot install.
    """
    if reference:
        return f"{NAME} @ {_parse_reference(reference)}"
    if IS_ON_INDEX:
        return f"{NAME}=={__version__}"
    installed = _installed_reference()
    return f"{NAME} @ {installed}" if installed else ""


def is_local(requirement: str) -> bool:
    """Return True if only this machine can install the requirement."""
    return " @ file:" in requirement


def _parse_reference(reference: str) -> str:
    if _URL.fullmatch(reference):
        return reference
    path = Path(reference)
    if path.exists():
        return path.resolve().as_uri()
    raise InputError(
        "pip cannot install engage-codegen from this reference",
        where=f"--install-from {reference}",
        fix="pass the path of a clone or a wheel, or a URL such as "
        "git+https://git.example.com/engage-codegen@v1.0",
    )


def _installed_reference() -> str:
    """Return where this tool was installed from, as pip recorded it (PEP 610), or ""."""
    try:
        text = metadata.distribution(NAME).read_text("direct_url.json")
        record = cast("dict[str, object]", json.loads(text or "{}"))
    except (metadata.PackageNotFoundError, ValueError):
        return ""
    url = str(record.get("url", ""))
    vcs = record.get("vcs_info")
    if isinstance(vcs, dict):
        info = cast("dict[str, object]", vcs)
        reference = f"{info.get('vcs')}+{url}@{info.get('commit_id')}"
    elif "dir_info" in record:
        reference = _remote_of_clone(Path(url2pathname(urlsplit(url).path))) or url
    else:
        reference = url
    return reference if _URL.fullmatch(reference) else ""


def _remote_of_clone(folder: Path) -> str:
    """Return the URL of a clone's remote and its commit, without credentials, or ""."""
    if not (folder / ".git").exists():
        return ""
    remote, commit = (
        _ask_git(folder, *arguments)
        for arguments in (("remote", "get-url", "origin"), ("rev-parse", "HEAD"))
    )
    scp = _SCP_URL.fullmatch(remote)
    parts = urlsplit(f"ssh://{scp['host']}/{scp['path']}" if scp else remote)
    if parts.scheme not in ("https", "ssh") or not commit:
        return ""
    user = parts.username if parts.scheme == "ssh" else None
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{user}@{host}" if user else host
    return f"git+{urlunsplit((parts.scheme, netloc, parts.path, '', ''))}@{commit}"


def _ask_git(folder: Path, *arguments: str) -> str:
    """Return what git prints, or "" if it fails or is not installed."""
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # nosec B603
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
