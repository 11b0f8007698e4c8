"""Turn a request into a stored job with held credits, and start its execution."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from fermata.domain.catalogue.models import Catalogue, Model
from fermata.domain.finish.overdue import looked_after
from fermata.domain.finish.settlement import not_started
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.candidates import Candidate, DefaultFallbacks, OrderPlan, candidates_for
from fermata.domain.orders.deadlines import Deadline
from fermata.domain.orders.idempotency import FirstAnswer, Receipt, fingerprint_of, key_hash, receipt_for
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.orders.order_request import OnUnknown, SongRequest, parse_song_request
from fermata.domain.orders.references import object_key, wrong_upload
from fermata.domain.tenants.plan_limits import Allowance
from fermata.domain.tenants.tenant import Caller
from fermata.errors import (
    FieldError,
    IdempotencyKeyReusedError,
    IdempotencyKeyTakenError,
    InvalidRequestError,
    LimitReachedError,
    NotStartedError,
    OutOfCreditError,
    StaleRecordError,
    TransientError,
)
from fermata.ports.audio import ReferenceStore
from fermata.ports.jobs import JobMachine, JobStore
from fermata.ports.money import WalletStore
from fermata.ports.providers import Estimates
from fermata.ports.webhooks import WebhookStore


@dataclass(frozen=True)
class SubmitPorts:
    """Ports of `submit_job`. An order may wait for `start_by_s` seconds. `default_fallbacks` apply to requests that
    name none; a request's links may lead to `trusted_origins` besides public hosts. The reaper checks `first_check_s`
    seconds after the submission whether the job was started. A deadline may be `longest_finish_by_s` seconds away.
    """

    jobs: JobStore
    machine: JobMachine
    catalogue: Catalogue
    estimates: Estimates
    start_by_s: int
    default_fallbacks: DefaultFallbacks
    references: ReferenceStore
    trusted_origins: Collection[str]
    first_check_s: int
    longest_finish_by_s: int
    webhooks: WebhookStore
    wallets: WalletStore


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
    request, model = parse_song_request(order.body, ports.catalogue, ports.trusted_origins)
    replayed = _replay(order, request, ports, now)
    if replayed is not None:
        return replayed
    plan = _plan(request, model, order.tenant_id, ports, now)
    until = now + timedelta(seconds=ports.start_by_s)
    job = looked_after(_new_job(job_id, request, plan, order, until, now), ports.first_check_s)
    answer = order.answer(job)
    try:
        wallet = ports.jobs.create(job, _receipt(order, job, answer, now))
    except (IdempotencyKeyTakenError, LimitReachedError, OutOfCreditError):
        # Another order with the same key may have taken the key, or with it the last credits or the last place.
        first = _replay(order, request, ports, now)
        if first is None:
            raise
        return first
    _start(job, ports, now, keyed=order.idempotency_key is not None)
    return Submission(job.id, answer, replayed=False, allowance=wallet.submits_left(now))


def quote_job(body: bytes, tenant_id: str, ports: SubmitPorts, now: datetime) -> OrderPlan:
    """The plan of an order with this body: its candidates and their estimate. Stores and starts nothing.

    Raises the `RequestRefusedError` that the order would raise, except for missing credits, which are not checked.
    """
    request, model = parse_song_request(body, ports.catalogue, ports.trusted_origins)
    return _plan(request, model, tenant_id, ports, now)


def _plan(request: SongRequest, model: Model, tenant_id: str, ports: SubmitPorts, now: datetime) -> OrderPlan:
    """The plan of a valid request; raises `InvalidRequestError` for any other."""
    deadline = _deadline(request, ports, now)
    chain = candidates_for(request, model, ports.catalogue, ports.default_fallbacks, deadline)
    wrong = list(deadline.wrong_for({each.model: each.p80_s for each in chain})) if deadline else []
    if wrong:
        raise InvalidRequestError(wrong)
    _check_upload(request, chain, tenant_id, ports.references, now)
    _check_callback(request, tenant_id, ports.webhooks)
    estimate = ports.estimates.of(model.id, model.estimate)
    return OrderPlan(chain, estimate, _pays_unknown(request, chain, tenant_id, ports.wallets))


def _deadline(request: SongRequest, ports: SubmitPorts, now: datetime) -> Deadline | None:
    if request.finish_by is None:
        return None
    estimates = ports.estimates
    return Deadline(
        request.finish_by, ports.longest_finish_by_s, now, lambda model: estimates.of(model.id, model.estimate)
    )


def _pays_unknown(request: SongRequest, chain: tuple[Candidate, ...], tenant_id: str, wallets: WalletStore) -> bool:
    """Whether the tenant's plan makes it pay for attempts of unknown outcome. Reads the wallet only if the order may
    have such attempts.
    """
    if request.on_unknown is not OnUnknown.FALLBACK or len(chain) == 1:
        return False
    wallet = wallets.find(tenant_id)
    return wallet is not None and wallet.unknown_paid_by == "tenant"


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


def _check_upload(
    request: SongRequest, chain: tuple[Candidate, ...], tenant_id: str, references: ReferenceStore, now: datetime
) -> None:
    """Refuse a recording that is missing, or too large for a model that uses it. Another tenant's recording counts as
    missing.
    """
    if request.reference is None or request.reference.id is None:
        return
    rules = {each.model: each.reference for each in chain if each.reference}
    size_bytes = references.size(object_key(tenant_id, request.reference.id))
    wrong = tuple(wrong_upload(request.reference.id, size_bytes, rules, now))
    if wrong:
        raise InvalidRequestError(wrong)


def _check_callback(request: SongRequest, tenant_id: str, webhooks: WebhookStore) -> None:
    """Refuse a `callback_url` of a tenant without a secret, because its receiver could not verify the webhook."""
    if request.callback_url is not None and webhooks.find(tenant_id) is None:
        found = "needs a secret to sign with, and there is none; POST /v1/webhook/rotate makes one"
        raise InvalidRequestError([FieldError("/callback_url", found)])


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
