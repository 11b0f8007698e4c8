"""Prepare a job's reference for its current model: measure it, check it, and upload it to a provider that needs the
file. All of it is free of charge, precedes the purchase and may run again.

All jobs that use an upload share its one object. A job gets its own copy in two cases: the bytes came from a caller's
link, which may not work again; or the provider fetches the file itself, so the bytes cannot be compared with the
measured ones. The copy is deleted when the job ends.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from fermata.domain.catalogue.models import Catalogue, ReferenceRule
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.claim import next_attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep, next_step_of, reference_ready
from fermata.domain.orders.references import (
    PreparedReference,
    ProviderIds,
    ReferenceRequest,
    copy_key,
    object_key,
    refused_by,
    unusable,
)
from fermata.domain.providers.calls import ReferenceTaker, Refused, UploadOutcome
from fermata.domain.providers.failures import MESSAGE_LIMIT, Failure, FailureClass, ProviderCharged
from fermata.errors import (
    BadAudioError,
    ConfigurationError,
    LinkExpiredError,
    StaleRecordError,
    TransientError,
    UnsafeLinkError,
    UpstreamCallError,
)
from fermata.ports.audio import AudioMeter, ReferenceIds, ReferenceLinks, ReferenceStore
from fermata.ports.jobs import JobStore
from fermata.ports.providers import Estimates, ProviderKeys, Upstream
from fermata.scratch import scratch_file
from fermata.use_cases.generation.follow.parse_answer import read_answer
from fermata.use_cases.orders.estimates import pace_of

UPLOAD_WITHIN_S: Final = 90


@dataclass(frozen=True)
class PreparePorts:
    """Ports of `prepare_reference`. `scratch` is a folder for one recording at a time; `retry_later_s` is the first
    pause, in seconds, before a failed upload is repeated.
    """

    jobs: JobStore
    references: ReferenceStore
    reference_ids: ReferenceIds
    links: ReferenceLinks
    meter: AudioMeter
    upstream: Upstream
    keys: ProviderKeys
    takers: Callable[[str], ReferenceTaker]
    catalogue: Catalogue
    estimates: Estimates
    clock: Callable[[], datetime]
    scratch: Path
    retry_later_s: int


def prepare_reference(job_id: str, after_attempt: int, ports: PreparePorts, claim_id: str) -> NextStep:
    """Take the next preparation step: measure and copy the recording, or upload it to the current provider.
    `after_attempt` is the number of the last attempt when the step was requested, 0 before the first.

    A recording that cannot be used ends the job; a failed upload fails the attempt. A job that ended meanwhile keeps
    no copy. Raises `TransientError` or `StaleRecordError` if running it again may help.
    """
    job = ports.jobs.load_existing(job_id)
    if _is_due(job, after_attempt, ports) and _is_unprepared(job, ports.keys):
        job = _next_step(job, ports, claim_id)
        _save(job, ports)
    now = ports.clock()
    if _is_due(job, after_attempt, ports):
        return reference_ready(job, now)
    return next_step_of(job, now, pace_of(job, ports.catalogue, ports.estimates), ports.retry_later_s)


def _save(job: Job, ports: PreparePorts) -> None:
    try:
        ports.jobs.save(job)
    except StaleRecordError:
        # The run that ended or deleted the job may have deleted its copies before this run made one.
        if ports.jobs.load_existing(job.id).status.is_terminal:
            ports.references.forget(object_key(job.tenant_id, job.id))
        raise


def _is_due(job: Job, after_attempt: int, ports: PreparePorts) -> bool:
    return len(job.attempts) == after_attempt and job.may_claim(ports.clock())


def _is_unprepared(job: Job, keys: ProviderKeys) -> bool:
    """Whether a preparation step is missing. Ids of an account whose key was removed cannot be used."""
    if job.awaits_reference or job.ids is None:
        return job.awaits_reference
    try:
        keys.by_alias(job.ids.provider, job.ids.key_alias)
    except ConfigurationError:
        return True
    return False


def _next_step(job: Job, ports: PreparePorts, claim_id: str) -> Job:
    rule, asked = job.candidate.reference, job.request.reference
    if rule is None or asked is None:
        raise AssertionError(f"{job.id} awaits a reference that its request does not have")
    if not job.awaits_copy:
        return _uploaded(job, asked.meant_as, ports, claim_id)
    refusal = refused_by(rule, job.reference) if job.reference is not None else None
    step = refusal or _measured(job, asked, rule, ports)
    if isinstance(step, Failure):
        return job.with_refusal(step, ports.clock())
    return job.with_reference(step, ports.clock())


def _measured(
    job: Job, asked: ReferenceRequest, rule: ReferenceRule, ports: PreparePorts
) -> PreparedReference | Failure:
    """The measured recording, copied for the job if needed: the provider gets the measured bytes even if the caller's
    upload or link changes afterwards.
    """
    is_copied = asked.audio_url is not None or rule.handed_over == "link"
    before = job.reference
    with scratch_file(ports.scratch, job.id) as file:
        try:
            sha256 = _write(_recording(job, asked, ports), file, rule.max_bytes)
            if sha256 is None:
                return unusable("reference_too_large", f"expected at most {rule.max_bytes} bytes, found more")
            facts = ports.meter.measure(Path(file.name))
        except LinkExpiredError as error:
            return unusable("reference_gone", f"expected a file, but {error}")
        except UnsafeLinkError as error:
            return unusable("reference_link_unsafe", str(error))
        except BadAudioError as error:
            return unusable("reference_not_audio", str(error))
        reference = PreparedReference(
            object_key=copy_key(job.tenant_id, job.id, sha256) if is_copied else _upload_key(job, asked),
            content_type=facts.content_type,
            extension=facts.extension,
            bytes=facts.bytes,
            duration_ms=facts.duration_ms,
            sha256=sha256,
            ids=before.ids if before is not None else (),
        )
        refusal = refused_by(rule, reference)
        if before is not None and before.sha256 != sha256:
            refusal = _changed_upload()
        if refusal is None and is_copied:
            ports.references.put(reference.object_key, Path(file.name), reference.content_type)
    return refusal or reference


def _recording(job: Job, asked: ReferenceRequest, ports: PreparePorts) -> Iterator[bytes]:
    if asked.audio_url is not None:
        return ports.links.fetch(asked.audio_url)
    uploaded = ports.references.open(_upload_key(job, asked))
    if uploaded is None:
        raise LinkExpiredError("the upload is not there (any more)")
    return uploaded


def _upload_key(job: Job, asked: ReferenceRequest) -> str:
    return object_key(job.tenant_id, asked.id or "")


def _changed_upload() -> Failure:
    return unusable(
        "reference_changed",
        "expected the upload that was measured for this job, found another file under its id; upload each recording "
        "under an id of its own, then order again",
    )


def _write(recording: Iterator[bytes], file: IO[bytes], max_bytes: int) -> str | None:
    """The SHA-256 of the written bytes, or None if the recording has more than `max_bytes`."""
    digest, written = hashlib.sha256(), 0
    for piece in recording:
        written += len(piece)
        if written > max_bytes:
            return None
        file.write(piece)
        digest.update(piece)
    file.flush()
    return digest.hexdigest()


def _uploaded(job: Job, purpose: str, ports: PreparePorts, claim_id: str) -> Job:
    """The job with the provider's ids for its recording, or with a failed attempt. The ids are recorded before this run
    returns, so that the upload is not repeated needlessly; they are valid for one account only. They are remembered for
    the tenant first, so that every id that a job shows can be named.
    """
    provider, began = job.candidate.provider, ports.clock()
    alias, key = ports.keys.current(provider)
    outcome = _upload(job, purpose, key, ports)
    now = ports.clock()
    if isinstance(outcome, Failure):
        return job.with_refusal(outcome, now)
    if isinstance(outcome, Refused):
        return job.with_attempt_without_order(_failed_attempt(job, alias, claim_id, began, outcome, now), now)
    ids = ProviderIds(
        provider=provider, key_alias=alias, voice_id=outcome.voice_id, instrumental_id=outcome.instrumental_id
    )
    ports.reference_ids.remember(job.tenant_id, ids)
    return job.with_reference(_recording_of(job).known_by(ids), now)


def _upload(job: Job, purpose: str, key: str, ports: PreparePorts) -> UploadOutcome | Failure:
    """The provider's answer to the upload, or the failure that ends the job because the stored file is not the one that
    was measured.
    """
    candidate, reference = job.candidate, _recording_of(job)
    taker = ports.takers(candidate.dialect)
    call = taker.upload_call(purpose, f"reference.{reference.extension}", reference.content_type)
    with scratch_file(ports.scratch, job.id) as file:
        stored = ports.references.open(reference.object_key)
        if stored is None or _write(stored, file, reference.bytes) != reference.sha256:
            return _mismatch(job, reference, is_there=stored is not None)
        try:
            with ports.upstream.upload(candidate.provider, call, Path(file.name), key, UPLOAD_WITHIN_S) as answer:
                outcome = taker.read_upload(read_answer(answer))
        except UpstreamCallError as error:
            return Refused(_upload_failure(str(error), type(error).__name__))
    return Refused(outcome.failure.of_a_free_call()) if isinstance(outcome, Refused) else outcome


def _mismatch(job: Job, reference: PreparedReference, *, is_there: bool) -> Failure:
    if reference.is_copy_of(job.id):
        raise TransientError(f"{job.id}'s copy of its reference differs from the stored one; it is read again")
    return (
        _changed_upload()
        if is_there
        else unusable("reference_gone", "expected a file, but the upload is not there any more")
    )


def _recording_of(job: Job) -> PreparedReference:
    if job.reference is None:
        raise AssertionError(f"{job.id} has no measured reference to hand over")
    return job.reference


def _upload_failure(message: str, code: str) -> Failure:
    return Failure(
        failure_class=FailureClass.TRANSIENT,
        provider_charged=ProviderCharged.NO,
        message=f"the reference could not be handed over: {message}; nothing was ordered"[:MESSAGE_LIMIT],
        code=code,
    )


def _failed_attempt(job: Job, alias: str, claim_id: str, began: datetime, refused: Refused, now: datetime) -> Attempt:
    return next_attempt(job, alias, claim_id, began, now).after(refused, now)
