"""``python -m engage_codegen``, and the command ``engage-codegen``.

``python -m`` looks for this package in the current folder first, before any code of ours runs.
``python -P -m engage_codegen`` does not.
"""

import os
import signal
import sys


def main() -> None:
    """Run the command line and exit with its code (0-5, 130)."""
    # A job that is canceled cleans up as it does after Ctrl-C: `push` deletes what is temporary.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if sys.argv[1:] == ["generate"] and _has_nothing_to_do():
            return
        from .cli.app import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


def _has_nothing_to_do() -> bool:
    """Answer a plain ``generate`` that has nothing to do; return False for any other run.

    Importing click takes longer than this answer, which editors and builds wait for.
    """
    from pathlib import Path

    from . import config
    from .errors import CodegenError
    from .output.freshness import count_current

    if "_ENGAGE_CODEGEN_COMPLETE" in os.environ:  # a shell asks for completions
        return False
    try:
        configs = config.load(file=None, environ=os.environ, flags={}, folder=Path.cwd())
    except (CodegenError, OSError):
        return False
    count = count_current(configs[0]) if len(configs) == 1 else None
    if count is None:
        return False
    if sys.stderr is not None:  # closed from outside: print would use stdout
        print(f"up to date: {count} schema{'' if count == 1 else 's'}", file=sys.stderr)
    return True


def _forget_current_folder() -> None:
    """Keep the modules of the current folder, which ``python -m`` put first, from being imported.

    The tool may run on a branch that nobody has read yet.
    """
    try:
        folder = os.getcwd()
    except OSError:  # it was deleted, and has no modules
        return
    if not sys.flags.safe_path and sys.path and sys.path[0] in ("", folder):
        del sys.path[0]


if __name__ == "__main__":
    _forget_current_folder()
    main()
