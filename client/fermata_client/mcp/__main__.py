"""`python -m fermata_client.mcp`: the server as a process, without the command line's packages."""

import argparse
import sys
from collections.abc import Sequence

from fermata_client.errors import SettingsError
from fermata_client.mcp.server import serve


def whole_credits(text: str) -> int:
    """A number of credits; raises `ArgumentTypeError`."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"expected a whole number of credits, 0 or more, found {text!r}")
    return int(text)


def run(arguments: Sequence[str] | None = None) -> int:
    """Serve until the host leaves; returns 2 where the address or the key cannot be right."""
    parser = argparse.ArgumentParser(
        prog="fermata mcp",
        description="Serve an agent on standard input and output, as FERMATA_API_KEY and FERMATA_BASE_URL say.",
    )
    parser.add_argument(
        "--max-credits",
        type=whole_credits,
        default=0,
        help="the most that this session may order for; without it nothing can be bought",
    )
    try:
        serve(parser.parse_args(arguments).max_credits)
    except SettingsError as error:
        print(f"fermata mcp: {error}", file=sys.stderr)  # noqa: T201 - for the person who starts it
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run())
