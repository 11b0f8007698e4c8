"""Walks over the frames of streams without an index: MP3, and AAC with ADTS headers.

A frame opens with two sync bytes, which also occur by chance, so a stream is recognised by several consecutive frames.
The walk takes linear time: it counts false starts and gaps, and rejects a file that has too many.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from fermata.adapters.audio.tags import end_of_tag
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.bounds import too_complex

HEADER_BYTES: Final = 7
LONGEST_HEAD_BYTES: Final = 44
"""An MP3 frame's header, the longest side information, a checksum, and the mark after them."""
_FRAMES_TO_RECOGNISE: Final = 3
# 256 MB of noise hold some 6,000 false starts, a concatenated file a gap for each part, and seven hours of MP3 a
# million frames. A file beyond these bounds was made to keep the reader busy.
_MOST_FALSE_STARTS: Final = 50_000
_MOST_GAPS: Final = 50_000
_MOST_FRAMES: Final = 1_000_000
# A walk knows the headers of one song, of which AAC has more than MP3.
_MOST_KNOWN: Final = 4096
# A song of changing bit rate has few frames alike in a row, and many headers that are known.
_FEW_FRAMES: Final = 16


@dataclass(frozen=True)
class Frame:
    """One frame. `stream` is equal for all frames of a stream, `bitrate_bps` is 0 where the header does not state it,
    `samples` counts per channel, `length` is in bytes, `side_info_end` is the offset after MP3's side information, and
    `marks_at` the offsets at which it may hold a mark, all below `LONGEST_HEAD_BYTES`.
    """

    stream: tuple[int, ...]
    sample_rate_hz: int
    channels: int
    bitrate_bps: int
    samples: int
    length: int
    side_info_end: int = 0
    marks_at: tuple[int, ...] = ()


@dataclass(frozen=True)
class FrameFormat:
    """How to recognise frames: `sync` matches their first bytes, `read` parses a header of `HEADER_BYTES` bytes, or
    returns None where it is invalid; the first `decisive_bytes` of the header decide. A frame that holds one of `marks`
    may hold something else than sound.
    """

    sync: re.Pattern[bytes]
    read: Callable[[bytes], Frame | None]
    decisive_bytes: int
    marks: tuple[bytes, ...] = ()
    alike: Callable[[bytes], "Alike"] | None = None
    """What matches the frames that a header opens, for formats in which most songs have frames of one length."""

    @cached_property
    def initials(self) -> frozenset[int]:
        """The first bytes of the marks."""
        return frozenset(mark[0] for mark in self.marks)


@dataclass(frozen=True)
class Alike:
    """Frames that differ in nothing but a byte of padding. `pattern` matches at least one of them, and fewer than
    `plain` has bytes, without marks and each at least `LONGEST_HEAD_BYTES` before the end of what is searched.
    """

    pattern: re.Pattern[bytes]
    plain: Frame
    padded: Frame

    def count(self, octets: int) -> dict[Frame, int]:
        """The frames that a match of so many bytes holds: their number and bytes leave one answer."""
        frames, padded = divmod(octets, self.plain.length)
        return {kind: n for kind, n in ((self.plain, frames - padded), (self.padded, padded)) if n}


