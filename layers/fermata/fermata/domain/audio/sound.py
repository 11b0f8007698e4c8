"""How loud a finished song is. It is measured after the job's end and kept beside the job's record."""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, PositiveInt

PEAKS_SUFFIX: Final = ".peaks.json"
PEAKS_TYPE: Final = "application/json"
"""The media type of a waveform."""


class Unmeasured(StrEnum):
    """Why a finished song was not measured."""

    NOT_DECODED = "not_decoded"
    """Fermata has no decoder for its container."""
    UNDECODABLE = "undecodable"
    """The decoder refuses the file, or finds values that are no sound."""
    UNUSUAL_FORMAT = "unusual_format"
    """More channels than the standard has weights for, or a sample rate beyond 4 to 384 kHz."""
    CUT = "cut"
    """The decoder found less sound than the job's record says."""
    TOO_LONG = "too_long"
    """Longer than Fermata measures, or than the run has time for."""
    GONE = "gone"
    """The file was removed before it was measured."""


class TrackSound(BaseModel):
    """The sound of the track with this number: the object key of its waveform, integrated loudness in LUFS (EBU R 128)
    and true peak in dBTP.

    All are None if it was not measured. The loudness alone is None for silence and for less than 400 ms, the peak for
    digital silence.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    number: PositiveInt
    peaks_key: str | None = None
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    unmeasured: Unmeasured | None = None


def peaks_key(object_key: str) -> str:
    """The object key of the waveform of the song with this key; it lies beside the song."""
    return f"{object_key.rpartition('.')[0]}{PEAKS_SUFFIX}"
