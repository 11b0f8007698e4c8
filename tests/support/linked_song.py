"""Stores one song that comes by link, by the use case with its real adapters; only the jobs are in memory."""

from pathlib import Path

from fermata.adapters import aws
from fermata.adapters.audio.measurement import FileAudioMeter
from fermata.adapters.http.audio_links import HttpAudioLinks
from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.domain.audio.marks import Marking
from fermata.domain.jobs.job import Job
from fermata.domain.providers.patience import PatiencePolicy
from fermata.ports.audio import AudioMarker
from fermata.use_cases.generation.finish.store_audio import StorePorts, store_audio
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.metrics import RecordingMetrics
from tests.songs import JOB_ID, ready_job
from tests.support.cloud import BUCKET


def store_linked_song(url: str, marker: AudioMarker | None, scratch: Path) -> Job:
    """The job after one try to store its song; the link's server is the one on this machine that may be asked."""
    jobs = InMemoryJobStore()
    jobs.create(ready_job(url))
    ports = StorePorts(
        jobs=jobs,
        answers=S3AnswerStore(aws.s3(), BUCKET),
        links=HttpAudioLinks([], [], [url.rpartition("/")[0]], 5),
        tracks=S3TrackStore(aws.s3(), BUCKET),
        meter=FileAudioMeter(),
        marker=marker,
        marking=Marking.TAGS if marker else Marking.OFF,
        metrics=RecordingMetrics(),
        clock=lambda: NOON,
        remaining_s=lambda: 600,
        scratch=scratch,
        patience=PatiencePolicy(patience_s=3600, longest_pause_s=300),
        retention_days=1,
    )
    store_audio(JOB_ID, 1, ports)
    return jobs.load_existing(JOB_ID)
