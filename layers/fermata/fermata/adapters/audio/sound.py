"""What every container is asked for, and when the size that a header announces is believed."""

from dataclasses import dataclass
from typing import Final

from fermata.domain.audio.container import MAX_AUDIO_BYTES
from fermata.errors import BadAudioError, CutAudioError

# What programs put in that write a file out before they know its size. All others seen (0x7FFFFFFF, 0xFFFFFFFF and
# round ones near them) are above the bound of a file.
_PLACEHOLDERS: Final = frozenset({0, 0x7FFFF000, 2_000_000_000, 0xFFFFFFFF})
# Of a hundred announced units one may be missing: a file that was cut misses more, a header that counts wrong less.
_TOLERANCE: Final = 100


@dataclass(frozen=True)
class Sound:
    """What a decoder plays of a file: its length in seconds, rate in Hz, channels, and bits per second. A container
    whose bit rate is that of the whole file leaves it None.
    """

    seconds: float
    sample_rate_hz: int
    channels: int
    bitrate_bps: int | None = None


def is_placeholder(announced: int) -> bool:
    """Whether an announced size or count says that the writer did not know it."""
    return announced in _PLACEHOLDERS or announced > MAX_AUDIO_BYTES


def check_whole(announced: int, present: int, unit: str, slack: int = 0) -> None:
    """Raise `CutAudioError` where a file misses more than a hundredth of what it announces, and more than `slack`;
    `unit` is what is counted, for the reader.
    """
    if is_placeholder(announced) or announced - present <= max(slack, announced // _TOLERANCE):
        return
    raise cut(f"expected {announced} {unit}, as the file says itself, found {max(0, present)}")


def cut(finding: str) -> CutAudioError:
    """The error for a file whose end is missing."""
    return CutAudioError(f"{finding}; the file is cut")


def damaged(container: str, finding: str) -> BadAudioError:
    """The error for a file that begins as audio and cannot be read on."""
    return BadAudioError(f"expected a whole {container} file, {finding}; the file is damaged")
