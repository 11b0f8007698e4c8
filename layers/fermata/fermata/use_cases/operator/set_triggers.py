"""Turn a tenant's triggers on and off, and set the event sources that belong to it."""

from functools import partial
from typing import Final

from pydantic import JsonValue

from fermata.domain.triggers.senders import Change, Triggers
from fermata.errors import FieldError, InvalidRequestError, SourceTakenError
from fermata.ports.triggers import TriggerStore
from fermata.use_cases.stale import retry_on_stale

_READS: Final = 3


def set_triggers(tenant_id: str, change: Change, triggers: TriggerStore) -> dict[str, JsonValue]:
    """The triggers of an existing tenant after a change.

    Raises `InvalidRequestError` for a source that belongs to another tenant, and `StaleRecordError` if others keep
    changing the same tenant.
    """
    apply = partial(_apply, change, triggers)
    return _shown(retry_on_stale(apply, lambda: triggers.of_tenant(tenant_id), reads=_READS))


def _apply(change: Change, triggers: TriggerStore, before: Triggers) -> Triggers:
    after = before.changed(change)
    try:
        triggers.save(before, after)
    except SourceTakenError as error:
        names = ", ".join(error.sources)
        need = f"{names} is another tenant's; take it from that tenant first, with set-triggers and its other sources"
        raise InvalidRequestError([FieldError("/sources", need)]) from None
    return after


def _shown(triggers: Triggers) -> dict[str, JsonValue]:
    return {
        "tenant_id": triggers.tenant_id,
        "inbox": triggers.inbox,
        "events": triggers.events,
        "sources": list(triggers.sources),
    }
