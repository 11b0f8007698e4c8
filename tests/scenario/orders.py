"""What callers order in a scenario."""

from dataclasses import dataclass
from typing import Final

from tests.scenario.providers import Fate

CHAINS: Final[tuple[dict[str, object], ...]] = (
    {"model": "minimax/music-2.5"},
    {"model": "apiinone/suno"},
    {"model": "aimlapi/minimax/music-2.0"},
    {"model": "minimax/music-2.5", "fallbacks": ["aimlapi/minimax/music-2.0"]},
    {"model": "minimax/music-2.5", "fallbacks": ["apiinone/suno"], "on_unknown": "fallback"},
    {"model": "minimax/music-2.5", "live": True},
)


@dataclass(frozen=True)
class Placed:
    """One order of a caller; `key` is its Idempotency-Key."""

    job_id: str
    tenant_id: str
    body: dict[str, object]
    key: str | None
    fate: Fate
