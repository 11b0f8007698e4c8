"""One line of a batch becomes a job, by the same way as a request over HTTP, or is reported with its problem."""

from dataclasses import dataclass
from datetime import datetime

from fermata.domain.inbox import LineOfFile, accepted, refused
from fermata.domain.problems import problem_of
from fermata.errors import LossesAtRiskError, NotFoundError, RateLimitedError, RequestRefusedError, TooManyJobsError
from fermata.log import logger
from fermata.ports import InboxStore, TriggerStore
from fermata.use_cases.counting_calls import FreeCalls
from fermata.use_cases.ingest_event import job_named
from fermata.use_cases.ingest_file import check_inbox_is_on
from fermata.use_cases.submit_job import Order, SubmitPorts, submit_once


@dataclass(frozen=True)
class LinePorts:
    """What `submit_line` works with."""

    submit: SubmitPorts
    triggers: TriggerStore
    inbox: InboxStore
    calls: FreeCalls


def submit_line(line: LineOfFile, ports: LinePorts, now: datetime) -> str:
    """`accepted` or `refused`, as the line's result says; doing it again makes no second job.

    Raises `TransientError`, `RateLimitedError`, `TooManyJobsError` or `LossesAtRiskError` where the line should be
    submitted once more.
    """
    tenant_id = line.file.tenant_id or ""
    ports.calls.check(tenant_id)
    for name in ports.inbox.names(line.results_begin):
        # Nothing is read for a line that has its result.
        logger.info("this line was submitted before")
        ports.calls.count(tenant_id)
        return name.removeprefix(line.results_begin).removesuffix(".json")
    try:
        result, outcome = accepted(line.file, line.line, _submit(line, ports, now)), "accepted"
    except (RateLimitedError, TooManyJobsError, LossesAtRiskError):
        # Nobody waits for a line: it can come again when the plan allows more.
        ports.calls.count(tenant_id)
        raise
    except RequestRefusedError as error:
        problem = problem_of(error)
        logger.info("line refused", extra={"problem": problem.slug})
        ports.calls.count(tenant_id)
        result, outcome = refused(line.file, line.line, problem), "refused"
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
