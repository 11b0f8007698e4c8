"""Measure how loud the songs of a delivered job are, and draw their waveforms. May run again, and beside another run.

It runs after the job's end and changes nothing of it: what it finds lies in a record of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fermata.domain.audio.sound import TrackSound, Unmeasured, peaks_key
from fermata.domain.jobs.songs import Track
from fermata.domain.jobs.view import finished_tracks
from fermata.errors import NotFoundError
from fermata.log import logger
from fermata.ports.jobs import JobStore
from fermata.ports.metrics import Metrics
from fermata.ports.sound import Sound, SoundFiles, SoundMeter
from fermata.scratch import scratch_file

STORING_TAKES_S: Final = 30
"""Seconds of a run that are kept free for fetching songs and storing what was found."""


@dataclass(frozen=True)
class MeasurePorts:
    """Ports of `measure_tracks`. `scratch` is a folder for one song at a time, `remaining_s` returns the seconds until
    this run's timeout.
    """

    jobs: JobStore
    files: SoundFiles
    meter: SoundMeter
    metrics: Metrics
    remaining_s: Callable[[], float]
    scratch: Path


def measure_tracks(job_id: str, ports: MeasurePorts) -> tuple[TrackSound, ...]:
    """Measure every track of a delivered job, unless that is done, and return how loud they are; nothing for any other
    job. Of a deleted job no waveform is left.

    Raises `TransientError`: run it again. A song that cannot be measured is no error; its record says why.
    """
    job = ports.jobs.load(job_id)
    if job is None or job.deleted_at is not None:
        # An earlier try of this run may have stored a waveform after the deletion, and ended before it could look.
        return _forget(job_id, ports)
    tracks = finished_tracks(job)
    if not tracks or job.sounds:
        return job.sounds
    sounds = tuple(_measured(track, len(tracks) - place, ports) for place, track in enumerate(tracks))
    try:
        ports.jobs.add_sounds(job_id, sounds)
    except NotFoundError:
        return _forget(job_id, ports)
    return sounds


def _forget(job_id: str, ports: MeasurePorts) -> tuple[TrackSound, ...]:
    ports.files.forget_peaks(job_id)
    logger.info("the job was deleted; no waveform of it is left")
    return ()


def _measured(track: Track, tracks_left: int, ports: MeasurePorts) -> TrackSound:
    within_s = (ports.remaining_s() - STORING_TAKES_S) / tracks_left
    with scratch_file(ports.scratch, "measured") as file:
        sound: Sound | Unmeasured = Unmeasured.GONE
        if ports.files.fetch(track.object_key, file):
            file.flush()
            sound = ports.meter.measure(Path(file.name), track.duration_ms, within_s)
    if isinstance(sound, Unmeasured):
        logger.warning("a track was not measured", extra={"track": track.number, "reason": sound.value})
        ports.metrics.count("TracksNotMeasured", None)
        return TrackSound(number=track.number, unmeasured=sound)
    key = peaks_key(track.object_key)
    ports.files.put_peaks(key, sound.peaks)
    return TrackSound(
        number=track.number,
        peaks_key=key,
        loudness_lufs=sound.loudness_lufs,
        true_peak_dbtp=sound.true_peak_dbtp,
    )
