"""A file that was made to keep the reader busy costs no more work than its length: work is counted, not timed."""

import struct
from collections.abc import Callable
from functools import reduce
from typing import BinaryIO

import pytest

from fermata.adapters.audio import flac_frames, frame_walk, lead, measurement, ogg_pages, wav_chunks, window
from fermata.adapters.audio.mp4 import boxes as mp4_boxes
from fermata.adapters.audio.window import BLOCK_BYTES, ByteWindow
from fermata.errors import AudioTooComplexError, BadAudioError, CutAudioError
from tests.support.audio_files import ID3V2, NOISE, CountingFile, Measure, box, fmt, kept, mp3, ogg_page, riff, wav

SIZE = 400_000
VORBIS_HEAD = b"\x01vorbis" + bytes(4) + b"\x02\0\0\1\0" + bytes(12) + b"\xb8\1"
TINY_FRAME = b"\xff\xf3\x14\xc4".ljust(24, b"\0")
OTHER_FRAME = b"\xff\xf3\x10\xc4".ljust(26, b"\0")
FLAC_HEAD, FLAC_END = kept("silence_40_s.flac")[:60], kept("silence_40_s.flac")[-40:]
FTYP = box(b"ftyp", b"M4A \0\0\0\0")

HOSTILE: dict[str, tuple[bytes, bytes]] = {
    "all ones": (b"\xff\xfb\x90\x64", b"\xff"),
    "all ones behind a tag": (ID3V2, b"\xff"),
    "zeros behind a tag": (ID3V2, b"\0"),
    "noise behind a tag": (ID3V2, NOISE),
    "marks of frames": (b"", b"\xff\xfb\x90\x64"),
    "three frames and a gap": (b"", TINY_FRAME * 3 + b"\0\0\0"),
    "two streams in turn": (b"", TINY_FRAME + OTHER_FRAME),
    "tiny frames": (b"", TINY_FRAME),
    "empty tags": (b"", b"ID3\x04\0\0\0\0\0\0"),
    "empty tags behind frames": (mp3(), b"ID3\x04\0\0\0\0\0\0"),
    "marks of pages": (b"", b"OggS"),
    "empty pages": (b"", ogg_page([], 1)),
    "first pages": (b"", ogg_page([VORBIS_HEAD], 1, flags=2)),
    "empty parts of a WAV": (b"RIFF\0\0\0\0WAVE", b"note\0\0\0\0"),
    "descriptions of a WAV": (b"RIFF\0\0\0\0WAVE", riff(fmt())[12:]),
    "empty boxes": (FTYP, box(b"free")),
    "boxes that end before they begin": (FTYP, struct.pack(">I", 3) + b"free"),
    "fragments": (kept("tone_aac_fragments.m4a"), box(b"moof", box(b"traf"))),
    "empty tracks": (FTYP + struct.pack(">I", SIZE * 4) + b"moov", box(b"trak", box(b"mdia"))),
    "nested boxes": (FTYP, struct.pack(">I", SIZE * 4) + b"moov" + struct.pack(">I", SIZE * 4) + b"trak"),
    "marks of FLAC frames": (FLAC_HEAD, b"\xff\xf8"),
    "FLAC frames": (FLAC_HEAD, FLAC_END),
    "marks of FLAC files": (FLAC_HEAD, b"fLaC\0\0\0\x22"),
    "headers of AAC": (b"", b"\xff\xf1\x50\x80\x00\xff\xfc"),
}


class CountingWindow(ByteWindow):
    calls = 0

    def read(self, at: int, length: int) -> bytes:
        CountingWindow.calls += 1
        return super().read(at, length)


