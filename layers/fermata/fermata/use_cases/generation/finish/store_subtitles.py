"""Copy the subtitles of a speech beside its audio. The speech is delivered whether or not that works."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from pydantic import JsonValue

from fermata.domain.audio.webvtt import webvtt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import SUBTITLES_TYPE, WEBVTT_TYPE, Track
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
    """The track with the subtitles that its job ordered and its answer links, as they came and as WebVTT. If they
    cannot be copied, that is logged, and the track stays without them; entries that make no cues have no WebVTT.
    """
    audio = job.attempts[-1].audio
    link = audio.subtitles if audio is not None and job.request.subtitles else None
    if link is None:
        return track
    key = f"tracks/{job.id}/{track.number}.subtitles"
    keys: dict[str, str] = {}
    try:
        text, sentences = _whole_list(ports.links.fetch_text(job.attempts[-1].provider, link))
        _put(f"{key}.json", text, SUBTITLES_TYPE, job, ports)
        keys["subtitles_key"] = f"{key}.json"
        cues = webvtt(sentences)
        if cues is not None:
            _put(f"{key}.vtt", cues.encode("utf-8", "replace"), WEBVTT_TYPE, job, ports)
            keys["webvtt_key"] = f"{key}.vtt"
    except FermataError as error:
        logger.warning("the subtitles of a speech were not copied", extra={"job": job.id, "cause": str(error)})
    return track.model_copy(update=keys)


def _put(key: str, text: bytes, content_type: str, job: Job, ports: SubtitlePorts) -> None:
    with scratch_file(ports.scratch, job.id) as file:
        file.write(text)
        file.flush()
        ports.tracks.put(key, Path(file.name), content_type, hashlib.sha256(text).hexdigest())


def _whole_list(pieces: Iterator[bytes]) -> tuple[bytes, list[JsonValue]]:
    """The bytes of a JSON list and its entries; raises `BadAudioError` for anything else, and beyond `MOST_BYTES`."""
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
    return text, parsed
