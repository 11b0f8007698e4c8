"""A provider as the operator sees it: pause, circuit, budget and queue."""

from datetime import UTC, datetime

from pydantic import JsonValue

from fermata.domain.providers.queue import epoch_ms
from fermata.domain.providers.settings import ProviderSettings
from fermata.domain.providers.spending import PauseAndBudget
from fermata.domain.providers.state import ProviderState
from fermata.domain.web.formats import rfc3339, usd


def provider_view(
    state: ProviderState, spending: PauseAndBudget, settings: ProviderSettings, now: datetime
) -> dict[str, JsonValue]:
    """The present state of one provider. A limit of null is no limit; `set` says that the operator's command set it."""
    now_ms, queue, circuit = epoch_ms(now), state.queue, state.circuit
    limit = spending.budget(settings.budget_micro_usd)
    return {
        "provider": state.provider,
        "paused": bool(spending.paused_by),
        "paused_by": [*spending.paused_by],
        "circuit": {
            "state": circuit.state_at(now_ms),
            "open_until": _moment(circuit.open_until_ms),
            "recent_failures": len(circuit.failed_at_ms),
            "disabled_by": circuit.disabled_by,
            "lacking": [*sorted(circuit.refused_models)],
        },
        "budget": {
            "day": str(spending.day),
            "spent_usd": usd(spending.spent_micro_usd),
            "limit_usd": limit_usd(limit),
            "set": spending.set_micro_usd is not None,
        },
        "queue": {
            "running": sum(lease.until_ms > now_ms for lease in queue.running.values()),
            "waiting": len(queue.waiting),
            "next_start_at": _moment(queue.next_go_ms) if queue.waiting else None,
            "typical_call_s": queue.typical_ms / 1000,
            "rpm": settings.rpm,
            "concurrency": settings.concurrency,
        },
    }


def limit_usd(micro_usd: int) -> str | None:
    """A budget in USD as a text; None for 0, which is no limit."""
    return usd(micro_usd) if micro_usd else None


def _moment(at_ms: int) -> str | None:
    return rfc3339(datetime.fromtimestamp(at_ms / 1000, UTC)) if at_ms else None
