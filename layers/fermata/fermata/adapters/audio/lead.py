"""Finds the start of a file's audio after zeros, line ends and tags."""

from typing import Final

from fermata.adapters.audio.frame_walk import FrameWalk
from fermata.adapters.audio.mp3_frames import MP3_FRAMES
from fermata.adapters.audio.sound import cut, is_placeholder
from fermata.adapters.audio.tags import TAG_HEADER_BYTES, end_of_tag, skip_zeros
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.container import HEAD_BYTES, MP3, Container, find_audio, recognise_audio

# A file has one tag, seldom two; the bound limits the work for a file that consists of tags.
_MOST_TAGS: Final = 64


def find_start(window: ByteWindow) -> tuple[Container, int]:
    """The container of a file and its offset; raises `BadAudioError` where the file is no audio, `CutAudioError` where
    it ends within its tag.

    The bytes after a tag decide. Where they match no container, the result is MP3, to be searched from there.
    """
    recognise_audio(window.read(0, HEAD_BYTES), window.size)
    at = 0
    for _ in range(_MOST_TAGS):
        found = find_audio(window.read(at, HEAD_BYTES))
        if found is None:
            break
        container, offset = found
        after = end_of_tag(window, at + offset)
        if after is None:
            return container, at + offset
        if after >= window.size:
            return MP3, _frames_within_tag(window, at + offset, after)
        at = skip_zeros(window, after)
    return MP3, at


def _frames_within_tag(window: ByteWindow, at: int, end: int) -> int:
    """The offset to search for frames from where a tag is longer than its file: its size is wrong, or the file
    is cut.
    """
    start = at + TAG_HEADER_BYTES
    has_frames = any(True for _ in FrameWalk(window, MP3_FRAMES, start, window.size).frames())
    if not has_frames and not is_placeholder(end):
        raise cut("found the end of the file before its sound")
    return start
