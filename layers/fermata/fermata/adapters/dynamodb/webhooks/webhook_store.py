"""Webhook endpoints (`WEBHOOK#<tenant>`) and their secrets (`WEBHOOK_SECRET#<tenant>`) in DynamoDB. They have
separate partitions, because IAM can restrict access by partition only, and only the signing function may read secrets.
"""

from datetime import datetime
from typing import Any, Final

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.reading import read
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import WebhookSecrets
from fermata.errors import ConfigurationError

_ENDPOINT: Final = "ENDPOINT"
_SECRET: Final = "SECRET"  # noqa: S105 - a sort key
_ABSENT: Final = "attribute_not_exists(pk)"
_PRESENT: Final = "attribute_exists(pk)"


class DynamoWebhookStore:
    """`WebhookStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def find(self, tenant_id: str) -> WebhookEndpoint | None:
        """The tenant's endpoint, read consistently, or None for a tenant without a secret."""
        item = self._transactions.get(f"WEBHOOK#{tenant_id}", _ENDPOINT)
        return None if item is None else read(item, WebhookEndpoint.model_validate)

    def secrets(self, tenant_id: str) -> WebhookSecrets:
        """The tenant's secrets, read consistently; raises `ConfigurationError` where there are none."""
        item = self._transactions.get(f"WEBHOOK_SECRET#{tenant_id}", _SECRET)
        if item is None:
            raise ConfigurationError(f"tenant {tenant_id} has an endpoint and no secret; rotate its webhook secret")
        return read(item, WebhookSecrets.model_validate)

    def point(self, endpoint: WebhookEndpoint, secret: str) -> bool:
        """Set a tenant's endpoint; True where `secret` became the tenant's secret, False where the tenant keeps its
        own.
        """
        place = {"endpoint": self._put_endpoint(endpoint)}
        if not self._write({**place, "secret": self._put_secret(endpoint.tenant_id, secret)}):
            return True
        self._write(place)
        return False

    def switch_off(self, tenant_id: str) -> None:
        """Delete the URL of a tenant's endpoint; the secret stays."""
        self._write({"endpoint": self._change(tenant_id, "REMOVE #url, #disabled_at", _PRESENT, {})})

    def disable(self, tenant_id: str, url: str, now: datetime) -> None:
        """Disable a tenant's endpoint if `url` is still its URL."""
        values = {":now": now.isoformat(), ":url": url}
        self._write({"endpoint": self._change(tenant_id, "SET #disabled_at = :now", "#url = :url", values)})

    def rotate(self, tenant_id: str, secret: str, previous_until: datetime) -> bool:
        """Replace the secret; the previous one also signs until `previous_until`. False where there was none before. A
        repeated call with the same secret changes nothing.
        """
        rotation = "SET #previous = #current, #previous_until = :until, #current = :secret"
        values = {":until": previous_until.isoformat(), ":secret": secret}
        partition = f"WEBHOOK_SECRET#{tenant_id}"
        known = f"{_PRESENT} AND #current <> :secret"
        while True:
            failed = self._write({"secret": self._transactions.update(partition, _SECRET, rotation, known, values)})
            if not failed or failed["secret"]:
                return True
            first = {"secret": self._put_secret(tenant_id, secret)}
            if not self._write({**first, "endpoint": self._put_endpoint(WebhookEndpoint(tenant_id=tenant_id))}):
                return False

    def _put_endpoint(self, endpoint: WebhookEndpoint) -> Write:
        return self._transactions.put(f"WEBHOOK#{endpoint.tenant_id}", _ENDPOINT, endpoint.model_dump(mode="json"))

    def _put_secret(self, tenant_id: str, secret: str) -> Write:
        return self._transactions.put(f"WEBHOOK_SECRET#{tenant_id}", _SECRET, {"current": secret}, _ABSENT)

    def _change(self, tenant_id: str, expression: str, condition: str, values: Item) -> Write:
        return self._transactions.update(f"WEBHOOK#{tenant_id}", _ENDPOINT, expression, condition, values)

    def _write(self, writes: dict[str, Write]) -> dict[str, Any]:
        return dict(self._transactions.write(writes, self._transactions.deadline()))
