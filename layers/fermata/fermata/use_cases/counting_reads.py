"""Keep a tenant to its reads per minute, roughly and cheaply: reads are counted here, and told to the others in parcels
of a twentieth of the limit. What a tenant reads beyond its limit is at most a parcel per execution environment.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.plan_limits import Allowance, minute_of, read_allowance
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports import ReadCounts

PARCELS: Final = 20


@dataclass
class _Known:
    """What is known of one tenant's reads in this minute: all that were told of, and those here that were not yet."""

    told: int
    per_minute: int
    untold: int = 0


class ReadMeter:
    """Counts the reads of one execution environment, which has one request at a time."""

    def __init__(self, counts: ReadCounts) -> None:
        self._counts = counts
        self._minute = ""
        self._known: dict[str, _Known] = {}

    def count(self, tenant_id: str, now: datetime) -> Allowance | None:
        """Count one read; None where nobody knows how many there were, which fails no request."""
        minute = minute_of(now)
        if minute != self._minute:
            self._minute, self._known = minute, {}
        known = self._known.get(tenant_id)
        if known is None or self._is_a_parcel(known):
            known = self._tell(tenant_id, known, minute)
        else:
            known.untold += 1
        if known is None:
            return None
        return read_allowance(known.per_minute, known.told + known.untold, now)

    def _is_a_parcel(self, known: _Known) -> bool:
        # Beyond the limit nobody needs to know by how much.
        return known.told < known.per_minute and (known.untold + 1) * PARCELS >= known.per_minute

    def _tell(self, tenant_id: str, known: _Known | None, minute: str) -> _Known | None:
        untold = 1 + (known.untold if known else 0)
        try:
            count = self._counts.add(tenant_id, minute, untold)
        except TransientError as error:
            logger.warning("reads were not counted", extra={"reason": str(error)})
            if known is not None:
                known.untold = untold
            return known
        self._known[tenant_id] = _Known(count.reads, count.per_minute)
        return self._known[tenant_id]
