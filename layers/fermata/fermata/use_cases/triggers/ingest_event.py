"""Submit an event of the dedicated bus as a job in the same way as an HTTP request, or publish its refusal."""

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
    """Ports of `ingest_event`."""

    submit: Callable[[], SubmitPorts]
    triggers: TriggerStore
    events: JobEvents
    calls: FreeCalls


def ingest_event(event: object, ports: EventPorts, now: datetime) -> Submission | None:
    """The submission of one event; None if it was refused. Publishes a refusal on the bus and stores nothing for it.

    Raises `TransientError` if the event should be delivered again: its id makes that harmless at any time, its key for
    a day.
    """
    tenant_id: str | None = None
    try:
        requested = read_requested(event)
        tenant_id = ports.triggers.tenant_of(requested.sender)
        return _submitted(requested, tenant_id, ports, now)
    except RequestRefusedError as error:
        problem = problem_of(error)
        remedy = str(error) if isinstance(error, TriggerOffError) else None
        logger.warning("event refused", extra={"problem": problem.slug, "tenant_id": tenant_id, "do": remedy})
        if tenant_id is not None:
            ports.calls.count(tenant_id)
        ports.events.publish(refusal_of(sender_of(event), tenant_id, problem))
        return None


def _submitted(requested: Requested, tenant_id: str | None, ports: EventPorts, now: datetime) -> Submission:
    if tenant_id is None:
        raise TriggerOffError(
            f"{requested.sender} is no tenant's source; to take its events: "
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
    """The first answer to store for an order that has no caller waiting."""
    return FirstAnswer(headers={}, body=json.dumps({"job_id": job.id}))
