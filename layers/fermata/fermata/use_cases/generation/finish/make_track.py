"""The record of a stored song, and its key."""

from datetime import datetime

from fermata.domain.audio.marks import stored_bytes
from fermata.domain.jobs.songs import Track
from fermata.ports.audio import AudioFacts, MarkedFile


def track_key(job_id: str, number: int, marked: MarkedFile, facts: AudioFacts) -> str:
    """The key of a song of a job: the same in every run, unless Fermata signed the file. The signed files of two runs
    are kept apart, because their bytes differ, and the record describes one of them.
    """
    own_name = f"-{marked.sha256[:16]}" if marked.is_signed_here else ""
    return f"tracks/{job_id}/{number}{own_name}.{facts.extension}"


def track_of(
    number: int, key: str, facts: AudioFacts, marked: MarkedFile, source_sha256: str, expires_at: datetime
) -> Track:
    """The record of a song stored under a key; `facts` and `source_sha256` are those of the provider's file."""
    return Track(
        number=number,
        object_key=key,
        expires_at=expires_at,
        content_type=facts.content_type,
        bytes=stored_bytes(marked.edits, facts.bytes),
        sha256=marked.sha256,
        duration_ms=facts.duration_ms,
        sample_rate_hz=facts.sample_rate_hz,
        channels=facts.channels,
        bitrate_bps=facts.bitrate_bps,
        marks=marked.marks,
        source_sha256=source_sha256,
        edits=marked.edits,
    )
