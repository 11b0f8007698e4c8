"""Copy the subtitles of a speech beside its audio. The speech is delivered whether or not that works."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import SUBTITLES_TYPE, Track
from fermata.errors import BadAudioError, FermataError
from fermata.log import logger
from fermata.ports.audio import AudioLinks, TrackStore
from fermata.scratch import scratch_file

MOST_BYTES: Final = 2 * 1024 * 1024


class SubtitlePorts(Protocol):
    """The ports of a run that stores subtitles."""

    @property
    def links(self) -> AudioLinks:
        """The providers' links."""

    @property
    def tracks(self) -> TrackStore:
        """Where the finished files are."""

    @property
    def scratch(self) -> Path:
        """A folder for one file at a time."""


def with_subtitles(track: Track, job: Job, ports: SubtitlePorts) -> Track:
    """The track with the subtitles that its job ordered and its answer links. If they cannot be copied, that is logged,
    and the track stays without them.
    """
    audio = job.attempts[-1].audio
    link = audio.subtitles if audio is not None and job.request.subtitles else None
    if link is None:
        return track
    key = f"tracks/{job.id}/{track.number}.subtitles.json"
    try:
        with scratch_file(ports.scratch, job.id) as file:
            file.write(_whole_list(ports.links.fetch_text(job.attempts[-1].provider, link)))
            file.flush()
            ports.tracks.put(key, Path(file.name), SUBTITLES_TYPE)
    except FermataError as error:
        logger.warning("the subtitles of a speech were not copied", extra={"job": job.id, "cause": str(error)})
        return track
    return track.model_copy(update={"subtitles_key": key})


def _whole_list(pieces: Iterator[bytes]) -> bytes:
    """The bytes of a JSON list; raises `BadAudioError` for anything else, and beyond `MOST_BYTES`."""
    text = b""
    for piece in pieces:
        text += piece
        if len(text) > MOST_BYTES:
            raise BadAudioError(f"expected subtitles of at most {MOST_BYTES} bytes, found more")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadAudioError("expected subtitles as JSON, found something else") from error
    if not isinstance(parsed, list):
        raise BadAudioError(f"expected subtitles as a JSON list, found {type(parsed).__name__}")
    return text
