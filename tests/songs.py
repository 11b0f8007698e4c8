"""Jobs, attempts and provider answers that tests begin with."""

import io
import json
import wave
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.audio.answer_parts import AroundSong
from fermata.domain.audio.marks import Marking
from fermata.domain.jobs.attempt import Attempt, AttemptState, AwaitedCallback
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import Audio, AudioSource, MissingTrack, Track
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.candidates import Candidate
from fermata.domain.orders.idempotency import FirstAnswer
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.providers.callbacks import Callback, new_callback
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.ports.audio import AudioFacts, MarkedFile, StagedSong
from fermata.use_cases.orders.submit_job import Order
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.fakes.world import CALLBACK_RANDOMNESS

JOB_ID: Final = "job_01JD0ABCDEFGHJKMNPQRSTVWXY"
PROMPT: Final = "indie folk with a canary in the prompt"
LYRICS: Final = "[Verse]\na canary in the lyrics"
LINK: Final = "https://cdn.minimax.io/a%2Fb.mp3?Signature=canary%2Bsigned&Expires=1"


def song_request(**changes: object) -> SongRequest:
    body = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS, **changes}
    return SongRequest.model_validate(body)


def order(body: object, key: str | None = None, tenant_id: str = "acme") -> Order:
    """An order as a handler hands it on; its answer names the job and nothing else."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Order(raw, tenant_id, key, lambda job: FirstAnswer(headers={"Location": f"/{job.id}"}, body=job.id))


def candidate(provider: str = "minimax") -> Candidate:
    """The model of a provider as a job's chain keeps it."""
    name, delivery, price_credits, cost_micro_usd = {
        "minimax": ("music-2.5", "hex", 30, 150_000),
        "skillboss": ("music-2.5", "url", 30, 150_000),
        "apiinone": ("suno", "url", 20, 100_000),
        "aimlapi": ("minimax/music-2.0", "url", 39, 195_000),
    }[provider]
    return Candidate(
        model=f"{provider}/{name}",
        provider=provider,
        dialect=provider,
        upstream_model=f"minimax_voice/{name}" if provider == "skillboss" else name,
        delivery=delivery,
        unit_credits=price_credits,
        price_credits=price_credits,
        unit_micro_usd=cost_micro_usd,
        songs=2 if provider == "apiinone" else 1,
        cost_micro_usd=cost_micro_usd,
        callbacks=provider == "apiinone",
    )


def queued_job(provider: str = "minimax", now: datetime = NOON, **changes: object) -> Job:
    model = candidate(provider)
    job = Job(
        id=JOB_ID,
        tenant_id="acme",
        request=song_request(model=model.model),
        candidates=(model,),
        status=JobStatus.QUEUED,
        created_at=now,
        updated_at=now,
        start_by=now + timedelta(hours=1),
    )
    return job.model_copy(update=changes)


def claimed_attempt(provider: str = "minimax", number: int = 1, **changes: object) -> Attempt:
    attempt = Attempt(
        number=number,
        provider=provider,
        dialect=provider,
        model="music-2.5",
        key_alias="default",
        claim_id=f"run-{number}",
        claim_until=NOON + timedelta(seconds=960),
        started_at=NOON,
    )
    return attempt.model_copy(update=changes)


def submitting_job(provider: str = "minimax") -> Job:
    return queued_job(provider).claimed(claimed_attempt(provider), NOON)


def generating_job() -> Job:
    attempt = claimed_attempt(
        "aimlapi",
        state=AttemptState.GENERATING,
        upstream_id="uuid:minimax/music-2.0",
        provider_charged=ProviderCharged.YES,
    )
    return submitting_job("aimlapi").with_outcome(attempt, NOON)


def callback(**changes: object) -> tuple[str, Callback]:
    """The token and the record of the address that the only attempt's provider was given."""
    token, made = new_callback(JOB_ID, 1, NOON, CALLBACK_RANDOMNESS)
    return token, made.model_copy(update=changes)


def called_back_job(state: AttemptState = AttemptState.GENERATING, **changes: object) -> Job:
    """A suno job whose provider was told to call back and works on it, or has not answered the order yet."""
    awaited = AwaitedCallback(sha256=callback()[1].sha256, timeout_s=120)
    claimed = claimed_attempt("apiinone", callback=awaited, model="suno")
    job = queued_job("apiinone").claimed(claimed, NOON)
    if state is AttemptState.CLAIMED:
        return job
    accepted = {"state": state, "upstream_id": "n74a", "provider_charged": ProviderCharged.YES}
    return job.with_outcome(claimed.model_copy(update={**accepted, **changes}), NOON)


