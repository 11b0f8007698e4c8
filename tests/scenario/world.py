"""The world of a scenario, whose records may live in DynamoDB."""

from dataclasses import dataclass
from typing import Any

from fermata.ports.jobs import DueJobs
from fermata.ports.money import WalletStore
from fermata.ports.providers import BrakeStore
from tests.fakes.world import World


@dataclass
class ScenarioWorld(World):
    """A world whose job records may live in any store."""

    due: DueJobs | None = None
    brake_store: BrakeStore | None = None
    wallet_store: WalletStore | None = None

    @property
    def wallets(self) -> Any:  # noqa: ANN401 - the fake, or the adapter
        return self.wallet_store or self.jobs.wallets

    @property
    def brakes(self) -> Any:  # noqa: ANN401 - the fake, or the adapter
        return self.brake_store or self.jobs.brakes

    def due_jobs(self) -> DueJobs:
        return self.due or super().due_jobs()
