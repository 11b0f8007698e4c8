"""A fake of the providers' ids of tenants' recordings."""

from fermata.domain.orders.references import ProviderIds
from fermata.errors import FermataError


class InMemoryReferenceIds:
    """`fail_next` is raised by the next call, before it does anything."""

    def __init__(self) -> None:
        self.aliases: dict[tuple[str, str, str, str], str] = {}
        self.fail_next: FermataError | None = None

    def remember(self, tenant_id: str, ids: ProviderIds) -> None:
        self._fail()
        for kind, provider_id in ids.by_kind.items():
            self.aliases[tenant_id, ids.provider, kind, provider_id] = ids.key_alias

    def key_alias(self, tenant_id: str, provider: str, kind: str, provider_id: str) -> str | None:
        self._fail()
        return self.aliases.get((tenant_id, provider, kind, provider_id))

    def _fail(self) -> None:
        failure, self.fail_next = self.fail_next, None
        if failure is not None:
            raise failure