def stream_answer(*events: tuple[bytes, int], content_type: str = "text/event-stream") -> ScriptedAnswer:
    """A stream of MiniMax: each event as its audio and its `data.status`."""
    documents = (
        {"data": {"audio": audio.hex(), "status": status}, "base_resp": {"status_code": 0}} for audio, status in events
    )
    body = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in documents)
    return ScriptedAnswer(body, content_type=content_type)


def ready_job(link: str | None = None, provider: str = "minimax", **changes: object) -> Job:
    ready = {
        "state": AttemptState.READY,
        "audio": Audio(source=AudioSource.LINKS, links=(link,)) if link else Audio(source=AudioSource.HEX),
        "finished_at": NOON,
        "provider_charged": ProviderCharged.YES,
    }
    attempt = claimed_attempt(provider).model_copy(update={**ready, **changes})
    return submitting_job(provider).with_outcome(attempt, NOON)


def failed_job(failure: Failure) -> Job:
    """A job whose only attempt failed; queued again where the failure allows another attempt."""
    attempt = claimed_attempt(
        state=AttemptState.FAILED, finished_at=NOON, failure=failure, provider_charged=failure.provider_charged
    )
    return submitting_job().with_outcome(attempt, NOON)


def rate_limited(retry_after_s: int | None = None) -> Failure:
    return Failure(
        failure_class=FailureClass.RATE_LIMITED,
        provider_charged=ProviderCharged.NO,
        message="too many requests",
        code="1002",
        retry_after_s=retry_after_s,
    )


def stored_track(number: int = 1) -> Track:
    return Track(
        number=number,
        object_key=f"tracks/{JOB_ID}/{number}.mp3",
        expires_at=NOON + timedelta(days=365),
        content_type="audio/mpeg",
        bytes=813_651,
        sha256="ab" * 32,
        duration_ms=25_364,
        sample_rate_hz=44_100,
        channels=2,
        bitrate_bps=256_000,
    )


def delivered_job(**changes: object) -> Job:
    job = ready_job().model_copy(update=changes)
    return job.with_tracks((stored_track(),), NOON).settled(None, NOON)


def suno_job(*stored: int, price: int = 20, songs: int = 2, made: int = 2, **changes: object) -> Job:
    """A job whose provider made some songs, of which those with these numbers are stored; nothing is noted about the
    others yet.
    """
    links = tuple(f"https://cdn1.suno.ai/{number}.mp3" for number in range(1, made + 1))
    ready = ready_job(provider="apiinone", audio=Audio(source=AudioSource.LINKS, links=links))
    chain = (candidate("apiinone").model_copy(update={"price_credits": price, "songs": songs}),)
    job = ready.model_copy(update={"candidates": chain, **changes})
    return job.with_tracks(tuple(map(stored_track, stored)), NOON)


def missing_track(number: int, message: str = "no audio was found behind the link") -> MissingTrack:
    failure = Failure(
        failure_class=FailureClass.BAD_AUDIO,
        provider_charged=ProviderCharged.YES,
        message=message,
        code="bad_audio",
    )
    return MissingTrack(number=number, reason=failure)


def hex_answer(audio: bytes, **fields: object) -> ScriptedAnswer:
    """MiniMax's answer with the song in it as hex text."""
    body = {"data": {"audio": audio.hex(), "status": 2}, "base_resp": {"status_code": 0, "status_msg": "success"}}
    return ScriptedAnswer(json.dumps({**body, **fields}).encode())


def staged_song(**changes: object) -> StagedSong:
    """The song of an answer, without marks."""
    facts = AudioFacts("audio/mpeg", "mp3", 5003, 25_364, 44_100, 2, 256_000)
    around = AroundSong(b'{"data":{"audio":"', b'"}}')
    song = StagedSong(around, facts, "ab" * 32, Marking.OFF, MarkedFile((), "ab" * 32))
    return replace(song, **changes)  # type: ignore[arg-type]  # the fields of the record


def json_answer(document: object, http_status: int = 200, retry_after_s: int | None = None) -> ScriptedAnswer:
    return ScriptedAnswer(json.dumps(document).encode(), http_status, retry_after_s=retry_after_s)


def wav_file(seconds: float, sample_rate_hz: int = 44_100) -> bytes:
    """A valid stereo WAV file of 16 bits a sample that is not silent."""
    frame = b"\x10\x00\x20\x00"
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(frame * round(seconds * sample_rate_hz))
    return buffer.getvalue()


def newer(job: Job) -> Job:
    """The next version of a job, without a difference."""
    return job.model_copy(update={"version": job.version + 1})
