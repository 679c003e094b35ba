"""``python -m engage_codegen``, and the command ``engage-codegen``."""

import sys


def main() -> None:
    """Run the command line and exit with its code (0-5, 130)."""
    try:
        from .cli.app import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
