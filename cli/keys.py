"""The commands of `fermata-admin` about API keys."""

import argparse
from collections.abc import Callable
from typing import Protocol


class Commands(Protocol):
    """What a command is added to."""

    def __call__(self, name: str, what: str) -> argparse.ArgumentParser:
        """A new command's own arguments; `what` says what it does."""


def add_key_commands(command: Commands, whole_number: Callable[[str], int]) -> None:
    """Add what an operator can do with keys."""
    issue = command("issue-key", "issue an API key, which is shown once")
    add_tenant(issue)
    scope = "what the key may be used for (jobs:write, jobs:read, account:read); may be repeated; without it everything"
    issue.add_argument("--scope", dest="scopes", metavar="SCOPE", action="append", help=scope)
    _add_end(issue, "never ends", whole_number)
    rotate = command("rotate-key", "issue a key, shown once, that replaces another; that one goes on for a while")
    _add_key(rotate)
    overlap = "seconds that the replaced key goes on; a day without it, at most 30 days, 0 ends it at once"
    rotate.add_argument("--overlap", dest="overlap_s", metavar="SECONDS", type=whole_number, help=overlap)
    _add_end(rotate, "ends when the replaced key would have", whole_number)
    _add_key(command("revoke-key", "let a key open nothing any more, once API Gateway has forgotten that it did"))
    add_tenant(command("list-keys", "show a tenant's keys without their secrets, and when each was used last"))


def add_tenant(command: argparse.ArgumentParser) -> None:
    """Add the tenant that a command is about."""
    command.add_argument("tenant_id", metavar="TENANT", help="lower-case letters, digits and hyphens")


def _add_key(command: argparse.ArgumentParser) -> None:
    command.add_argument("key_id", metavar="KEY_ID", help="the part of a key between fk_ and the next _")


def _add_end(command: argparse.ArgumentParser, without: str, whole_number: Callable[[str], int]) -> None:
    end = command.add_mutually_exclusive_group()
    moment = f"when the key ends, such as 2027-01-01T00:00:00Z; without it the key {without}"
    end.add_argument("--expires-at", metavar="MOMENT", help=moment)
    end.add_argument("--days", metavar="N", type=whole_number, help="in how many days the key ends")
