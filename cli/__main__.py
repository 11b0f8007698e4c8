"""Entry point of `fermata-admin` and of `python -m cli`."""

import sys

from cli.admin import main
from local.errors import exit_code_of


def run() -> int:
    """Run the command in `sys.argv` and return its exit code."""
    return exit_code_of(lambda: main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(run())
