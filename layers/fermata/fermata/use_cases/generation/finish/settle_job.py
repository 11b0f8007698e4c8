"""Settle a job once, publish its end, and delete the copies made for it. All of it may run again."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from fermata.domain.finish.events import end_of
from fermata.domain.finish.settlement import settle
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.latency import song_time_of
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.usage import usage_event
from fermata.domain.orders.references import object_key
from fermata.log import logger
from fermata.ports.audio import ReferenceStore
from fermata.ports.jobs import JobEvents, JobStore
from fermata.ports.metrics import Metrics
from fermata.ports.providers import Estimates, ProviderStates
from fermata.use_cases.generation.finish.record_unknown_outcomes import report_unknown_outcomes
from fermata.use_cases.generation.finish.report_end import report_end
from fermata.use_cases.generation.purchase.provider_queue import Request, withdraw_unmade
from fermata.use_cases.stale import retry_on_stale
from fermata.use_cases.webhooks.start_delivery import StartDeliveryPorts, start_delivery


@dataclass(frozen=True)
class SettlePorts:
    """Ports of `settle_job`."""

    jobs: JobStore
    events: JobEvents
    estimates: Estimates
    providers: ProviderStates
    metrics: Metrics
    delivery_start: StartDeliveryPorts
    references: ReferenceStore


def settle_job(job_id: str, stopped_by: str | None, ports: SettlePorts, now: datetime) -> JobStatus:
    """Settle the job and publish its end; returns its terminal status. Running it again changes nothing. `stopped_by`
    is the error that stopped the state machine, if any. The run that settles a delivered job also records its duration
    for estimates.

    Raises `StaleRecordError` if other runs keep writing the job, and `TransientError` if its end could not be published
    or its copy of a reference could not be deleted: the state machine repeats both, and later the reaper. Raises
    `NotFoundError` for an unknown job.
    """
    job = retry_on_stale(partial(_settled, stopped_by, ports, now), lambda: ports.jobs.load_existing(job_id))
    unordered = job.terms.unordered_after(job.last_attempt)
    if unordered is not None:
        # No claim can follow the end, so no call follows under this request, even if it still holds a slot.
        provider, attempt = unordered
        withdraw_unmade(Request(provider, job.id, attempt), ports.providers)
    if job.publish_pending:
        # Published first and recorded afterwards: an end may be published twice, under one event id, but never not at
        # all. A webhook delivery has a unique name, so it starts once.
        ports.events.publish(end_of(job), usage_event(job))
        start_delivery(job, ports.delivery_start)
        if job.status is JobStatus.CANCELED:
            # Canceling settles the job without a report.
            report_end(job, ports.metrics)
    if job.request.reference is not None or job.deleted_at is not None:
        # No provider needs the copy any more. If the job was canceled or deleted while a run prepared its reference,
        # that run may have made a copy afterwards. The tombstone of a deleted job does not say whether it had a
        # reference. The state machine reaches this state after such a run.
        ports.references.forget(object_key(job.tenant_id, job.id))
    if job.publish_pending:
        _note_published(job, ports.jobs)
    return job.status


def _settled(stopped_by: str | None, ports: SettlePorts, now: datetime, job: Job) -> Job:
    settled = settle(job, stopped_by, now)
    if settled is None:
        logger.info("already settled; nothing changes", extra={"status": job.status, "stopped_by": stopped_by})
        return job
    ports.jobs.settle(settled)
    report_unknown_outcomes(job, settled, ports.metrics)
    report_end(settled, ports.metrics)
    song = song_time_of(settled)
    if song is not None:
        ports.estimates.learn(settled.candidate.model, song)
    return settled


def _note_published(job: Job, jobs: JobStore) -> None:
    def note(current: Job) -> None:
        if current.publish_pending:
            jobs.save(current.published())

    retry_on_stale(note, lambda: jobs.load_existing(job.id), known=job)
