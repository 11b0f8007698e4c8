"""What one run of `start_generation` works with, and what it knows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.jobs.job import Job
from fermata.domain.orders.candidates import Candidate
from fermata.domain.orders.references import ProviderIds
from fermata.ports.audio import ReferenceStore
from fermata.ports.money import WalletStore
from fermata.ports.providers import ApiUrl, CallbackStore, ProviderKeys, Upstream
from fermata.use_cases.generation.finish.resume_generation import ResumePorts
from fermata.use_cases.generation.purchase.provider_queue import QueuePorts, Request
from fermata.use_cases.generation.purchase.spending_controls import SpendingPorts


@dataclass(frozen=True)
class OpenCallbackPorts:
    """What `open_callback` works with; a callback is waited for `timeout_s` seconds, `randomness` gives 32 bytes."""

    callbacks: CallbackStore
    api_url: ApiUrl
    randomness: Callable[[], bytes]
    timeout_s: int


@dataclass(frozen=True)
class StartPorts:
    """What `start_generation` works with; `remaining_s` gives the seconds that this run may still live. A provider may
    fetch a job's reference for `reference_link_s` seconds.
    """

    resume: ResumePorts
    queue: QueuePorts
    spending: SpendingPorts
    wallets: WalletStore
    upstream: Upstream
    keys: ProviderKeys
    references: ReferenceStore
    clock: Callable[[], datetime]
    remaining_s: Callable[[], float]
    post_reserve_s: int
    claim_margin_s: int
    callback: OpenCallbackPorts
    reference_link_s: int


@dataclass(frozen=True)
class StartRun:
    """One run for the next attempt of one job. `job` is the record before the claim, `ordered` the model whose turn it
    is, `ids` the names of its reference at that model's provider.

    `request` names the attempt in the provider's queue, and is the same for every run of it; `claim_id` is this run's
    own. The run has ended a margin before `claim_until`, so it holds its claim and its slot until then.
    """

    job: Job
    ordered: Candidate
    ids: ProviderIds | None
    request: Request
    claim_id: str
    claim_until: datetime
    ports: StartPorts
