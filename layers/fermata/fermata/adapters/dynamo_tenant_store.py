"""Tenants (`TENANT#<id>`) and API keys (`KEY#<sha256>`) in DynamoDB."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from fermata.adapters.dynamo_items import plain, typed
from fermata.domain.tenants import ApiKey, Tenant
from fermata.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoTenantStore:
    """`TenantStore` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def create_tenant(self, tenant: Tenant) -> bool:
        """Store a tenant; False where the id is taken."""
        return self._put(f"TENANT#{tenant.tenant_id}", "TENANT", tenant.model_dump(mode="json"))

    def find_tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, or None."""
        item = self._get(f"TENANT#{tenant_id}", "TENANT")
        return None if item is None else Tenant.model_validate(item)

    def add_key(self, key: ApiKey) -> None:
        """Store a key by its hash."""
        self._put(f"KEY#{key.sha256}", "KEY", key.model_dump(mode="json"))

    def find_key(self, sha256: str) -> ApiKey | None:
        """The key with this hash, or None."""
        item = self._get(f"KEY#{sha256}", "KEY")
        return None if item is None else ApiKey.model_validate(item)

    def _put(self, partition: str, sort_key: str, fields: dict[str, Any]) -> bool:
        item = typed({"pk": partition, "sk": sort_key, **fields})
        try:
            self._client.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the tenant could not be written: {type(error).__name__}") from error
        return True

    def _get(self, partition: str, sort_key: str) -> dict[str, Any] | None:
        key = typed({"pk": partition, "sk": sort_key})
        try:
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the tenant could not be read: {type(error).__name__}") from error
        return None if item is None else plain(item)
