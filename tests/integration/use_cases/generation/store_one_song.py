"""One way of a song through the real adapters, in a process of its own that reports its peak memory.

Usage: python -m tests.integration.use_cases.generation.store_one_song hex|events|url|keep|live|receive ORIGIN
"""

import json
import sys
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Final

from fermata.adapters import aws
from fermata.adapters.audio.marking.marker import FileMarker
from fermata.adapters.audio.measurement import FileAudioMeter
from fermata.adapters.http.audio_links import HttpAudioLinks
from fermata.adapters.http.upstream import HttpUpstream
from fermata.adapters.providers import load_provider
from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.live_pieces import S3LivePieces
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.domain.audio.marks import Marking
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.providers.calls import UpstreamCall
from fermata.domain.providers.patience import PatiencePolicy
from fermata.use_cases.generation.finish.store_audio import StorePorts, store_audio
from fermata.use_cases.generation.follow.parse_answer import read_answer
from fermata.use_cases.generation.purchase.receive_answer import ReceivePorts, receive
from fermata.use_cases.live.publish_pieces import LivePorts, listening
from fermata.wiring.outward import piece_cutter
from fermata.wiring.runtime import in_background
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.live.background import FixedSecret
from tests.fakes.live.live_streams import InMemoryLiveStreams
from tests.fakes.metrics import RecordingMetrics
from tests.songs import JOB_ID, ready_job, submitting_job
from tests.support.cloud import BUCKET
from tests.support.peak_memory import peak_bytes

LAST_EVENT: Final = 10
"""The event that repeats the whole song."""


def store(way: str, origin: str) -> dict[str, object]:
    """Staged hex text, or the provider's link, becomes a track."""
    jobs = InMemoryJobStore()
    streamed = Audio(source=AudioSource.EVENTS, whole_event=LAST_EVENT)
    linked = ready_job(f"{origin}/song.wav" if way == "url" else None)
    jobs.create(ready_job(audio=streamed) if way == "events" else linked)
    with tempfile.TemporaryDirectory() as scratch:
        ports = StorePorts(
            jobs=jobs,
            answers=S3AnswerStore(aws.s3(), BUCKET),
            links=HttpAudioLinks([], [], [origin], 5),
            tracks=S3TrackStore(aws.s3(), BUCKET),
            meter=FileAudioMeter(),
            marker=FileMarker(),
            marking=Marking.TAGS,
            metrics=RecordingMetrics(),
            clock=lambda: NOON,
            remaining_s=lambda: 600,
            scratch=Path(scratch),
            patience=PatiencePolicy(patience_s=3600, longest_pause_s=300),
            retention_days=1,
        )
        store_audio(JOB_ID, 1, ports)
    job = jobs.load(JOB_ID)
    return job.tracks[0].model_dump(mode="json") if job else {}


def keep(way: str, origin: str) -> dict[str, object]:
    """The provider's answer is staged, perhaps heard meanwhile, and then read once for its verdict."""
    answers = S3AnswerStore(aws.s3(), BUCKET)
    upstream = HttpUpstream(lambda _: origin, 5, 30)
    streams = InMemoryLiveStreams()
    ports = LivePorts(
        jobs=InMemoryJobStore(),
        streams=streams,
        pieces=S3LivePieces(aws.s3(), BUCKET),
        secret=FixedSecret(),
        cutter=piece_cutter,
        background=in_background,
        clock=lambda: NOON,
    )
    call = UpstreamCall("POST", "/song", body={})
    audience = listening(JOB_ID, 2, ports) if way == "live" else nullcontext(lambda answer: answer)
    with audience as listen, upstream.send("minimax", call, "key", 60) as answer:
        answers.keep(JOB_ID, 2, listen(answer))
    kept = answers.open(JOB_ID, 2)
    read = read_answer(kept) if kept else None
    stream = read.stream if read else None
    return {
        "text_length": read.text_length if read else None,
        "whole_event": stream.whole_event if stream else None,
        "was_heard": bool(streams.rows),
    }


def take(origin: str) -> dict[str, object]:
    """The provider's answer is taken apart while it arrives, staged as its song, and that becomes the track."""
    with tempfile.TemporaryDirectory() as scratch:
        ports = ReceivePorts(
            answers=S3AnswerStore(aws.s3(), BUCKET, Path(scratch)),
            make_meter=FileAudioMeter,
            make_marker=FileMarker,
            marking=Marking.TAGS,
            metrics=RecordingMetrics(),
            scratch=Path(scratch),
        )
        call = UpstreamCall("POST", "/song", body={})
        with HttpUpstream(lambda _: origin, 5, 30).send("minimax", call, "key", 60) as answer:
            receive(answer, submitting_job(), ports, load_provider, lambda: 900)
    return store("hex", origin)


def main(way: str, origin: str) -> None:
    run = take if way == "receive" else partial(keep if way in ("keep", "live") else store, way)
    result = run(origin)
    sys.stdout.write(json.dumps({"peak_bytes": peak_bytes(), "result": result}))


if __name__ == "__main__":
    main(*sys.argv[1:])