@dataclass(frozen=True)
class Run:
    """Whole frames of one stream that follow each other from the offset `at` to `end`, and how many there are of each
    kind. A run that `may_be_marked` has one frame.
    """

    at: int
    end: int
    frames: Mapping[Frame, int]
    may_be_marked: bool


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
    _known: dict[bytes, Frame] = field(default_factory=dict)

    def frames(self) -> Iterator[tuple[int, Frame]]:
        """Each whole frame with its offset; other bytes are skipped. Raises `AudioTooComplexError` where there are too
        many frames, gaps or false starts.
        """
        for run in self._walk(joins=False):
            yield run.at, next(iter(run.frames))

    def runs(self) -> Iterator[Run]:
        """The same frames in runs, some eight times faster; raises as `frames` does."""
        return self._walk(joins=True)

    def _walk(self, *, joins: bool) -> Iterator[Run]:
        at = self.start
        stream: tuple[int, ...] | None = None
        while at + HEADER_BYTES <= self.end:
            if self._frames >= _MOST_FRAMES:
                raise too_complex(f"found more than {_MOST_FRAMES} pieces of sound")
            frame = self._frame(at)
            if frame is None or (frame.stream != stream and not self._opens_stream(at)):
                at = self._resume(at)
                continue
            run = self._run(at, frame) if joins and frame.stream == stream else None
            stream = frame.stream
            if run is not None:
                yield run
                at = run.end
                continue
            if at + frame.length <= self.end:
                self.first_at = at if self.first_at is None else self.first_at
                self._frames += 1
                yield Run(at, at + frame.length, {frame: 1}, may_be_marked=True)
            at += frame.length

    def covers(self, frame_bytes: int) -> bool:
        """Whether frames make up at least half of the bytes from the first frame on, not counting tags."""
        return self.first_at is not None and frame_bytes * 2 >= self.end - self.first_at - self.tag_bytes

    def _run(self, at: int, first: Frame) -> Run | None:
        """The frames of the first one's stream from `at` on that lie in one block and hold no mark, or None."""
        block, start = self.window.loaded(at, max(first.length, LONGEST_HEAD_BYTES))
        end = min(self.end - at + start, len(block))
        if self._frames + (end - start) // HEADER_BYTES > _MOST_FRAMES:
            # There may be too many, which only a look at each of them says.
            return None
        frames, ended = self._alike(block, start, end)
        if sum(frames.values()) < _FEW_FRAMES:
            frames, ended = self._listed(block, start, end, first.stream)
        count = sum(frames.values())
        if not count:
            return None
        # As many as if each frame were looked at by itself: its header, and what it may hold in place of music.
        self.window.spend((1 + bool(self.format.marks)) * count - 1)
        self._frames += count
        return Run(at, at + ended - start, frames, may_be_marked=False)

    def _alike(self, block: bytes, start: int, end: int) -> tuple[dict[Frame, int], int]:
        """The frames like the one at `start` that follow it in a block, and where they end."""
        if self.format.alike is None:
            return {}, start
        alike = self.format.alike(block[start : start + self.format.decisive_bytes])
        found = alike.pattern.match(block, start, end)
        return ({}, start) if found is None else (alike.count(found.end() - start), found.end())

    def _listed(self, block: bytes, start: int, end: int, stream: tuple[int, ...]) -> tuple[dict[Frame, int], int]:
        """The frames of a stream that follow `start` in a block, of whatever lengths, and where they end."""
        headers, ended = self._headers(block, start, end, stream)
        # Headers that differ may open frames that do not.
        frames: dict[Frame, int] = {}
        for header, count in Counter(headers).items():
            frame = self._known[header]
            frames[frame] = frames.get(frame, 0) + count
        return frames, ended

    def _headers(self, block: bytes, start: int, end: int, stream: tuple[int, ...]) -> tuple[list[bytes], int]:
        """The headers of whole frames of a stream between two offsets of a block, and where the last one ends. A frame
        that holds a mark ends them, and so does one that is too near to the block's end to see that.
        """
        headers: list[bytes] = []
        known, decisive = self._known, self.format.decisive_bytes
        marks, initials = self.format.marks, self.format.initials
        last = min(end - HEADER_BYTES, len(block) - LONGEST_HEAD_BYTES)
        while start <= last:
            header = block[start : start + decisive]
            frame = known.get(header) or self._learn(header, block[start : start + HEADER_BYTES])
            if frame is None or frame.stream != stream or start + frame.length > end:
                break
            for mark_at in frame.marks_at:
                # The initial alone is quicker to look at than the mark.
                if block[start + mark_at] in initials and block.startswith(marks, start + mark_at):
                    return headers, start
            headers.append(header)
            start += frame.length
        return headers, start

    def _learn(self, decisive: bytes, header: bytes) -> Frame | None:
        frame = self.format.read(header)
        if frame is None or len(self._known) >= _MOST_KNOWN:
            return None
        self._known[decisive] = frame
        return frame

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
