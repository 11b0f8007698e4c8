"""Ports and context of one run of `start_generation`."""

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
from fermata.use_cases.generation.purchase.receive_answer import ReceivePorts
from fermata.use_cases.generation.purchase.spending_controls import SpendingPorts
from fermata.use_cases.live.publish_pieces import Listening


@dataclass(frozen=True)
class OpenCallbackPorts:
    """Ports of `open_callback`. A callback is awaited for `timeout_s` seconds; `randomness` returns 32 bytes, and
    `first_poll_s` the seconds after which a song of a model is expected.
    """

    callbacks: CallbackStore
    api_url: ApiUrl
    randomness: Callable[[], bytes]
    timeout_s: int
    first_poll_s: Callable[[str], int]


@dataclass(frozen=True)
class StartPorts:
    """Ports of `start_generation`. `remaining_s` returns the seconds until this run's timeout. A provider may fetch a
    job's reference for `reference_link_s` seconds.
    """

    resume: ResumePorts
    receiving: ReceivePorts
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
    listening: Listening


@dataclass(frozen=True)
class StartRun:
    """One run for the next attempt of one job. `job` is the record before the claim, `ordered` the candidate to order
    from, `ids` the reference's ids at that candidate's provider.

    `request` names the attempt in the provider's queue and is the same for every run of the attempt; `claim_id` is
    unique to this run. Claim and slot are held until `claim_until`, a margin after the run's timeout.
    """

    job: Job
    ordered: Candidate
    ids: ProviderIds | None
    request: Request
    claim_id: str
    claim_until: datetime
    ports: StartPorts
