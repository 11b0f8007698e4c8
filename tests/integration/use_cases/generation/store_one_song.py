"""One way of a song through the real adapters, in a process of its own that reports its peak memory.

Usage: python -m tests.integration.use_cases.generation.store_one_song hex|url|keep ORIGIN
"""

import json
import sys
import tempfile
from pathlib import Path

from fermata.adapters import aws
from fermata.adapters.audio.measurement import FileAudioMeter
from fermata.adapters.http.audio_links import HttpAudioLinks
from fermata.adapters.http.upstream import HttpUpstream
from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.domain.providers.calls import UpstreamCall
from fermata.domain.providers.patience import PatiencePolicy
from fermata.use_cases.generation.finish.store_audio import StorePorts, store_audio
from fermata.use_cases.generation.follow.parse_answer import read_answer
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.songs import JOB_ID, ready_job
from tests.support.cloud import BUCKET
from tests.support.peak_memory import peak_bytes


def store(way: str, origin: str) -> dict[str, object]:
    """Staged hex text, or the provider's link, becomes a track."""
    jobs = InMemoryJobStore()
    jobs.create(ready_job(f"{origin}/song.wav" if way == "url" else None))
    with tempfile.TemporaryDirectory() as scratch:
        ports = StorePorts(
            jobs=jobs,
            answers=S3AnswerStore(aws.s3(), BUCKET),
            links=HttpAudioLinks([], [], [origin], 5),
            tracks=S3TrackStore(aws.s3(), BUCKET),
            meter=FileAudioMeter(),
            clock=lambda: NOON,
            remaining_s=lambda: 600,
            scratch=Path(scratch),
            patience=PatiencePolicy(patience_s=3600, longest_pause_s=300),
            retention_days=1,
        )
        store_audio(JOB_ID, 1, ports)
    job = jobs.load(JOB_ID)
    return job.tracks[0].model_dump(mode="json") if job else {}


def keep(origin: str) -> dict[str, object]:
    """The provider's answer is staged, and then read once for its verdict."""
    answers = S3AnswerStore(aws.s3(), BUCKET)
    upstream = HttpUpstream(lambda _: origin, 5, 30)
    with upstream.send("minimax", UpstreamCall("POST", "/song", body={}), "key", 60) as answer:
        answers.keep(JOB_ID, 2, answer)
    kept = answers.open(JOB_ID, 2)
    return {"text_length": read_answer(kept).text_length if kept else None}


def main(way: str, origin: str) -> None:
    result = keep(origin) if way == "keep" else store(way, origin)
    sys.stdout.write(json.dumps({"peak_bytes": peak_bytes(), "result": result}))


if __name__ == "__main__":
    main(*sys.argv[1:])
