"""The commands of `fermata-admin` for webhooks."""

import argparse
from collections.abc import Callable
from typing import Any, Final

from cli.keys import Commands, add_tenant

_SET: Final = "set-webhook"


def add_webhook_commands(command: Commands, whole_number: Callable[[str], int]) -> None:
    """Add the commands for webhooks; `whole_number` parses numbers."""
    set_webhook = command(_SET, "notify this URL of the ends of a tenant's jobs; the first secret is shown once")
    add_tenant(set_webhook)
    address = set_webhook.add_mutually_exclusive_group(required=True)
    address.add_argument("url", metavar="URL", nargs="?", help="a public https URL on port 443")
    address.add_argument("--off", action="store_true", help="send no more notifications")
    rotate = command(
        "rotate-webhook-secret", "make a new webhook secret, shown once; the old one also signs for a while"
    )
    add_tenant(rotate)
    overlap = "seconds for which the old secret also signs; a day without it, at most 30 days, 0 if it leaked"
    rotate.add_argument("--overlap", dest="overlap_s", metavar="SECONDS", type=whole_number, help=overlap)


def webhook_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The `url` of a `set-webhook` command, None with `--off`; empty for other commands."""
    return {"url": arguments.url} if arguments.command == _SET else {}
