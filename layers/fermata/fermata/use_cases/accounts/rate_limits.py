"""Find out how many orders a tenant's plan still allows, if the order itself did not return that."""

from datetime import datetime

from fermata.domain.tenants.plan_limits import Allowance
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.money import WalletStore


def submits_left(tenant_id: str, wallets: WalletStore, now: datetime) -> Allowance | None:
    """The allowance of orders for the rest of this minute; None if it cannot be read, which fails no request."""
    try:
        wallet = wallets.find(tenant_id)
    except TransientError as error:
        logger.warning("a plan's allowance could not be read", extra={"reason": str(error)})
        return None
    return None if wallet is None else wallet.submits_left(now)
