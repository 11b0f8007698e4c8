"""Walks over the frames of streams without an index: MP3, and AAC with ADTS headers.

A frame opens with two sync bytes, which also occur by chance, so a stream is recognised by several consecutive frames.
The walk takes linear time: it counts false starts and gaps, and rejects a file that has too many.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from fermata.adapters.audio.tags import end_of_tag
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.bounds import too_complex

HEADER_BYTES: Final = 7
_FRAMES_TO_RECOGNISE: Final = 3
# 256 MB of noise hold some 6,000 false starts, a concatenated file a gap for each part, and seven hours of MP3 a
# million frames. A file beyond these bounds was made to keep the reader busy.
_MOST_FALSE_STARTS: Final = 50_000
_MOST_GAPS: Final = 50_000
_MOST_FRAMES: Final = 1_000_000


@dataclass(frozen=True)
class Frame:
    """One frame. `stream` is equal for all frames of a stream, `bitrate_bps` is 0 where the header does not state it,
    `samples` counts per channel, `length` is in bytes, and `side_info_end` is the offset after MP3's side information.
    """

    stream: tuple[int, ...]
    sample_rate_hz: int
    channels: int
    bitrate_bps: int
    samples: int
    length: int
    side_info_end: int = 0


@dataclass(frozen=True)
class FrameFormat:
    """How to recognise frames: `sync` matches their first bytes, `read` parses a header of `HEADER_BYTES` bytes, or
    returns None where it is invalid.
    """

    sync: re.Pattern[bytes]
    read: Callable[[bytes], Frame | None]


@dataclass
class FrameWalk:
    """A walk over the frames between the offsets `start` and `end`. After it, `first_at` is the offset of the first
    frame (None: no frame) and `tag_bytes` the total size of the tags between frames.
    """

    window: ByteWindow
    format: FrameFormat
    start: int
    end: int
    first_at: int | None = None
    tag_bytes: int = 0
    _false_starts: int = 0
    _gaps: int = 0
    _frames: int = 0

    def frames(self) -> Iterator[tuple[int, Frame]]:
        """Each whole frame with its offset; other bytes are skipped. Raises `AudioTooComplexError` where there are too
        many frames, gaps or false starts.
        """
        at, stream = self.start, None
        while at + HEADER_BYTES <= self.end:
            if self._frames >= _MOST_FRAMES:
                raise too_complex(f"found more than {_MOST_FRAMES} pieces of sound")
            frame = self._frame(at)
            if frame is None or (frame.stream != stream and not self._opens_stream(at)):
                at = self._resume(at)
                continue
            stream = frame.stream
            if at + frame.length <= self.end:
                self.first_at = at if self.first_at is None else self.first_at
                self._frames += 1
                yield at, frame
            at += frame.length

    def covers(self, frame_bytes: int) -> bool:
        """Whether frames make up at least half of the bytes from the first frame on, not counting tags."""
        return self.first_at is not None and frame_bytes * 2 >= self.end - self.first_at - self.tag_bytes

    def _frame(self, at: int) -> Frame | None:
        return self.format.read(self.window.read(at, HEADER_BYTES))

    def _opens_stream(self, at: int) -> bool:
        """Whether several whole frames of one stream follow each other from `at` on."""
        first = frame = self._frame(at)
        for _ in range(_FRAMES_TO_RECOGNISE):
            if first is None or frame is None or frame.stream != first.stream or at + frame.length > self.end:
                self._false_starts += 1
                return False
            at += frame.length
            frame = self._frame(at)
        return True

    def _resume(self, at: int) -> int:
        """The offset at which a stream begins or continues after foreign bytes at `at`, or the end."""
        self._gaps += 1
        if self._gaps > _MOST_GAPS:
            raise too_complex(f"found more than {_MOST_GAPS} gaps in its sound")
        after_tag = end_of_tag(self.window, at)
        if after_tag is not None and after_tag <= self.end:
            self.tag_bytes += after_tag - at
            return after_tag
        for block_at, block in self.window.blocks(at + 1, self.end, overlap=1):
            for sync in self.format.sync.finditer(block):
                if self._false_starts > _MOST_FALSE_STARTS:
                    raise too_complex(f"found more than {_MOST_FALSE_STARTS} marks of sound without sound")
                if self._opens_stream(block_at + sync.start()):
                    return block_at + sync.start()
        return self.end
