"""Orders: what can be said in one, and what happens to the job that it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict, Unpack

from fermata_client.core.answers import retry_after, server_time, value_of
from fermata_client.core.calls import call, get
from fermata_client.core.context import Context, checked_order_key
from fermata_client.core.flow import Emit, Flow, Pause, Response
from fermata_client.core.outcomes import error_of_job
from fermata_client.core.progress import Update
from fermata_client.core.retries import Retries
from fermata_client.errors import ConflictError, FermataError, NoAnswerError, WaitTimeoutError
from fermata_client.models.answer import Answer, Kind
from fermata_client.models.catalogue import Quote
from fermata_client.models.job import Attempt, Job


class Order(TypedDict, total=False):
    """The fields of an order beside its model; the API's document says what each means. None leaves a field out."""

    kind: Kind | None
    max_credits: int | None
    fallbacks: list[str] | None
    on_unknown: Literal["fail", "fallback"] | None
    prompt: str | None
    lyrics: str | None
    instrumental: bool | None
    auto_lyrics: bool | None
    duration_s: int | None
    reference: Mapping[str, str] | None
    text: str | None
    voice: str | None
    speed: float | None
    language: str | None
    emotion: str | None
    subtitles: bool | None
    audio: Mapping[str, object] | None
    live: bool | None
    title: str | None
    metadata: Mapping[str, str] | None
    finish_by: datetime | str | None
    callback_url: str | None


@dataclass
class JobState:
    """A job as it was last seen. `retry_after_s` is when Fermata wants to be asked again, `seen_at` its own time
    then, in seconds since 1970, None where it gave none.
    """

    context: Context
    job_id: str
    idempotency_key: str | None = None
    job: Job | None = None
    retry_after_s: float = 1.0
    seen_at: float | None = field(default=None, repr=False)

    def saw(self, response: Response) -> Job:
        """Remember what an answer says."""
        self.job = value_of(response, Job)
        self.retry_after_s = retry_after(response) or 1.0
        self.seen_at = server_time(response)
        return self.job


class Attempts(Answer):
    """What was tried for a job."""

    data: list[Attempt]


def body_of(model: str, order: Order) -> dict[str, Any]:
    """The body of an order; raises `ValueError` for a `finish_by` without a time zone.

    `auto` with a text and no kind is a speech, because no song takes a text.
    """
    body: dict[str, Any] = {"model": model, **{name: each for name, each in order.items() if each is not None}}
    if model == "auto" and "text" in body:
        body.setdefault("kind", "speech")
    finish_by = body.get("finish_by")
    if isinstance(finish_by, datetime):
        if finish_by.tzinfo is None:
            raise ValueError("finish_by has no time zone; use datetime.now(UTC) + timedelta(...)")
        body["finish_by"] = finish_by.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return body


def submit(
    context: Context, model: str, *, idempotency_key: str | None = None, **order: Unpack[Order]
) -> Flow[JobState]:
    """Order, and return the job. Repeated by itself with the same key where no answer came, so it is bought once.

    Errors name the key in `idempotency_key`: a caller that orders again with it within a day buys nothing twice.
    """
    key = checked_order_key(context.clock.new_key() if idempotency_key is None else idempotency_key)
    request = context.request("POST", "jobs", body=body_of(model, order), headers={"Idempotency-Key": key})
    try:
        response = yield from call(context, request)
        state = JobState(context, "", key)
        state.job_id = state.saw(response).id
    except FermataError as error:
        error.idempotency_key = key
        raise
    return state


def quote(context: Context, model: str, **order: Unpack[Order]) -> Flow[Quote]:
    """What an order would cost and how long it would take. Nothing is ordered."""
    response = yield from call(context, context.request("POST", "quote", body=body_of(model, order)))
    return value_of(response, Quote)


def status(state: JobState) -> Flow[Job]:
    """The job as it is now, with fresh links."""
    return (yield from _look(state, state.context.retries))


def events(state: JobState, *, timeout_s: float | None = None) -> Flow[Job]:
    """The job each time that it was looked at, until it has ended: its state, its estimate and its progress.

    Raises `WaitTimeoutError` once `timeout_s` is over; the job goes on.
    """
    clock = state.context.clock
    began = clock.monotonic()
    until = None if timeout_s is None else began + timeout_s
    before: str | None = None
    while True:
        job = yield from _look_until(state, until, timeout_s)
        yield Emit(Update.of(job, before, state.seen_at))
        before = job.status
        if job.is_finished:
            return job
        pause_s = state.retry_after_s
        if until is not None:
            left_s = until - clock.monotonic()
            if left_s <= 0:
                raise WaitTimeoutError(job, timeout_s or 0)
            pause_s = min(pause_s, left_s)
        yield Pause(pause_s)


def wait(state: JobState, *, timeout_s: float | None = None) -> Flow[Job]:
    """The job once it has succeeded. Raises a `JobFailedError` where it ended otherwise, and `WaitTimeoutError`."""
    job = yield from events(state, timeout_s=timeout_s)
    if job.status != "succeeded":
        raise error_of_job(job)
    return job


def cancel(state: JobState) -> Flow[Job]:
    """Take a job back that is still queued. Raises `ConflictError`, code `already_ordered` once the audio is bought."""
    request = state.context.request("POST", "jobs", state.job_id, "cancel")
    try:
        return state.saw((yield from call(state.context, request)))
    except ConflictError as refused:
        # An earlier request, whose answer was lost, may have canceled it.
        job = yield from _look(state, state.context.retries)
        if job.status == "canceled":
            return job
        refused.job_id = state.job_id
        raise


def delete(state: JobState) -> Flow[None]:
    """Forget a finished job and its files. Raises `ConflictError`, code `not_finished`, for one that is open."""
    yield from call(state.context, state.context.request("DELETE", "jobs", state.job_id))


def attempts(state: JobState) -> Flow[list[Attempt]]:
    """What was tried, with which provider, and whether that charged."""
    return (yield from get(state.context, Attempts, "jobs", state.job_id, "attempts")).data


def _look_until(state: JobState, until: float | None, timeout_s: float | None) -> Flow[Job]:
    """A look of a wait: patient, because the job goes on, but not beyond the wait's end."""
    try:
        return (yield from _look(state, state.context.retries.patient(), until))
    except NoAnswerError as error:
        if until is None or state.job is None or state.context.clock.monotonic() < until:
            raise
        raise WaitTimeoutError(state.job, timeout_s or 0) from error


def _look(state: JobState, retries: Retries, until: float | None = None) -> Flow[Job]:
    context = state.context
    request = context.request("GET", "jobs", state.job_id)
    try:
        return state.saw((yield from call(context, request, retries=retries, until=until)))
    except FermataError as error:
        error.job_id = state.job_id
        raise
