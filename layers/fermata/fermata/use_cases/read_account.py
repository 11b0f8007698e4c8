"""Show a tenant its credits."""

from datetime import datetime

from pydantic import JsonValue

from fermata.domain.wallet_view import wallet_view
from fermata.errors import ConfigurationError
from fermata.ports import WalletStore


def read_account(tenant_id: str, wallets: WalletStore, now: datetime) -> dict[str, JsonValue]:
    """The tenant's plan and credits as they count now; raises `ConfigurationError` for a tenant without a wallet."""
    wallet = wallets.find(tenant_id)
    if wallet is None:
        raise ConfigurationError(f"tenant {tenant_id} has no wallet; create the tenant once more")
    return {"object": "account", **wallet_view(wallet, now)}
