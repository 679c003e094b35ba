"""The answer where nothing has changed, which is the usual one: before every build, on every save.

What finds it is what the commands use as well; only the library of the command line, two thirds of
the time of such a run, is left out. Whatever is not as usual is left to the commands.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from .errors import CodegenError

_STAGING = ".engage-codegen-"


def is_up_to_date(arguments: Sequence[str]) -> bool:
    """Answer a plain ``generate`` or ``check`` of a package that is fresh; False if it is anything
    else."""
    if list(arguments) not in (["generate"], ["check"]) or _completes():
        return False
    from pathlib import Path

    from . import config
    from .output import freshness, snapshot

    try:
        (one,) = config.load(file=None, environ=os.environ, flags={}, folder=Path.cwd())
        if any(name.startswith(_STAGING) for name in os.listdir(one.output)):
            return False
        lock = snapshot.read_lock(one.output)
        is_checking = arguments[0] == "check"
        if is_checking and (lock.errors != 0 or one.waivers):
            return False
        if not freshness.is_fresh(one, lock, freshness.local(one)):
            return False
    except (CodegenError, OSError, ValueError, RecursionError):
        return False
    count = len(lock.made())
    schemas = f": {count} schema{'' if count == 1 else 's'}"
    if sys.stderr is not None:  # closed from outside: print would take stdout
        with suppress(OSError):
            print(f"up to date{'' if is_checking else schemas}", file=sys.stderr, flush=True)
    return True


def _completes() -> bool:
    return "_ENGAGE_CODEGEN_COMPLETE" in os.environ
