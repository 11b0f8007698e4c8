"""How many songs a second each quota of an account carries, and which binds first.

The reckoning is of one song of one model that is made during one call, as most are: its call keeps an environment for
the catalogue's usual seconds. It is a first estimate, not a measurement.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from fermata.domain.catalogue.models import read_catalogue
from tooling.preflight.account import Account
from tooling.preflight.findings import Finding, fine

_MODEL: Final = "minimax/music-2.5"
_OTHER_ENVIRONMENT_SECONDS: Final = 5
"""Of all short calls of one song together: submit, store, settle, deliver, and the client's reads."""
_EXECUTIONS: Final = 2
"""The job's, and that of its webhook."""
_TRANSITIONS: Final = 8
"""Four states of a song made during one call, the machine's start, and three of the webhook's machine."""
_SECONDS_BETWEEN_READS: Final = 10
"""Between two reads of a client that waits for its song."""


def songs_a_second(account: Account) -> Mapping[str, float]:
    """The songs a second that each known quota carries, by the sentence that says how it was reckoned."""
    model = read_catalogue().find(_MODEL)
    if model is None:
        raise ValueError(f"the catalogue lacks {_MODEL}")
    busy_s = model.estimate.p50_s + _OTHER_ENVIRONMENT_SECONDS
    requests = 1 + model.estimate.p50_s // _SECONDS_BETWEEN_READS
    needs = {
        "executions started a second": _EXECUTIONS,
        "state transitions a second": _TRANSITIONS,
        "HTTP requests a second": requests,
    }
    carried = {
        f"{account.environments} environments of Lambda, each busy {busy_s} s for a song": account.environments / busy_s
    }
    for counted, quota in account.quotas.items():
        carried[f"{quota:g} {counted}, {needs[counted]} a song"] = quota / needs[counted]
    return carried


def capacity_findings(account: Account) -> Iterator[Finding]:
    """What each quota carries, the one that binds first before all others."""
    carried = sorted(songs_a_second(account).items(), key=lambda each: each[1])
    for place, (reckoned, songs) in enumerate(carried):
        word = "binds first: " if place == 0 else ""
        yield fine(f"{word}{reckoned}: about {songs:.1f} songs a second")
