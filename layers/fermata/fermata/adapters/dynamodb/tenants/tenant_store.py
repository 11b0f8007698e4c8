"""Tenants and API keys in DynamoDB: `KEY#<id>` holds a key's record; `TENANT#<id>` holds the tenant in `TENANT` and the
ids of its keys in `KEY#<key id>`. `TENANTS` lists every tenant in `TENANT#<id>`, so that no listing scans the table.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import Item, typed
from fermata.adapters.dynamodb.reading import read, readable
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.orders.idempotency import seconds
from fermata.domain.tenants.api_keys import USE_NOTED_EVERY, ApiKey
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.web.formats import rfc3339
from fermata.errors import StaleRecordError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TENANTS: Final = "TENANTS"
_NEW: Final = "attribute_not_exists(pk)"
_FORGET: Final = " , #ttl = :ttl"
_USABLE: Final = "attribute_exists(pk) AND attribute_not_exists(#revoked_at)"


class DynamoTenantStore:
    """`TenantStore` over one table. `low_latency` returns the client that records uses of keys; it gives up early,
    because a request waits for it.
    """

    def __init__(self, transactions: DynamoTransactions, low_latency: "Callable[[], DynamoDBClient]") -> None:
        self._transactions = transactions
        self._low_latency = low_latency

    def create_tenant(self, tenant: Tenant) -> bool:
        """Store a tenant; False where the id exists."""
        partition = _tenant_partition(tenant.tenant_id)
        put = self._transactions.put(partition, "TENANT", tenant.model_dump(mode="json"), _NEW)
        name = self._transactions.put(_TENANTS, f"TENANT#{tenant.tenant_id}", {})
        return not self._write({"tenant": put, "name": name})

    def tenant_ids(self) -> Iterator[str]:
        """The id of every tenant, read page by page; raises `TransientError`, possibly after some ids."""
        return self._names(_TENANTS, "TENANT#")

    def find_tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, or None."""
        item = self._transactions.get(_tenant_partition(tenant_id), "TENANT")
        return None if item is None else read(item, Tenant.model_validate)

    def add_key(self, key: ApiKey) -> None:
        """Store a new key; raises `StaleRecordError` where its id exists."""
        if self._write(self._additions(key)):
            raise StaleRecordError(f"the id {key.key_id} is taken")

    def find_key(self, key_id: str) -> ApiKey | None:
        """The key with this id, read consistently, or None."""
        item = self._transactions.get(_key_partition(key_id), "KEY")
        return None if item is None else read(item, ApiKey.model_validate)

    def keys_of(self, tenant_id: str) -> list[ApiKey]:
        """Every key of a tenant, oldest first."""
        names = self._names(_tenant_partition(tenant_id), "KEY#")
        items = self._transactions.get_all([(_key_partition(name), "KEY") for name in names])
        return sorted(readable(items, ApiKey.model_validate), key=lambda key: (key.created_at, key.key_id))

    def rotate_key(self, old: ApiKey, new: ApiKey) -> None:
        """Store a new key and the changed old one; raises `StaleRecordError` where the old one was rotated or revoked
        meanwhile, or the new id exists.
        """
        changes = {":rotated_to": old.rotated_to, ":expires_at": rfc3339(old.expires_at), **_forgotten(old)}
        expression = f"SET #rotated_to = :rotated_to , #expires_at = :expires_at{_FORGET}"
        condition = f"{_USABLE} AND attribute_not_exists(#rotated_to)"
        update = self._transactions.update(_key_partition(old.key_id), "KEY", expression, condition, changes)
        if self._write({"old": update, "old name": self._name(old), **self._additions(new)}):
            raise StaleRecordError(f"{old.key_id} was rotated or revoked meanwhile")

    def revoke_key(self, key: ApiKey, now: datetime) -> bool:
        """Revoke a key; False where it is already revoked or does not exist."""
        revoked = key.model_copy(update={"revoked_at": now})
        expression, values = f"SET #revoked_at = :now{_FORGET}", {":now": rfc3339(now), **_forgotten(revoked)}
        update = self._transactions.update(_key_partition(key.key_id), "KEY", expression, _USABLE, values)
        return not self._write({"key": update, "name": self._name(revoked)})

    def note_use(self, key_id: str, now: datetime) -> None:
        """Record that a key was used, at most once per `USE_NOTED_EVERY` over all callers; raises `TransientError`."""
        with aws_errors("the table could not be written", CONDITION_FAILED):
            self._low_latency().update_item(
                TableName=self._transactions.table,
                Key=typed({"pk": _key_partition(key_id), "sk": "KEY"}),
                UpdateExpression="SET last_used_at = :now",
                ConditionExpression=(
                    "attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at <= :before)"
                ),
                ExpressionAttributeValues=typed({":now": rfc3339(now), ":before": rfc3339(now - USE_NOTED_EVERY)}),
            )

    def _names(self, partition: str, kind: str) -> Iterator[str]:
        return (str(item["sk"]).removeprefix(kind) for item in self._transactions.query(partition, kind))

    def _additions(self, key: ApiKey) -> dict[str, Write]:
        record = {**key.model_dump(mode="json", exclude_none=True), **_time_to_live(key)}
        return {"new": self._transactions.put(_key_partition(key.key_id), "KEY", record, _NEW), "name": self._name(key)}

    def _name(self, key: ApiKey) -> Write:
        return self._transactions.put(_tenant_partition(key.tenant_id), f"KEY#{key.key_id}", _time_to_live(key))

    def _write(self, writes: dict[str, Write]) -> dict[str, Item]:
        return dict(self._transactions.write(writes, self._transactions.deadline()))


def _time_to_live(key: ApiKey) -> dict[str, int]:
    return {} if key.forgotten_at is None else {"ttl": seconds(key.forgotten_at)}


def _forgotten(key: ApiKey) -> dict[str, int]:
    return {f":{name}": value for name, value in _time_to_live(key).items()}


def _tenant_partition(tenant_id: str) -> str:
    return f"TENANT#{tenant_id}"


def _key_partition(key_id: str) -> str:
    return f"KEY#{key_id}"
