"""Tell a caller how many orders its plan still takes, where the order itself did not find out."""

from datetime import datetime

from fermata.domain.tenants.plan_limits import Allowance
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.money import WalletStore


def submits_left(tenant_id: str, wallets: WalletStore, now: datetime) -> Allowance | None:
    """What is left in this minute; None where it cannot be found out, which fails no request."""
    try:
        wallet = wallets.find(tenant_id)
    except TransientError as error:
        logger.warning("what a plan leaves could not be read", extra={"reason": str(error)})
        return None
    return None if wallet is None else wallet.submits_left(now)
