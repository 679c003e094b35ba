"""Child processes that run a function of a test."""

import os
import traceback
from collections.abc import Callable

from engage_codegen.errors import CodegenError

CRASHED = 99


def fork(act: Callable[[], object]) -> int:
    """Run `act` in a child process, and return its process id.

    The child exits with 0, with the exit code of a `CodegenError`, or with `CRASHED`.
    """
    child = os.fork()
    if child:
        return child
    code = CRASHED
    try:
        act()
        code = 0
    except CodegenError as error:
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def exit_code_of(child: int) -> int:
    """Wait for the end of a child, and return its exit code; negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
