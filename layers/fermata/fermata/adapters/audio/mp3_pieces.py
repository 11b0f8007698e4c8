"""Cuts a growing MP3 file at the boundaries of its frames into pieces for listeners."""

import re
from typing import Final

from fermata.adapters.audio.frame_walk import Frame
from fermata.adapters.audio.mp3_frames import MP3_FRAMES, names_frames, read_frame_header
from fermata.adapters.audio.tags import TAG_HEADER_BYTES, tag_bytes
from fermata.domain.live.packed_audio import CLOCK_HZ, Piece

_HEADER_BYTES: Final = 4
MARK: Final = re.compile(MP3_FRAMES.sync.pattern + rb"|ID3")
"""Where a frame or a tag may begin. One search for both ends at the nearer, so that a stream is searched once."""


class Mp3PieceCutter:
    """Pieces of at most `longest_s` seconds, the first of at most `first_s`, of music alone: tags (ID3), frames that
    hold a Xing, Info or VBRI header, and whatever is no frame are left out. Bytes may come cut anywhere.
    """

    def __init__(self, longest_s: float, first_s: float) -> None:
        self._longest_s = longest_s
        self._piece_s = first_s
        self._waiting = bytearray()
        self._skip = 0
        self._stream: tuple[int, ...] | None = None
        self._frames = bytearray()
        self._began_s = 0.0
        self._now_s = 0.0

    def feed(self, audio: bytes) -> list[Piece]:
        """The pieces that these bytes complete."""
        self._waiting += audio
        return self._cut(is_end=False)

    def close(self) -> list[Piece]:
        """The last piece, if there is music left, after the last bytes."""
        return [*self._cut(is_end=True), *self._finish_piece()]

    def _cut(self, *, is_end: bool) -> list[Piece]:
        pieces: list[Piece] = []
        at = 0
        while (step := self._step(at, pieces, is_end=is_end)) > 0:
            at += step
        del self._waiting[:at]
        return pieces

    def _step(self, at: int, pieces: list[Piece], *, is_end: bool) -> int:
        """Take a frame, a tag or foreign bytes, and return how many bytes that were; 0 where more have to come."""
        left = len(self._waiting) - at
        if self._skip:
            skipped = min(self._skip, left)
            self._skip -= skipped
            return skipped
        if left < TAG_HEADER_BYTES and not is_end:
            return 0
        tag = tag_bytes(bytes(self._waiting[at : at + TAG_HEADER_BYTES]))
        if tag is not None:
            self._skip = tag
            return self._step(at, pieces, is_end=is_end)
        frame = self._frame(at)
        if frame is None or (frame.stream != self._stream and not self._is_followed(at, frame)):
            return self._resume(at, frame, is_end=is_end)
        if frame.length > left:
            return 0
        self._stream = frame.stream
        self._add(at, frame, pieces)
        return frame.length

    def _frame(self, at: int) -> Frame | None:
        return read_frame_header(bytes(self._waiting[at : at + _HEADER_BYTES]))

    def _is_followed(self, at: int, frame: Frame) -> bool:
        """Whether another frame of the same stream follows: two bytes of a frame's sync occur by chance, too."""
        following = self._frame(at + frame.length)
        return following is not None and following.stream == frame.stream

    def _resume(self, at: int, frame: Frame | None, *, is_end: bool) -> int:
        """The bytes before the next mark of a frame."""
        if frame is not None and at + frame.length + _HEADER_BYTES > len(self._waiting):
            return 0
        found = MARK.search(self._waiting, at + 1)
        if found:
            return found.start() - at
        # The last bytes may be the beginning of a mark.
        return max(0, len(self._waiting) - at - (0 if is_end else 2))

    def _add(self, at: int, frame: Frame, pieces: list[Piece]) -> None:
        octets = bytes(self._waiting[at : at + frame.length])
        if names_frames(octets, frame):
            return
        lasts_s = frame.samples / frame.sample_rate_hz
        if self._now_s + lasts_s - self._began_s > self._piece_s:
            pieces += self._finish_piece()
        self._frames += octets
        self._now_s += lasts_s

    def _finish_piece(self) -> list[Piece]:
        if not self._frames:
            return []
        frames, self._frames = bytes(self._frames), bytearray()
        began_s, self._began_s, self._piece_s = self._began_s, self._now_s, self._longest_s
        return [Piece(frames, round(began_s * CLOCK_HZ), round((self._now_s - began_s) * 1000))]
