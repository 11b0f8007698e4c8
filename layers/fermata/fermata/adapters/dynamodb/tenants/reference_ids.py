"""Providers' ids of recordings in DynamoDB: `REFERENCE_ID#<tenant>` holds each in `<provider>#<kind>#<its SHA-256>`.
The hash is enough to recognise an id, and an id may be longer than a sort key.
"""

import hashlib

from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.orders.references import ProviderIds


class DynamoReferenceIds:
    """`ReferenceIds` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def remember(self, tenant_id: str, ids: ProviderIds) -> None:
        """Store the ids of a recording; raises `TransientError`."""
        item = {"key_alias": ids.key_alias}
        writes = {
            kind: self._transactions.put(_partition(tenant_id), _sort_key(ids.provider, kind, provider_id), item)
            for kind, provider_id in ids.by_kind.items()
        }
        self._transactions.write(writes, self._transactions.deadline())

    def key_alias(self, tenant_id: str, provider: str, kind: str, provider_id: str) -> str | None:
        """The alias of the key whose account has an id of this tenant, or None; raises `TransientError`."""
        item = self._transactions.get(_partition(tenant_id), _sort_key(provider, kind, provider_id))
        return None if item is None else str(item["key_alias"])


def _partition(tenant_id: str) -> str:
    return f"REFERENCE_ID#{tenant_id}"


def _sort_key(provider: str, kind: str, provider_id: str) -> str:
    return f"{provider}#{kind}#{hashlib.sha256(provider_id.encode()).hexdigest()}"
