"""What makes a cloud the same cloud after a restart."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from local.errors import UsageError
from local.state.store import Change, Store

KIND: Final = "cloud"
_KEY: Final = "identity"
DEFAULT_CREDITS: Final = 100_000


@dataclass(frozen=True)
class Identity:
    """The addresses and keys of a cloud; `credits` are those that the demo tenant was granted by the command line."""

    api_port: int
    aws_port: int
    secret_access_key: str
    simulator_ports: Mapping[str, int] = field(default_factory=dict)
    simulator_keys: Mapping[str, str] = field(default_factory=dict)
    provider_keys: Mapping[str, str] = field(default_factory=dict)
    """The keys that the last start put into the providers' secret."""
    api_key: str | None = None
    credits: int = 0


def read_identity(store: Store) -> Identity | None:
    """Return the kept identity; None where no start has completed."""
    text = dict(store.read(KIND, "")).get(_KEY)
    return Identity(**json.loads(text)) if text else None


def write_identity(store: Store, identity: Identity) -> None:
    """Keep an identity; raises `StateWriteError`."""
    store.write([Change(KIND, "", _KEY, json.dumps(asdict(identity)))])


def credits_to_grant(asked: int | None, kept: Identity | None) -> int:
    """Return the credits that this start grants: the first start all, a later one what is asked beyond them. Raises
    `UsageError` where less is asked than was granted.
    """
    if kept is None:
        return DEFAULT_CREDITS if asked is None else asked
    if asked is not None and asked < kept.credits:
        raise UsageError(
            f"--credits: expected at least the {kept.credits} that the kept state began with, found {asked}; granted "
            "credits stay: leave the option out, or start with --fresh to begin anew"
        )
    return 0 if asked is None else asked - kept.credits
