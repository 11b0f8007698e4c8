"""Commands of `fermata-admin` that stop orders, cancel what waits, and send dead letters again."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from cli.dead_letters import MOST_REDRIVEN, QUEUES
from cli.keys import Commands

CANCEL_ALL: Final = "cancel-all"
REDRIVE: Final = "redrive"
MAINTENANCE_FIELDS: Final = ("dry_run", "end")
"""The options of these commands beside those of others."""


def add_maintenance_commands(command: Commands, whole_number: Callable[[str], int]) -> None:
    """Add the commands; `whole_number` parses numbers."""
    cancel = command(CANCEL_ALL, "cancel and refund every job that is not ordered yet; those that are go on")
    cancel.add_argument("--tenant", dest="tenant_id", metavar="TENANT", help="only this tenant's jobs; all without it")
    cancel.add_argument("--provider", metavar="PROVIDER", help="only jobs that wait for this provider; all without it")
    cancel.add_argument("--dry-run", action="store_true", default=None, help="only count them")
    drain = command("drain", "refuse new orders with 503 for maintenance; what runs goes on to its end")
    drain.add_argument("--end", action="store_true", default=None, help="take new orders again")
    redrive = command(REDRIVE, "send the messages of a dead letter queue to their function again")
    redrive.add_argument("queue", metavar="QUEUE", choices=QUEUES, help=f"one of {', '.join(QUEUES)}")
    most = f"most messages to send; {MOST_REDRIVEN} without it"
    redrive.add_argument("--limit", metavar="N", type=whole_number, default=MOST_REDRIVEN, help=most)
    redrive.add_argument("--dry-run", action="store_true", help="only show them")


def canceled_of_all_pages(call: Callable[[dict[str, Any]], dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
    """Cancel page by page and return the sums. One that is killed has canceled what it has; given again, it goes on
    with the rest.
    """
    sums: Counter[str] = Counter()
    cursor: str | None = None
    while True:
        page = call(request if cursor is None else {**request, "cursor": cursor})
        dry_run, cursor = page.pop("dry_run"), page.pop("next_cursor")
        sums.update(page)
        if cursor is None:
            return {**sums, "dry_run": dry_run}
