"""The one list of AWS's prices that `make cost` and the hostile part of the soak share: `prices.json`."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_LIST: Final[Mapping[str, Any]] = json.loads(Path(__file__).with_name("prices.json").read_text("utf-8"))

DATE: Final[str] = _LIST["date"]
REGION: Final[str] = _LIST["region"]
USD: Final[Mapping[str, float]] = {name: price["usd"] / price["for"] for name, price in _LIST["usd"].items()}
"""USD for one of each."""
ASSUMED: Final[Mapping[str, Any]] = _LIST["assumed"]
"""What is computed and not measured: `vcpu_mb` of memory that come with one whole vCPU, seconds that a call to a
service takes in AWS, and that a provider or a receiver takes an invocation where it does not make the song, bytes that
CloudWatch adds to a line, Lambda to an invocation and the access log has of a request, the bytes of a song, and for how
many months they are kept.
"""
STORED_GB_MONTH_USD: Final = USD["GB-months"]
"""A GB (1,000,000,000 bytes) in S3 Standard for a month."""
HOURS_A_MONTH: Final = 730
FINE: Final = 1_000_000_000
_IN_PARTS: Final = frozenset({"GB-s", "GB logged", "GB-months", "read units"})


class Use(Counter[str]):
    """How much of each priced thing was used; gigabytes and read units are kept in thousand-millionths (`FINE`)."""

    @property
    def usd(self) -> float:
        """What AWS asks for it."""
        return sum(self.usd_of(name) for name in self)

    def usd_of(self, name: str) -> float:
        """What AWS asks for one kind of it."""
        return USD[name] * self.amount(name)

    def amount(self, name: str) -> float:
        """How many of the unit that has a price."""
        return self[name] / FINE if name in _IN_PARTS else float(self[name])

    def each(self, requests: int) -> str:
        """What one of so many requests used, dearest first."""
        dearest = sorted(self, key=lambda name: -self.usd_of(name))
        return ", ".join(f"{self.amount(name) / max(1, requests):.3g} {name}" for name in dearest if self[name])


def used(amounts: Mapping[str, float]) -> Use:
    """Return the use of these amounts, each in the unit that has a price."""
    return Use({name: round(amount * FINE) if name in _IN_PARTS else round(amount) for name, amount in amounts.items()})
