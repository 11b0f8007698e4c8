"""Show a tenant its credits."""

from fermata.domain.money.wallet import Wallet
from fermata.errors import ConfigurationError
from fermata.ports.money import WalletStore


def read_account(tenant_id: str, wallets: WalletStore) -> Wallet:
    """The tenant's plan and credits; raises `ConfigurationError` for a tenant without a wallet."""
    wallet = wallets.find(tenant_id)
    if wallet is None:
        raise ConfigurationError(f"tenant {tenant_id} has no wallet; create the tenant once more")
    return wallet
