"""The result of every measurement, and the rules for sizes that headers announce."""

from dataclasses import dataclass
from typing import Final

from fermata.domain.audio.container import MAX_AUDIO_BYTES
from fermata.errors import BadAudioError, CutAudioError

# Sizes that writers announce before they know the real one. All other known ones (0x7FFFFFFF, 0xFFFFFFFF and round
# numbers near them) exceed the largest file.
_PLACEHOLDERS: Final = frozenset({0, 0x7FFFF000, 2_000_000_000, 0xFFFFFFFF})
# One of a hundred announced units may be missing: cut files miss more, headers that count wrong less.
_TOLERANCE: Final = 100


@dataclass(frozen=True)
class Sound:
    """The sound that a decoder plays from a file. `bitrate_bps` is None where the bit rate of the whole file counts."""

    seconds: float
    sample_rate_hz: int
    channels: int
    bitrate_bps: int | None = None


def is_placeholder(announced: int) -> bool:
    """Whether an announced size or count is a placeholder of a writer that did not know it."""
    return announced in _PLACEHOLDERS or announced > MAX_AUDIO_BYTES


def check_whole(announced: int, present: int, unit: str, slack: int = 0) -> None:
    """Raise `CutAudioError` where more than a hundredth of the announced units, and more than `slack`, are missing;
    `unit` names them in the message.
    """
    if is_placeholder(announced) or announced - present <= max(slack, announced // _TOLERANCE):
        return
    raise cut(f"expected {announced} {unit}, as the file says itself, found {max(0, present)}")


def cut(finding: str) -> CutAudioError:
    """The error for a file whose end is missing."""
    return CutAudioError(f"{finding}; the file is cut")


def damaged(container: str, finding: str) -> BadAudioError:
    """The error for a file that begins as audio and is damaged."""
    return BadAudioError(f"expected a whole {container} file, {finding}; the file is damaged")
