"""A fake of the trigger store."""

from fermata.domain.triggers.senders import Triggers
from fermata.errors import SourceTakenError, StaleRecordError


class InMemoryTriggerStore:
    def __init__(self) -> None:
        self._tenants: dict[str, Triggers] = {}
        self._sources: dict[str, str] = {}

    def of_tenant(self, tenant_id: str) -> Triggers:
        return self._tenants.get(tenant_id, Triggers(tenant_id=tenant_id))

    def tenant_of(self, source: str) -> str | None:
        return self._sources.get(source)

    def save(self, before: Triggers, after: Triggers) -> None:
        if self.of_tenant(after.tenant_id).version != after.version - 1:
            raise StaleRecordError("the triggers changed meanwhile")
        new = set(after.sources) - set(before.sources)
        taken = sorted(new & set(self._sources))
        if taken:
            raise SourceTakenError(taken)
        for source in set(before.sources) - set(after.sources):
            del self._sources[source]
        self._sources |= dict.fromkeys(new, after.tenant_id)
        self._tenants[after.tenant_id] = after
