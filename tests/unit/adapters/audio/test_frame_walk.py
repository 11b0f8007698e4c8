"""Frames in runs: the walk that joins them finds what the obvious one finds, frame by frame, whatever the file is."""

import io
from collections import Counter
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata.adapters.audio import frame_walk, measurement
from fermata.adapters.audio.adts_frames import ADTS_FRAMES
from fermata.adapters.audio.frame_walk import FrameFormat, FrameWalk, Run
from fermata.adapters.audio.lead import find_start
from fermata.adapters.audio.mp3_frames import MP3_FRAMES
from fermata.adapters.audio.window import BLOCK_BYTES, ByteWindow
from fermata.errors import AudioTooComplexError, BadAudioError
from tests.support.audio_files import ID3V1, ID3V2, NOISE, kept, mp3, with_vbri_header, with_xing_header

SONG: Final = mp3(seconds=0.4)
PIECES: Final = {
    "a song": SONG,
    "mono": mp3(channels=1, seconds=0.3),
    "low": mp3(rate=16000, channels=1, kbps=32, seconds=0.5),
    "of changing rate": mp3(kbps=None, seconds=0.6),
    "long enough to be counted": mp3(seconds=1.5),
    "mono, of a low version": mp3(rate=22050, channels=1, kbps=48, seconds=1.5),
    "with a count": with_xing_header(SONG, 15),
    "with Fraunhofer's count": with_vbri_header(SONG, 15),
    "with a checksum's room": with_xing_header(SONG, 15, checksum=2),
    "a mark where none counts": SONG[:200] + b"XingInfoVBRI" + SONG[212:],
    "AAC": kept("tone_adts.aac")[:4000],
    "a tag": ID3V2,
    "an old tag": ID3V1,
    "zeros": bytes(700),
    "noise": NOISE[:900],
    "headers alone": b"\xff\xfb\x90\x64" * 40,
}
# More frames in a block than a frame has bytes, so that their number does not follow from the bytes of all of them.
SHORT_FRAMES: Final = mp3(rate=22050, channels=1, kbps=32, seconds=20)
LONG: Final = mp3(kbps=None, seconds=6) * 3 + mp3(kbps=256, seconds=4) + with_xing_header(SONG, 15)


def walked(song: bytes, audio: FrameFormat, *, joins: bool) -> tuple[object, ...]:
    """All that a walk finds out, and what it spends."""
    window = ByteWindow(io.BytesIO(song), len(song))
    walk, first = FrameWalk(window, audio, 0, len(song)), None
    places: list[tuple[int, int]] = []
    kinds: Counter[object] = Counter()
    runs = (
        walk.runs() if joins else (Run(at, at + one.length, {one: 1}, may_be_marked=True) for at, one in walk.frames())
    )
    for run in runs:
        first = first or next(iter(run.frames))
        kinds.update(run.frames)
        octets = sum(kind.length * count for kind, count in run.frames.items())
        assert run.end - run.at == octets
        if places and places[-1][1] == run.at:
            places[-1] = (places[-1][0], run.end)
        else:
            places.append((run.at, run.end))
        if run.may_be_marked:
            assert sum(run.frames.values()) == 1
    return kinds, places, first, walk.first_at, walk.tag_bytes, walk._false_starts, walk._gaps  # noqa: SLF001


def same(song: bytes) -> None:
    for audio in (MP3_FRAMES, ADTS_FRAMES):
        assert walked(song, audio, joins=True) == walked(song, audio, joins=False)


def verdict(song: bytes) -> object:
    """The measure of a file and the steps that it takes, or what is wrong with it."""
    window = ByteWindow(io.BytesIO(song), len(song))
    try:
        sound = measurement.measure_sound(window, *find_start(window))
    except BadAudioError as error:
        return type(error), str(error)
    return round(sound.seconds, 9), sound.sample_rate_hz, sound.channels, sound.bitrate_bps


@given(st.lists(st.tuples(st.sampled_from(sorted(PIECES)), st.integers(0, 40), st.integers(0, 600)), max_size=6))
@settings(max_examples=150, deadline=None)
def test_runs_hold_the_frames_of_the_obvious_walk_whatever_stands_between_them(
    parts: list[tuple[str, int, int]],
) -> None:
    same(b"".join(PIECES[name][start : len(PIECES[name]) - end] for name, start, end in parts))


@pytest.mark.parametrize("name", ["of changing rate", "with a count", "low", "AAC", "mono, of a low version"])
def test_a_file_that_is_cut_anywhere_has_the_same_frames_and_the_same_verdict(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = PIECES[name][:3000]
    for size in range(len(song)):
        same(song[:size])
    found = [verdict(song[:size]) for size in range(len(song))]
    monkeypatch.setattr(FrameWalk, "_run", lambda *_: None)
    assert found == [verdict(song[:size]) for size in range(len(song))]


@pytest.mark.parametrize("shift", [0, 1, 43, 44, 45, 417, 418])
def test_frames_are_found_wherever_blocks_meet(shift: int) -> None:
    same(bytes(shift) + LONG)
    same(LONG[: BLOCK_BYTES + shift])
    same(bytes(shift) + SHORT_FRAMES)


@pytest.mark.parametrize("mark", [b"Xing", b"Info", b"VBRI"])
@pytest.mark.parametrize("offset", range(4, 60))
def test_a_frame_with_a_mark_is_looked_at_by_itself_where_the_mark_counts(mark: bytes, offset: int) -> None:
    song = bytearray(mp3(seconds=2))
    at, frame = [*FrameWalk(ByteWindow(io.BytesIO(song), len(song)), MP3_FRAMES, 0, len(song)).frames()][20]
    song[at + offset : at + offset + 4] = mark
    runs = FrameWalk(ByteWindow(io.BytesIO(song), len(song)), MP3_FRAMES, 0, len(song)).runs()
    is_alone = any(run.at == at and run.may_be_marked for run in runs)
    assert is_alone == (offset in frame.marks_at)


def test_frames_are_not_listed_again_and_again_where_they_come_to_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_walk, "_MOST_FRAMES", 15_000)
    listed = 0
    headers = FrameWalk._headers  # noqa: SLF001

    def counted(
        walk: FrameWalk, block: bytes, start: int, end: int, stream: tuple[int, ...]
    ) -> tuple[list[bytes], int]:
        nonlocal listed
        found = headers(walk, block, start, end, stream)
        listed += len(found[0])
        return found

    monkeypatch.setattr(FrameWalk, "_headers", counted)
    shortest = b"\xff\xf1\x50\x80\x00\xff\xfc"
    with pytest.raises(AudioTooComplexError, match="more than 15000 pieces"):
        walked(shortest * 20_000, ADTS_FRAMES, joins=True)
    assert 5_000 < listed <= 15_000


def test_the_bound_on_frames_and_the_spent_steps_are_those_of_the_obvious_walk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_walk, "_MOST_FRAMES", 500)
    for joins in (True, False):
        with pytest.raises(AudioTooComplexError, match="more than 500 pieces"):
            walked(LONG, MP3_FRAMES, joins=joins)
    monkeypatch.undo()
    spent = []
    for _ in range(2):
        window = ByteWindow(io.BytesIO(LONG), len(LONG))
        measurement.measure_sound(window, *find_start(window))
        spent.append(window.steps)
        monkeypatch.setattr(FrameWalk, "_run", lambda *_: None)
    assert spent[0] == spent[1]
