"""Whether the operator lets a tenant order and change nothing for now."""

from fermata.ports.money import WalletStore


def refuse_suspended(tenant_id: str, wallets: WalletStore) -> None:
    """Raise `TenantSuspendedError` for a suspended tenant; reads its wallet. Orders need no such read, because their
    transaction has the suspension as a condition. Raises `TransientError`.
    """
    wallet = wallets.find(tenant_id)
    if wallet is not None:
        wallet.refuse_if_suspended()
