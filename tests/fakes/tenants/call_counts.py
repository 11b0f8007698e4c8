"""A fake of the call counts."""

from collections import Counter
from datetime import date

from fermata.domain.tenants.plan_limits import (
    DEFAULT_LIMITS,
    CallKind,
    PlanLimits,
)
from fermata.errors import (
    FermataError,
)
from fermata.ports.tenants import CallCount


class InMemoryCallCounts:
    """Calls by tenant, minute and kind, and uploads by day. `failure` is raised instead of counting."""

    def __init__(self) -> None:
        self.limits: dict[str, PlanLimits] = {}
        self.minutes: dict[str, tuple[str, Counter[str]]] = {}
        self.days: dict[str, tuple[date, int]] = {}
        self.writes = 0
        self.failure: FermataError | None = None

    def add(self, tenant_id: str, kind: CallKind, minute: str, calls: int) -> CallCount:
        if self.failure is not None:
            raise self.failure
        begun, counted = self.minutes.get(tenant_id, ("", Counter()))
        if begun < minute:
            begun, counted = minute, Counter()
        counted[kind.counter] += calls
        self.minutes[tenant_id] = (begun, counted)
        self.writes += 1
        return CallCount(counted[kind.counter], int(getattr(self._limits_of(tenant_id), kind.limit)))

    def add_reference(self, tenant_id: str, day: date) -> CallCount:
        if self.failure is not None:
            raise self.failure
        begun, before = self.days.get(tenant_id, (date.min, 0))
        used, quota = (0 if begun < day else before) + 1, self._limits_of(tenant_id).references_per_day
        self.writes += 1
        if used <= quota:
            self.days[tenant_id] = (max(begun, day), used)
        return CallCount(min(used, quota + 1), quota)

    def _limits_of(self, tenant_id: str) -> PlanLimits:
        return self.limits.get(tenant_id, DEFAULT_LIMITS)
