"""The commands of `fermata-admin` about webhooks."""

import argparse
from collections.abc import Callable
from typing import Any, Final

from cli.keys import Commands, add_tenant

_SET: Final = "set-webhook"


def add_webhook_commands(command: Commands, whole_number: Callable[[str], int]) -> None:
    """Add what an operator can do with webhooks."""
    set_webhook = command(_SET, "tell of the ends of a tenant's jobs at this address; the first secret is shown once")
    add_tenant(set_webhook)
    address = set_webhook.add_mutually_exclusive_group(required=True)
    address.add_argument("url", metavar="URL", nargs="?", help="a public https address on port 443")
    address.add_argument("--off", action="store_true", help="tell nobody any more")
    rotate = command(
        "rotate-webhook-secret", "make a new webhook secret, which is shown once; the old one signs on for a while"
    )
    add_tenant(rotate)
    overlap = "seconds that the old secret signs on; a day without it, at most 30 days, 0 where others know it"
    rotate.add_argument("--overlap", dest="overlap_s", metavar="SECONDS", type=whole_number, help=overlap)


def webhook_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The address of a webhook, which is none only where that was asked for."""
    return {"url": arguments.url} if arguments.command == _SET else {}