def hostile(name: str, size: int) -> bytes:
    head, filling = HOSTILE[name]
    return (head + filling * (size // len(filling) + 1))[:size]


def work(song: bytes) -> tuple[int, int]:
    """How many pieces of a file are looked at to measure it, and how many bytes are read."""
    file = CountingFile(song)
    CountingWindow.calls = 0
    window = CountingWindow(file, len(song))
    try:
        container, start = lead.find_start(window)
        measurement.measure_sound(window, container, start)
    except BadAudioError:
        pass
    return CountingWindow.calls, file.read_bytes


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_file_is_at_most_twice_the_work(name: str) -> None:
    calls, read_bytes = work(hostile(name, SIZE))
    more_calls, more_bytes = work(hostile(name, 2 * SIZE))
    assert more_calls <= 2.1 * calls + 100
    assert more_bytes <= 2.5 * read_bytes + 4 * BLOCK_BYTES
    assert calls <= SIZE
    assert read_bytes <= 60 * SIZE


@pytest.mark.parametrize(
    ("module", "limit", "most", "name", "song"),
    [
        (frame_walk, "_MOST_FRAMES", 1000, "more than 1000 pieces", TINY_FRAME * 2000),
        (frame_walk, "_MOST_GAPS", 100, "more than 100 gaps", (TINY_FRAME * 3 + bytes(30)) * 1000),
        (
            frame_walk,
            "_MOST_FALSE_STARTS",
            100,
            "more than 100 marks of sound",
            b"\xff\xfb\x90\x64" * 1000 + mp3(seconds=1),
        ),
        (ogg_pages, "_MOST_PAGES", 100, "more than 100 Ogg pages", ogg_page([], 1) * 200),
        (ogg_pages, "_MOST_FALSE_STARTS", 100, "more than 100 marks of Ogg", b"OggS" * 1000 + kept("tone_opus.ogg")),
        (mp4_boxes, "_MOST_BOXES", 100, "more than 100 parts", FTYP + box(b"free") * 200),
        (wav_chunks, "_MOST_CHUNKS", 100, "more than 100 parts", riff(*[(b"note", b"")] * 200)),
        (window, "MOST_STEPS", 100, "more than 100 steps of work", TINY_FRAME * 200),
    ],
)
def test_work_ends_at_a_bound(
    monkeypatch: pytest.MonkeyPatch, module: object, limit: str, most: int, name: str, song: bytes
) -> None:
    monkeypatch.setattr(module, limit, most)
    file: BinaryIO = CountingFile(song)
    pieces = ByteWindow(file, len(song))
    with pytest.raises(AudioTooComplexError, match=name):
        measurement.measure_sound(pieces, *lead.find_start(pieces))


def test_a_file_is_not_read_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "_READ_BYTES", BLOCK_BYTES)
    file = CountingFile(NOISE * 10)
    pieces = ByteWindow(file, len(NOISE) * 10)
    with pytest.raises(AudioTooComplexError, match=f"bytes are to be read of {pieces.size}"):
        any(pieces.read(0, 1) + pieces.read(pieces.size // 2, 1) == b"" for _ in range(100))
    assert file.read_bytes <= 4 * pieces.size + BLOCK_BYTES


def test_the_end_of_a_flac_file_is_searched_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    head = bytearray(FLAC_HEAD)
    head[15:18] = b"\xff\xff\xff"
    # Each of these is the header of a frame, as far as its own checksum says, and none of them is one.
    header = b"\xff\xf8\xc9\xa8\0"
    song = bytes(head) + (header + bytes([reduce(flac_frames._step_8, header, 0)])) * 300_000  # noqa: SLF001
    looked_at = 0
    read_frame_start = flac_frames._read_frame_start  # noqa: SLF001

    def counting(tail: bytes, at: int, info: flac_frames.StreamInfo) -> flac_frames._FrameStart | None:
        nonlocal looked_at
        looked_at += 1
        return read_frame_start(tail, at, info)

    monkeypatch.setattr(flac_frames, "_read_frame_start", counting)
    pieces = ByteWindow(CountingFile(song), len(song))
    with pytest.raises(CutAudioError):
        measurement.measure_sound(pieces, *lead.find_start(pieces))
    assert looked_at <= 8


def test_a_file_that_does_not_fit_into_the_memory_is_no_song(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(measurement, "measure_sound", without_memory)
    with pytest.raises(AudioTooComplexError, match="does not fit into the memory"):
        measure(mp3())


def test_an_ordinary_song_is_read_once_and_not_whole_where_it_need_not_be() -> None:
    long_wav = wav(seconds=30)
    _, read_bytes = work(long_wav)
    assert read_bytes < 4 * BLOCK_BYTES
    long_mp3 = mp3(seconds=3.3) * 20
    _, read_bytes = work(long_mp3)
    assert read_bytes < 1.2 * len(long_mp3)


@pytest.mark.parametrize(
    "places",
    [
        lambda size: [(0, 10), (5, 10), (size - 3, 10), (size, 4), (size + 5, 4), (2, 70_000)],
        lambda size: [(size - 1, 1), (0, size), (0, 2 * size)],
    ],
)
def test_a_window_reads_what_is_there(places: Callable[[int], list[tuple[int, int]]]) -> None:
    song = NOISE * 2
    window = ByteWindow(CountingFile(song), len(song))
    for at, length in places(len(song)):
        assert window.read(at, length) == song[at : at + length]


@pytest.mark.parametrize("at", [0, 511, 512, 513, 99_990, 65_536, 65_535])
def test_a_mark_is_found_wherever_blocks_meet(at: int) -> None:
    song = bytearray(100_000)
    song[at : at + 4] = b"mark"
    window = ByteWindow(CountingFile(bytes(song)), len(song))
    assert window.find(b"mark", 0, len(song)) == at
    assert window.find(b"mark", at + 1, len(song)) == -1
