"""An event of the dedicated bus becomes a job by the same way as a request over HTTP, or is told to be refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.jobs.job import Job
from fermata.domain.orders.idempotency import FirstAnswer
from fermata.domain.triggers.inbound_event import Requested, read_requested, refusal_of, sender_of
from fermata.domain.web.problem import problem_of
from fermata.errors import RequestRefusedError, TriggerOffError
from fermata.log import logger
from fermata.ports.jobs import JobEvents
from fermata.ports.triggers import TriggerStore
from fermata.use_cases.accounts.count_calls import FreeCalls
from fermata.use_cases.orders.submit_job import Order, Submission, SubmitPorts, submit_once


@dataclass(frozen=True)
class EventPorts:
    """What `ingest_event` works with."""

    submit: Callable[[], SubmitPorts]
    triggers: TriggerStore
    events: JobEvents
    calls: FreeCalls


def ingest_event(event: object, ports: EventPorts, now: datetime) -> Submission | None:
    """The job of one event, or None where it was refused, which is then told on the bus; nothing is stored for it.

    Raises `TransientError` where the event should come once more: its id makes that harmless whenever it comes, and
    its key does for a day.
    """
    tenant_id: str | None = None
    try:
        requested = read_requested(event)
        tenant_id = ports.triggers.tenant_of(requested.sender)
        return _submitted(requested, tenant_id, ports, now)
    except RequestRefusedError as error:
        problem = problem_of(error)
        what_to_do = str(error) if isinstance(error, TriggerOffError) else None
        logger.warning("event refused", extra={"problem": problem.slug, "tenant_id": tenant_id, "do": what_to_do})
        if tenant_id is not None:
            ports.calls.count(tenant_id)
        ports.events.publish(refusal_of(sender_of(event), tenant_id, problem))
        return None


def _submitted(requested: Requested, tenant_id: str | None, ports: EventPorts, now: datetime) -> Submission:
    if tenant_id is None:
        raise TriggerOffError(
            f"{requested.sender} is nobody's source; to take its events: "
            f"fermata-admin set-triggers TENANT --events on --source {requested.sender}"
        )
    ports.calls.check(tenant_id)
    if not ports.triggers.of_tenant(tenant_id).events:
        raise TriggerOffError(
            f"events are off for {tenant_id}; to take them: fermata-admin set-triggers {tenant_id} --events on"
        )
    order = Order(requested.body(), tenant_id, requested.key(), job_named)
    submission = submit_once(order, requested.job_id(tenant_id), ports.submit(), now)
    if submission.replayed:
        ports.calls.count(tenant_id)
    logger.info("event taken", extra={"job_id": submission.job_id, "replayed": submission.replayed})
    return submission


def job_named(job: Job) -> FirstAnswer:
    """What is kept as the first answer where nobody waits for one."""
    return FirstAnswer(headers={}, body=json.dumps({"job_id": job.id}))
