"""Compare every wallet with its ledger. It changes nothing, and may run beside everything else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fermata.domain.money.wallet import Wallet
from fermata.domain.money.wallet_audit import Drift, drift_of, sums_of, unbalanced
from fermata.errors import ConfigurationError, FermataError
from fermata.ports.metrics import Metrics
from fermata.ports.money import WalletStore
from fermata.ports.tenants import TenantStore

DRIFT: Final = "WalletDriftCredits"
_LOOKS: Final = 3
"""At one wallet that moves each time while its ledger is read."""


@dataclass(frozen=True)
class AuditPorts:
    """What `audit_wallets` works with. `drifted` hears of each tenant whose wallet differs from its ledger, `skipped`
    of each that could not be compared, and why.
    """

    tenants: TenantStore
    wallets: WalletStore
    metrics: Metrics
    drifted: Callable[[str, Drift], object]
    skipped: Callable[[str, str], object]


def audit_wallets(ports: AuditPorts) -> dict[str, int]:
    """Look at the wallet of every tenant, tell of those that drifted, and count. Trouble with one wallet does not keep
    the others waiting.

    Raises `TransientError` where the tenants cannot be listed.
    """
    tenants = drifting = skipped = drift_credits = 0
    for tenant_id in ports.tenants.tenant_ids():
        tenants += 1
        drift = _look_at(tenant_id, ports)
        if drift is None:
            skipped += 1
        elif drift.credits:
            drifting += 1
            drift_credits += drift.credits
            ports.drifted(tenant_id, drift)
    # Zero is said of all wallets or of none: it ends the alarm of the day before.
    if drift_credits or not skipped:
        ports.metrics.credits(DRIFT, drift_credits)
    return {"tenants": tenants, "drifting": drifting, "skipped": skipped, "drift_credits": drift_credits}


def _look_at(tenant_id: str, ports: AuditPorts) -> Drift | None:
    try:
        drift = _drift(tenant_id, ports.wallets)
    except FermataError as error:
        ports.skipped(tenant_id, str(error))
        return None
    except Exception as error:  # noqa: BLE001 - a broken entry may raise anything, and must not hide other wallets
        ports.skipped(tenant_id, f"an item of its wallet or ledger cannot be read ({type(error).__name__}); mend it")
        return None
    if drift is None:
        ports.skipped(tenant_id, "its credits kept moving")
    return drift


def _drift(tenant_id: str, wallets: WalletStore) -> Drift | None:
    """None where nobody can tell, because credits moved in each of the looks."""
    wallet = _wallet(tenant_id, wallets)
    for _ in range(_LOOKS):
        before = wallet
        ledger = sums_of(wallets.ledger(tenant_id))
        wallet = _wallet(tenant_id, wallets)
        # All of the wallet and not only the credits: a job that came and went meanwhile leaves those as they were, but
        # was counted in its minute, and the ledger may show one half of it.
        if wallet == before:
            return drift_of(wallet, ledger)
    return Drift(unbalanced=unbalanced(wallet)) if unbalanced(wallet) else None


def _wallet(tenant_id: str, wallets: WalletStore) -> Wallet:
    wallet = wallets.find(tenant_id)
    if wallet is None:
        raise ConfigurationError(f"tenant {tenant_id} has no wallet; create the tenant once more")
    return wallet
