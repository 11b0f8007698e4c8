"""Turn a paid result into files of ours: stream each song to disk, measure it, store it. Safe to run again."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from fermata.domain.answer_scanner import AnswerScanner
from fermata.domain.hex_decoder import HexDecoder
from fermata.domain.jobs import Attempt, AttemptState, Audio, AudioSource, Job, Track
from fermata.errors import BadAudioError, LinkExpiredError, ResultExpiredError, StaleRecordError
from fermata.ports import AnswerStore, AudioLinks, AudioMeter, JobStore, StreamedAnswer, TrackStore
from fermata.use_cases.reading_answers import staged_answer
from fermata.use_cases.resume_generation import load_job

LINK_RENEWALS = 1


class StoreOutcome(StrEnum):
    """The choices of `CheckStorage` in `statemachine/music_job.asl.json`."""

    STORED = "stored"
    LINK_EXPIRED = "link_expired"


@dataclass(frozen=True)
class StorePorts:
    """What `store_audio` works with; `scratch` is a folder for one song at a time, `retention_days` how long a song is
    kept.
    """

    jobs: JobStore
    answers: AnswerStore
    links: AudioLinks
    tracks: TrackStore
    meter: AudioMeter
    clock: Callable[[], datetime]
    scratch: Path
    retention_days: int


def store_audio(job_id: str, attempt_number: int, ports: StorePorts) -> StoreOutcome:
    """Store every song of a ready attempt, each under the same key every time and on record once it is stored.

    Raises `BadAudioError`, `UnsafeLinkError`, `ResultExpiredError`, or `TransientError` where running it again may
    help. Songs stored before stay stored.
    """
    job = load_job(job_id, ports.jobs)
    attempt = job.last_attempt
    if attempt is None or attempt.number != attempt_number or job.status.is_terminal:
        return StoreOutcome.STORED
    if attempt.state is AttemptState.GENERATING:
        # An earlier run asked for a new link and its answer was lost.
        return StoreOutcome.LINK_EXPIRED
    if attempt.state is not AttemptState.READY or attempt.audio is None:
        return StoreOutcome.STORED
    while len(job.tracks) < attempt.audio.songs and not job.status.is_terminal:
        try:
            track = _store(job, attempt, attempt.audio, len(job.tracks) + 1, ports)
        except LinkExpiredError:
            return _ask_for_a_new_link(job, attempt, ports)
        job = _save(job.with_tracks((*job.tracks, track), ports.clock()), ports)
    return StoreOutcome.STORED


def _store(job: Job, attempt: Attempt, audio: Audio, number: int, ports: StorePorts) -> Track:
    with NamedTemporaryFile(dir=ports.scratch, prefix=f"{job.id}-") as file:
        sha256 = _write(_song(job, attempt, audio, number, ports), file)
        facts = ports.meter.measure(Path(file.name))
        key = f"tracks/{job.id}/{number}.{facts.extension}"
        ports.tracks.put(key, Path(file.name), facts.content_type)
    return Track(
        number=number,
        object_key=key,
        expires_at=ports.clock() + timedelta(days=ports.retention_days),
        content_type=facts.content_type,
        bytes=facts.bytes,
        sha256=sha256,
        duration_ms=facts.duration_ms,
        sample_rate_hz=facts.sample_rate_hz,
        channels=facts.channels,
        bitrate_bps=facts.bitrate_bps,
    )


def _song(job: Job, attempt: Attempt, audio: Audio, number: int, ports: StorePorts) -> Iterator[bytes]:
    match audio.source:
        case AudioSource.LINKS:
            return ports.links.fetch(attempt.provider, audio.links[number - 1])
        case AudioSource.BODY:
            return _staged(job, attempt, ports.answers).chunks()
        case AudioSource.HEX:
            return _decoded(_staged(job, attempt, ports.answers))


def _staged(job: Job, attempt: Attempt, answers: AnswerStore) -> StreamedAnswer:
    kept = staged_answer(job, attempt, answers)
    if kept is None:
        raise ResultExpiredError(f"the staged answer of attempt {attempt.number} is gone; it is kept 30 days")
    return kept


def _decoded(kept: StreamedAnswer) -> Iterator[bytes]:
    scanner, decoder = AnswerScanner(), HexDecoder()
    for chunk in kept.chunks():
        yield decoder.feed(scanner.feed(chunk))
    scanned = scanner.close()
    if scanned.flaw is not None:
        raise BadAudioError(f"the staged answer is not one whole JSON document: {scanned.flaw}")
    decoder.close()


def _write(audio: Iterator[bytes], file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in audio:
        file.write(piece)
        digest.update(piece)
    file.flush()
    return digest.hexdigest()


def _ask_for_a_new_link(job: Job, attempt: Attempt, ports: StorePorts) -> StoreOutcome:
    if attempt.upstream_id is None or attempt.link_renewals >= LINK_RENEWALS:
        raise ResultExpiredError("the provider's link is dead and a fresh one cannot be had")
    now = ports.clock()
    _save(job.with_outcome(attempt.awaiting_a_new_link(), now), ports)
    return StoreOutcome.LINK_EXPIRED


def _save(job: Job, ports: StorePorts) -> Job:
    try:
        ports.jobs.save(job)
    except StaleRecordError:
        # Another run stored the same bytes under the same key or asked for the same new link, or the job was settled.
        current = load_job(job.id, ports.jobs)
        if current.status is not job.status and not current.status.is_terminal:
            raise
        return current
    return job
