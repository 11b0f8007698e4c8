"""Compare every wallet with its ledger, and store each balance at the beginning of the day, from which a ledger is
read. The audit changes nothing else and may run beside all other use cases.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.money.reports.ledger import BalanceAt
from fermata.domain.money.wallet import Wallet
from fermata.domain.money.wallet_audit import Drift, drift_of, sums_of, unbalanced
from fermata.errors import ConfigurationError, FermataError
from fermata.ports.metrics import Metrics
from fermata.ports.money import LedgerStore, WalletStore
from fermata.ports.tenants import TenantStore

DRIFT: Final = "WalletDriftCredits"
_TRIES: Final = 3
"""The number of tries for a wallet that keeps changing while its ledger is read."""
_COMPLETE_AFTER: Final = timedelta(hours=1)
"""How long after its end a day has all of its entries for certain."""


@dataclass(frozen=True)
class AuditPorts:
    """Ports of `audit_wallets`. `drifted` is called for each tenant whose wallet differs from its ledger, `skipped` for
    each whose wallet could not be compared, with the reason.
    """

    tenants: TenantStore
    wallets: WalletStore
    ledger: LedgerStore
    metrics: Metrics
    drifted: Callable[[str, Drift], object]
    skipped: Callable[[str, str], object]


def audit_wallets(ports: AuditPorts, now: datetime) -> dict[str, int]:
    """Compare the wallet of every tenant, report those that drifted, and return the counts. An error with one wallet
    does not stop the audit of the others.

    Raises `TransientError` if the tenants cannot be listed.
    """
    tenants = drifting = skipped = drift_credits = 0
    for tenant_id in ports.tenants.tenant_ids():
        tenants += 1
        drift = _compare(tenant_id, ports, now)
        if drift is None:
            skipped += 1
        elif drift.credits:
            drifting += 1
            drift_credits += drift.credits
            ports.drifted(tenant_id, drift)
    # Zero ends yesterday's alarm, so it is reported only if every wallet was compared.
    if drift_credits or not skipped:
        ports.metrics.credits(DRIFT, drift_credits)
    return {"tenants": tenants, "drifting": drifting, "skipped": skipped, "drift_credits": drift_credits}


def _compare(tenant_id: str, ports: AuditPorts, now: datetime) -> Drift | None:
    try:
        at = BalanceAt((now - _COMPLETE_AFTER).date())
        drift = _drift(tenant_id, ports.wallets, at)
        ports.ledger.keep_balance(tenant_id, at.balance)
    except FermataError as error:
        ports.skipped(tenant_id, str(error))
        return None
    except Exception as error:  # noqa: BLE001 - a broken entry may raise anything, and must not hide other wallets
        ports.skipped(tenant_id, f"an item of its wallet or ledger cannot be read ({type(error).__name__}); mend it")
        return None
    if drift is None:
        ports.skipped(tenant_id, "its credits kept moving")
    return drift


def _drift(tenant_id: str, wallets: WalletStore, at: BalanceAt) -> Drift | None:
    """The drift of a wallet; None if it cannot be determined, because credits moved during every try."""
    wallet = _wallet(tenant_id, wallets)
    for _ in range(_TRIES):
        before = wallet
        ledger = sums_of(at.watch(wallets.ledger(tenant_id)))
        wallet = _wallet(tenant_id, wallets)
        # The whole wallet is compared, not only its credits: a job that started and ended meanwhile leaves the credits
        # unchanged but was counted in its minute, and the ledger that was read may contain only half of it.
        if wallet == before:
            return drift_of(wallet, ledger)
    return Drift(unbalanced=unbalanced(wallet)) if unbalanced(wallet) else None


def _wallet(tenant_id: str, wallets: WalletStore) -> Wallet:
    wallet = wallets.find(tenant_id)
    if wallet is None:
        raise ConfigurationError(f"tenant {tenant_id} has no wallet; create the tenant once more")
    return wallet
