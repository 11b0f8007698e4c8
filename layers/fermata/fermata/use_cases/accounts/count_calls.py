"""Limit a tenant's calls of a kind per minute, approximately and cheaply: each execution environment counts its calls,
and adds them to the shared count in batches of a twentieth of the limit. So a tenant exceeds its limit by at most one
batch per execution environment.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fermata.domain.tenants.plan_limits import Allowance, CallKind, call_allowance, minute_of, reference_allowance
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.tenants import CallCounts

BATCHES: Final = 20


@dataclass
class _Known:
    """A tenant's calls in this minute as far as known: the shared count, and this environment's calls not yet added."""

    shared: int
    per_minute: int
    unshared: int = 0


class CallMeter:
    """Counts the calls of one kind in one execution environment, which handles one request at a time."""

    def __init__(self, kind: CallKind, counts: CallCounts) -> None:
        self._kind = kind
        self._counts = counts
        self._minute = ""
        self._known: dict[str, _Known] = {}

    def count(self, tenant_id: str, now: datetime) -> Allowance | None:
        """Count one call and return the allowance; None if the count is unknown, which fails no request."""
        known = self._of(tenant_id, now)
        if known is None or self._is_full_batch(known):
            known = self._share(tenant_id, known)
        else:
            known.unshared += 1
        return None if known is None else self._allowance(known, now)

    def known(self, tenant_id: str, now: datetime) -> Allowance | None:
        """The allowance as far as this environment knows, without counting, reading or writing; `exceeded` if nothing
        is left. None if this environment knows no count.
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
        return call_allowance(self._kind, known.per_minute, known.shared + known.unshared, now)

    def _is_full_batch(self, known: _Known) -> bool:
        # Beyond the limit, the exact excess does not matter.
        return known.shared < known.per_minute and (known.unshared + 1) * BATCHES >= known.per_minute

    def _share(self, tenant_id: str, known: _Known | None) -> _Known | None:
        unshared = 1 + (known.unshared if known else 0)
        try:
            count = self._counts.add(tenant_id, self._kind, self._minute, unshared)
        except TransientError as error:
            logger.warning("calls were not counted", extra={"kind": self._kind.policy, "reason": str(error)})
            if known is not None:
                known.unshared = unshared
            return known
        self._known[tenant_id] = _Known(count.used, count.quota)
        return self._known[tenant_id]


@dataclass(frozen=True)
class FreeCalls:
    """Calls of one kind that cost the operator something but no tenant any credits. Each is counted only once it has
    turned out to be free, so that counting never slows paid calls.
    """

    meter: CallMeter
    clock: Callable[[], datetime]

    def count(self, tenant_id: str) -> Allowance | None:
        """Count one such call afterwards and return the allowance; None if the count is unknown."""
        return self.meter.count(tenant_id, self.clock())

    def known(self, tenant_id: str) -> Allowance | None:
        """The allowance as far as this environment knows, without any request; None if it knows no count."""
        return self.meter.known(tenant_id, self.clock())

    def check(self, tenant_id: str) -> None:
        """Raise `RateLimitedError` if this environment knows that too many such calls were made in this minute."""
        known = self.known(tenant_id)
        if known is not None and known.exceeded:
            raise known.refusal()


def count_reference(tenant_id: str, counts: CallCounts, now: datetime) -> Allowance | None:
    """Count one offered upload of a recording against the daily limit, exactly, and return the allowance. None if it
    could not be counted, which fails no request.
    """
    try:
        count = counts.add_reference(tenant_id, now.date())
    except TransientError as error:
        logger.warning("a reference was not counted", extra={"reason": str(error)})
        return None
    return reference_allowance(count.quota, count.used, now)
