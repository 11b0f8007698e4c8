"""What the operator's page shows and changes, by its own names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class UnknownError(Exception):
    """There is nothing of this name; the message says what was expected."""


class RefusedError(Exception):
    """A change was refused; the message says why."""


@dataclass(frozen=True)
class Sources:
    """The parts of a running cloud.

    `clients` returns the boto3 client of a service (the name decides its type at run time), `manage` runs an action of
    the operator's function and raises `RefusedError`. `simulators` are URLs by provider, `machines` and `buckets` names
    by the logical ids of the template.
    """

    clients: Callable[[str], Any]
    manage: Callable[[Mapping[str, object]], dict[str, Any]]
    simulators: Mapping[str, str]
    table: str
    buckets: Mapping[str, str]
    machines: Mapping[str, str]
    logs_dir: Path
