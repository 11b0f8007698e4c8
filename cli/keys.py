"""The commands of `fermata-admin` for API keys."""

import argparse
from collections.abc import Callable
from typing import Protocol


class Commands(Protocol):
    """Adds a command to the command line."""

    def __call__(self, name: str, what: str) -> argparse.ArgumentParser:
        """The parser of a new command; `what` is its help text."""


def add_key_commands(command: Commands, whole_number: Callable[[str], int]) -> None:
    """Add the commands for API keys; `whole_number` parses numbers."""
    issue = command("issue-key", "issue an API key, which is shown once")
    add_tenant(issue)
    scope = (
        "a scope of the key (jobs:write, jobs:read, account:read, account:manage); may be repeated; "
        "without it the first three"
    )
    issue.add_argument("--scope", dest="scopes", metavar="SCOPE", action="append", help=scope)
    issue.add_argument("--name", help="what the tenant calls the key, at most 80 characters")
    _add_cap(issue, "none", whole_number)
    _add_end(issue, "never ends", whole_number)
    rotate = command(
        "rotate-key", "issue a key, shown once, that replaces another; the old one stays valid for a while"
    )
    _add_key(rotate)
    overlap = "seconds for which the old key stays valid; a day without it, at most 30 days, 0 ends it at once"
    _add_cap(rotate, "that of the old key", whole_number)
    rotate.add_argument("--overlap", dest="overlap_s", metavar="SECONDS", type=whole_number, help=overlap)
    _add_end(rotate, "ends when the old key would have ended", whole_number)
    _add_key(command("revoke-key", "revoke a key; it stops working when API Gateway's cached authorization expires"))
    add_tenant(command("list-keys", "show a tenant's keys without their secrets, with the time of their last use"))


def add_tenant(command: argparse.ArgumentParser) -> None:
    """Add the argument `TENANT` to a command."""
    command.add_argument("tenant_id", metavar="TENANT", help="lower-case letters, digits and hyphens")


def _add_key(command: argparse.ArgumentParser) -> None:
    command.add_argument("key_id", metavar="KEY_ID", help="the part of a key between fk_ and the next _")


def _add_cap(command: argparse.ArgumentParser, without: str, whole_number: Callable[[str], int]) -> None:
    cap = f"most credits that orders with the key may spend in a calendar month (UTC); without it {without}"
    command.add_argument("--monthly-credits", metavar="N", type=whole_number, help=cap)


def _add_end(command: argparse.ArgumentParser, without: str, whole_number: Callable[[str], int]) -> None:
    end = command.add_mutually_exclusive_group()
    moment = f"when the key ends, such as 2027-01-01T00:00:00Z; without it the key {without}"
    end.add_argument("--expires-at", metavar="MOMENT", help=moment)
    end.add_argument("--days", metavar="N", type=whole_number, help="in how many days the key ends")
