"""Daily audit of wallets against their ledgers."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.money.wallet_audit import Drift
from fermata.log import logger
from fermata.use_cases.accounts.audit_wallets import audit_wallets
from fermata.wiring.accounts import audit_ports
from fermata.wiring.runtime import now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The number of wallets that were audited, drifted and were skipped, and the total drift in credits."""

    def drifted(tenant_id: str, drift: Drift) -> None:
        logger.error("a wallet differs from its ledger", extra={"tenant_id": tenant_id, **asdict(drift)})

    def skipped(tenant_id: str, why: str) -> None:
        logger.warning("a wallet could not be compared", extra={"tenant_id": tenant_id, "why": why})

    found = audit_wallets(audit_ports(drifted, skipped), now())
    logger.info("audited", extra=found)
    return found
