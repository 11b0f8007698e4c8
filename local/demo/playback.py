"""Checks that a downloaded file matches its record and plays."""

import hashlib
from typing import Final

import miniaudio

from local.demo.errors import SongError
from local.demo.job_api import Track

DURATION_TOLERANCE_MS: Final = 50

_RATE_HZ: Final = 44_100
_CHANNELS: Final = 2


def check_file(audio: bytes, track: Track) -> None:
    """Compare size and SHA-256 with the record, then decode the whole file and compare its duration.

    Raises `SongError` naming the first difference.
    """
    if len(audio) != track.bytes:
        raise SongError(f"the record says {track.bytes} bytes, the link brought {len(audio)}")
    digest = hashlib.sha256(audio).hexdigest()
    if digest != track.sha256:
        raise SongError(f"the record says SHA-256 {track.sha256[:12]}..., the file has {digest[:12]}...")
    played_ms = decoded_duration_ms(audio)
    if abs(played_ms - track.duration_ms) > DURATION_TOLERANCE_MS:
        raise SongError(
            f"the record says {track.duration_ms} ms, the file plays {played_ms} ms (allowed: {DURATION_TOLERANCE_MS})"
        )


def decoded_duration_ms(audio: bytes) -> int:
    """The duration of the decoded file in milliseconds; raises `SongError` where it is not audio."""
    try:
        decoded = miniaudio.decode(audio, nchannels=_CHANNELS, sample_rate=_RATE_HZ)
    except miniaudio.DecodeError as error:
        raise SongError(f"expected a file that plays, but the decoder says: {error.args[0]}") from error
    frames: int = decoded.num_frames
    return round(frames * 1000 / _RATE_HZ)
