"""Turn a request into a stored job with held credits, and start its execution."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.catalogue.models import Model
from fermata.domain.finish.overdue import looked_after
from fermata.domain.finish.settlement import not_started
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.wallet import Wallet
from fermata.domain.orders.candidates import OrderPlan
from fermata.domain.orders.idempotency import FirstAnswer, Receipt, fingerprint_of, key_hash, receipt_for
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.orders.order_request import SongRequest, parse_song_request
from fermata.domain.tenants.key_cap import KeyCap
from fermata.domain.tenants.plan_limits import Allowance
from fermata.domain.tenants.tenant import Caller
from fermata.domain.web.safe_url import TrustedOrigins
from fermata.errors import (
    DrainingError,
    IdempotencyKeyReusedError,
    IdempotencyKeyTakenError,
    LimitReachedError,
    NoModelError,
    NotStartedError,
    OtherDiscountError,
    OutOfCreditError,
    StaleRecordError,
    TenantSuspendedError,
    TransientError,
)
from fermata.ports.jobs import JobMachine, JobStore
from fermata.use_cases.orders.plan_order import PlanPorts, discount_of, first_discount, plan_order, wish_of
from fermata.use_cases.stale import READS

_LOST_TO_ANOTHER: Final = (
    *(IdempotencyKeyTakenError, LimitReachedError, NoModelError, OutOfCreditError),
    *(TenantSuspendedError, DrainingError),
)


@dataclass(frozen=True)
class SubmitPorts(PlanPorts):
    """Ports of `submit_job`. An order may wait for `start_by_s` seconds; a request's links may lead to
    `trusted` origins besides public hosts. The reaper checks `first_check_s` seconds after the submission whether the
    job was started.
    """

    jobs: JobStore
    machine: JobMachine
    start_by_s: int
    trusted: TrustedOrigins
    first_check_s: int


@dataclass(frozen=True)
class Order:
    """A request as received. `answer` makes the caller's answer from the stored job. `by` is the key that ordered over
    HTTP, None for orders of events and files, which count on no key.
    """

    body: bytes
    tenant_id: str
    idempotency_key: str | None
    answer: Callable[[Job], FirstAnswer]
    by: Caller | None = None


@dataclass(frozen=True)
class Submission:
    """The job of an order, and the answer for its caller; `replayed` if an earlier order with the same key created it.
    `allowance` is the number of orders that the plan still allows, if known.
    """

    job_id: str
    answer: FirstAnswer
    replayed: bool
    allowance: Allowance | None = None


def submit_job(order: Order, ports: SubmitPorts, now: datetime, randomness: bytes) -> Submission:
    """Store one job, hold its credits and start it; or return the first answer again if the order's key was used for
    the same request.

    Raises a `RequestRefusedError` before anything is stored. If the state machine could not be started, raises
    `NotStartedError` for an order with a key, whose replay will start the job, and `TransientError` for one without,
    whose job is then already failed and refunded.
    """
    return _submit(order, new_job_id(now, randomness), ports, now)


def submit_once(order: Order, job_id: str, ports: SubmitPorts, now: datetime) -> Submission:
    """As `submit_job`, for an order whose source determines the id of its job. The job is created once, even if the
    order is repeated long after its receipt has expired.
    """
    known = _existing(order, job_id, ports, now)
    if known is not None:
        return known
    try:
        return _submit(order, job_id, ports, now)
    except StaleRecordError:
        known = _existing(order, job_id, ports, now)
        if known is None:
            raise
        return known


def _submit(order: Order, job_id: str, ports: SubmitPorts, now: datetime) -> Submission:
    found = ports.found_voices(order.tenant_id)
    request, model = parse_song_request(order.body, ports.catalogue, ports.trusted, found)
    replayed = _replay(order, request, ports, now)
    if replayed is not None:
        return replayed
    try:
        job, answer, wallet = _create(order, job_id, request, model, ports, now)
    except _LOST_TO_ANOTHER:
        # Another order with the same key may have taken the key, or with it the last credits or the last place, or was
        # stored before the suspension or the maintenance.
        first = _replay(order, request, ports, now)
        if first is None:
            raise
        return first
    _start(job, ports, now, keyed=order.idempotency_key is not None)
    return Submission(job.id, answer, replayed=False, allowance=wallet.submits_left(now))


def _create(
    order: Order, job_id: str, request: SongRequest, model: Model | None, ports: SubmitPorts, now: datetime
) -> tuple[Job, FirstAnswer, Wallet]:
    """Choose the model if the request leaves that to Fermata, price the order and store its job. The transaction finds
    the wallet's current discount if the order was priced at another one.
    """
    wish = wish_of(request, model, order.tenant_id, ports, now, order.by.cap if order.by else None)
    discount_percent = first_discount(wish, ports, now)
    for _ in range(READS):
        plan = plan_order(wish, ports, now, discount_percent)
        until = now + timedelta(seconds=ports.start_by_s)
        job = looked_after(_new_job(job_id, request, plan, order, until, now), ports.first_check_s)
        answer = order.answer(job)
        try:
            return job, answer, ports.jobs.create(job, _receipt(order, job, answer, now))
        except OtherDiscountError as error:
            discount_percent = error.percent
    raise TransientError("the discount changed while the order was priced; send the same request again")


def quote_job(body: bytes, tenant_id: str, ports: SubmitPorts, now: datetime, cap: KeyCap | None = None) -> OrderPlan:
    """The plan of an order with this body, under the cap of its key: its candidates and their estimate. Stores and
    starts nothing.

    Raises the `RequestRefusedError` that the order would raise, except for missing credits, which are not checked.
    """
    found = ports.found_voices(tenant_id)
    request, model = parse_song_request(body, ports.catalogue, ports.trusted, found)
    wish = wish_of(request, model, tenant_id, ports, now, cap)
    return plan_order(wish, ports, now, discount_of(wish, ports, now))


def _replay(order: Order, request: SongRequest, ports: SubmitPorts, now: datetime) -> Submission | None:
    if order.idempotency_key is None:
        return None
    receipt = ports.jobs.find_receipt(order.tenant_id, key_hash(order.idempotency_key))
    if receipt is None or not receipt.is_live(now):
        return None
    if receipt.fingerprint != fingerprint_of(request):
        raise IdempotencyKeyReusedError(
            "this Idempotency-Key belongs to an order with another body; expected that body, or a new key for this one"
        )
    job = ports.jobs.load(receipt.job_id)
    if job is not None:
        _start_if_waiting(job, ports, now)
    return Submission(receipt.job_id, receipt.answer, replayed=True)


def _existing(order: Order, job_id: str, ports: SubmitPorts, now: datetime) -> Submission | None:
    job = ports.jobs.load(job_id)
    if job is None:
        return None
    _start_if_waiting(job, ports, now)
    return Submission(job_id, order.answer(job), replayed=True)


def _start_if_waiting(job: Job, ports: SubmitPorts, now: datetime) -> None:
    if job.status is JobStatus.QUEUED and not job.attempts:
        _start(job, ports, now, keyed=True)


def _receipt(order: Order, job: Job, answer: FirstAnswer, now: datetime) -> Receipt | None:
    if order.idempotency_key is None:
        return None
    return receipt_for(order.tenant_id, order.idempotency_key, job.request, job.id, answer, now)


def _start(job: Job, ports: SubmitPorts, now: datetime, *, keyed: bool) -> None:
    try:
        ports.machine.start(job.id)
    except TransientError as error:
        if keyed:
            again = "send the same request with the same Idempotency-Key to start it"
            raise NotStartedError(f"{job.id} is stored, but {error.public_message}; {again}", error.aws_code) from error
        if _close(job, ports.jobs, now):
            raise


def _close(job: Job, jobs: JobStore, now: datetime) -> bool:
    """Close a job that could not be started; False if it runs after all and only the answer to the start was lost."""
    try:
        jobs.settle(job.settled(not_started(now), now))
    except StaleRecordError:
        return False
    return True


def _new_job(
    job_id: str, request: SongRequest, plan: OrderPlan, order: Order, start_by: datetime, now: datetime
) -> Job:
    return Job(
        id=job_id,
        tenant_id=order.tenant_id,
        api_key_id=order.by.key_id if order.by else None,
        key_cap=order.by.cap if order.by else None,
        request=request,
        candidates=plan.chain,
        status=JobStatus.QUEUED,
        created_at=now,
        updated_at=now,
        start_by=start_by,
        pays_unknown=plan.pays_unknown,
    )
