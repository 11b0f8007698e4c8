"""Keep a tenant to its calls of a kind per minute, roughly and cheaply: calls are counted here, and told to the others
in parcels of a twentieth of the limit. What a tenant makes beyond its limit is at most a parcel per execution
environment.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fermata.domain.tenants.plan_limits import Allowance, CallKind, call_allowance, minute_of, reference_allowance
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.tenants import CallCounts

PARCELS: Final = 20


@dataclass
class _Known:
    """What is known of one tenant's calls in this minute: all that were told of, and those here that were not yet."""

    told: int
    per_minute: int
    untold: int = 0


class CallMeter:
    """Counts the calls of one kind in one execution environment, which has one request at a time."""

    def __init__(self, kind: CallKind, counts: CallCounts) -> None:
        self._kind = kind
        self._counts = counts
        self._minute = ""
        self._known: dict[str, _Known] = {}

    def count(self, tenant_id: str, now: datetime) -> Allowance | None:
        """Count one call; None where nobody knows how many there were, which fails no request."""
        known = self._of(tenant_id, now)
        if known is None or self._is_a_parcel(known):
            known = self._tell(tenant_id, known)
        else:
            known.untold += 1
        return None if known is None else self._allowance(known, now)

    def known(self, tenant_id: str, now: datetime) -> Allowance | None:
        """What is left of the limit as far as this environment knows, without counting, reading or writing anything;
        `exceeded` where nothing is left. None where it knows nothing.
        """
        known = self._of(tenant_id, now)
        if known is None:
            return None
        allowance = self._allowance(known, now)
        return replace(allowance, exceeded=allowance.remaining == 0)

    def _of(self, tenant_id: str, now: datetime) -> _Known | None:
        minute = minute_of(now)
        if minute != self._minute:
            self._minute, self._known = minute, {}
        return self._known.get(tenant_id)

    def _allowance(self, known: _Known, now: datetime) -> Allowance:
        return call_allowance(self._kind, known.per_minute, known.told + known.untold, now)

    def _is_a_parcel(self, known: _Known) -> bool:
        # Beyond the limit nobody needs to know by how much.
        return known.told < known.per_minute and (known.untold + 1) * PARCELS >= known.per_minute

    def _tell(self, tenant_id: str, known: _Known | None) -> _Known | None:
        untold = 1 + (known.untold if known else 0)
        try:
            count = self._counts.add(tenant_id, self._kind, self._minute, untold)
        except TransientError as error:
            logger.warning("calls were not counted", extra={"kind": self._kind.policy, "reason": str(error)})
            if known is not None:
                known.untold = untold
            return known
        self._known[tenant_id] = _Known(count.used, count.quota)
        return self._known[tenant_id]


@dataclass(frozen=True)
class FreeCalls:
    """The calls of one kind that cost the operator something and nobody any credits: they are counted once it is known
    that they were such calls, so that those which are paid for are never slowed by it.
    """

    meter: CallMeter
    clock: Callable[[], datetime]

    def count(self, tenant_id: str) -> Allowance | None:
        """Count one such call after the fact; None where nobody knows how many there were."""
        return self.meter.count(tenant_id, self.clock())

    def known(self, tenant_id: str) -> Allowance | None:
        """What is left, without asking anybody; None where this environment knows nothing."""
        return self.meter.known(tenant_id, self.clock())

    def check(self, tenant_id: str) -> None:
        """Raise `RateLimitedError` where this environment knows that too many such calls were made in this minute."""
        known = self.known(tenant_id)
        if known is not None and known.exceeded:
            raise known.refusal()


def count_reference(tenant_id: str, counts: CallCounts, now: datetime) -> Allowance | None:
    """Count one offer to upload a recording against the limit per day, exactly; None where it could not be counted,
    which fails no request.
    """
    try:
        count = counts.add_reference(tenant_id, now.date())
    except TransientError as error:
        logger.warning("a reference was not counted", extra={"reason": str(error)})
        return None
    return reference_allowance(count.quota, count.used, now)
