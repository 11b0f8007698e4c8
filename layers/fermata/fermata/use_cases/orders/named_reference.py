"""Find the account of the ids that an order names instead of a recording."""

from fermata.domain.orders.named_ids import ids_under_one_key, unknown_ids
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.orders.references import ProviderIds
from fermata.ports.audio import ReferenceIds
from fermata.ports.money import WalletStore


def named_ids(
    request: SongRequest, provider: str, tenant_id: str, known: ReferenceIds, wallets: WalletStore
) -> ProviderIds | None:
    """The ids of this provider that a request names, or None if it names none. Raises `InvalidRequestError` for ids
    that no upload of this tenant made, unless its plan allows foreign ones. Reads the wallet only for such ids.
    """
    named = request.reference.named_ids if request.reference else {}
    if not named:
        return None
    aliases = {kind: known.key_alias(tenant_id, provider, kind, value) for kind, value in named.items()}
    unknown = [kind for kind, alias in aliases.items() if alias is None]
    if unknown and not _may_name_any(tenant_id, wallets):
        raise unknown_ids(unknown)
    return ids_under_one_key(provider, named, aliases)


def _may_name_any(tenant_id: str, wallets: WalletStore) -> bool:
    wallet = wallets.find(tenant_id)
    return wallet is not None and wallet.foreign_reference_ids
