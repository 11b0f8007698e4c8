"""A fake of the webhook store."""

from datetime import datetime

from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import WebhookSecrets
from fermata.errors import (
    ConfigurationError,
    FermataError,
)


class InMemoryWebhookStore:
    """Keeps endpoints and secrets as text. `failure` is raised instead of reading an endpoint."""

    def __init__(self) -> None:
        self._endpoints: dict[str, str] = {}
        self._secrets: dict[str, dict[str, str]] = {}
        self.failure: FermataError | None = None

    def find(self, tenant_id: str) -> WebhookEndpoint | None:
        if self.failure is not None:
            raise self.failure
        row = self._endpoints.get(tenant_id)
        return None if row is None else WebhookEndpoint.model_validate_json(row)

    def secrets(self, tenant_id: str) -> WebhookSecrets:
        if tenant_id not in self._secrets:
            raise ConfigurationError(f"tenant {tenant_id} has no secret")
        return WebhookSecrets.model_validate(self._secrets[tenant_id])

    def point(self, endpoint: WebhookEndpoint, secret: str) -> bool:
        self._endpoints[endpoint.tenant_id] = endpoint.model_dump_json()
        return self._secrets.setdefault(endpoint.tenant_id, {"current": secret})["current"] == secret

    def switch_off(self, tenant_id: str) -> None:
        if tenant_id in self._endpoints:
            self._endpoints[tenant_id] = WebhookEndpoint(tenant_id=tenant_id).model_dump_json()

    def disable(self, tenant_id: str, url: str, now: datetime) -> None:
        endpoint = self.find(tenant_id)
        if endpoint is not None and endpoint.url == url:
            self._endpoints[tenant_id] = endpoint.model_copy(update={"disabled_at": now}).model_dump_json()

    def rotate(self, tenant_id: str, secret: str, previous_until: datetime) -> bool:
        before = self._secrets.get(tenant_id)
        if before is None:
            return not self.point(WebhookEndpoint(tenant_id=tenant_id), secret)
        if before["current"] != secret:
            until = previous_until.isoformat()
            self._secrets[tenant_id] = {"current": secret, "previous": before["current"], "previous_until": until}
        return True
