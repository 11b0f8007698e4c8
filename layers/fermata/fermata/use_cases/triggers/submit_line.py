"""Submit one line of a batch as a job in the same way as an HTTP request, or report its problem."""

from dataclasses import dataclass
from datetime import datetime

from fermata.domain.triggers.inbox import LineOfFile, accepted, refused
from fermata.domain.web.problem import problem_of
from fermata.errors import BatchGivenUpError, NotFoundError, RequestRefusedError
from fermata.limit_errors import LossesAtRiskError, RateLimitedError, TooManyJobsError
from fermata.log import logger
from fermata.ports.triggers import InboxStore, OpenBatches, TriggerStore
from fermata.use_cases.accounts.count_calls import FreeCalls
from fermata.use_cases.orders.submit_job import Order, SubmitPorts, submit_once
from fermata.use_cases.triggers.ingest_event import job_named
from fermata.use_cases.triggers.ingest_file import check_inbox_is_on


@dataclass(frozen=True)
class LinePorts:
    """Ports of `submit_line`."""

    submit: SubmitPorts
    triggers: TriggerStore
    inbox: InboxStore
    calls: FreeCalls
    open_batches: OpenBatches


def submit_line(line: LineOfFile, ports: LinePorts, now: datetime) -> str:
    """Submit the line; returns `accepted` or `refused`, as in its result. Running it again creates no second job.

    Raises `TransientError`, `RateLimitedError`, `TooManyJobsError` or `LossesAtRiskError` if the line should be
    submitted again, and `BatchGivenUpError` if no line of the file should be.
    """
    tenant_id, run = line.file.tenant_id or "", line.file.run
    row = ports.open_batches.refused_in_a_row(tenant_id, run)
    if row.ends_the_run(now):
        raise BatchGivenUpError("lines of the file were refused too often in a row; mend them, or wait for the plan")
    try:
        ports.calls.check(tenant_id)
    except RateLimitedError:
        ports.open_batches.note_refusal(tenant_id, run, now, comes_again=True)
        raise
    for name in ports.inbox.names(line.results_begin):
        # A line that has its result is not read again.
        logger.info("this line was submitted before")
        ports.calls.count(tenant_id)
        return name.removeprefix(line.results_begin).removesuffix(".json")
    try:
        result, outcome = accepted(line.file, line.line, _submit(line, ports, now)), "accepted"
    except (RateLimitedError, TooManyJobsError, LossesAtRiskError):
        # No caller waits for a line, so it can be submitted again when the plan allows more.
        ports.calls.count(tenant_id)
        ports.open_batches.note_refusal(tenant_id, run, now, comes_again=True)
        raise
    except RequestRefusedError as error:
        problem = problem_of(error)
        logger.info("line refused", extra={"problem": problem.slug})
        ports.calls.count(tenant_id)
        ports.open_batches.note_refusal(tenant_id, run, now, comes_again=False)
        result, outcome = refused(line.file, line.line, problem), "refused"
    if outcome == "accepted" and row.since is not None:
        ports.open_batches.note_job(tenant_id, run)
    ports.inbox.put(line.result(outcome), result)
    return outcome


def _submit(line: LineOfFile, ports: LinePorts, now: datetime) -> str:
    tenant_id = line.file.tenant_id
    if tenant_id is None:
        raise NotFoundError("the file lies under no tenant's prefix")
    check_inbox_is_on(tenant_id, ports.triggers)
    body = ports.inbox.read(line.file, line.start, line.length)
    order = Order(body, tenant_id, line.file.idempotency_key(line.line), job_named)
    job_id = line.file.job_id(ports.inbox.put_at(line.file), line.line)
    return submit_once(order, job_id, ports.submit, now).job_id
