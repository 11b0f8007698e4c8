"""Pieces for listeners: whole frames of music alone, together the whole song, and never too long."""

import re

import pytest

from fermata.adapters.audio import mp3_pieces
from fermata.adapters.audio.mp3_frames import read_frame_header
from fermata.adapters.audio.mp3_pieces import MARK, Mp3PieceCutter
from fermata.domain.live.packed_audio import CLOCK_HZ, Piece
from tests.support.audio_files import ID3V1, ID3V2, ID3V2_WITH_FOOTER, LONG_ID3V2, mp3

SONG = mp3(seconds=11)
FRAME_MS = 1152 / 44.1


def cut(song: bytes, size: int = 1000, first_s: float = 4) -> list[Piece]:
    cutter = Mp3PieceCutter(4, first_s)
    pieces = [piece for start in range(0, len(song), size) for piece in cutter.feed(song[start : start + size])]
    return [*pieces, *cutter.close()]


def xing_frame() -> bytes:
    header = SONG[:4]
    frame = read_frame_header(header)
    assert frame is not None
    body = bytearray(frame.length)
    body[:4] = header
    body[frame.side_info_end : frame.side_info_end + 4] = b"Info"
    return bytes(body)


@pytest.mark.parametrize("size", [1, 100, 4096, 1_000_000])
def test_pieces_are_the_whole_song_in_order_however_it_arrives(size: int) -> None:
    pieces = cut(SONG, size)
    assert b"".join(piece.frames for piece in pieces) == SONG
    assert [piece.duration_ms for piece in pieces[:2]] == [round(153 * FRAME_MS)] * 2
    assert all(piece.duration_ms <= 4000 for piece in pieces)


def test_the_first_piece_may_be_shorter_than_the_others() -> None:
    pieces = cut(SONG, first_s=2)
    assert [piece.duration_ms for piece in pieces[:3]] == [round(n * FRAME_MS) for n in (76, 153, 153)]
    assert b"".join(piece.frames for piece in pieces) == SONG
    assert pieces[1].begins_at == round(76 * 1152 / 44100 * CLOCK_HZ)


def test_every_piece_begins_where_the_one_before_it_ends() -> None:
    pieces = cut(SONG)
    assert [piece.begins_at for piece in pieces] == [round(n * 153 * 1152 / 44100 * CLOCK_HZ) for n in range(3)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ID3V2, b""),
        (ID3V2_WITH_FOOTER, b""),
        (LONG_ID3V2, b""),
        (xing_frame(), b""),
        (ID3V2 + xing_frame(), ID3V1),
        (b"", ID3V1),
        (bytes(700), b""),
    ],
    ids=["id3", "footer", "long_id3", "info", "both", "id3v1", "zeros"],
)
@pytest.mark.parametrize("size", [1, 700, 1_000_000])
def test_tags_and_headers_are_left_out(before: bytes, after: bytes, size: int) -> None:
    assert b"".join(piece.frames for piece in cut(before + SONG + after, size)) == SONG


def test_a_song_that_begins_again_behind_a_tag_goes_on() -> None:
    pieces = cut(SONG + ID3V2 + xing_frame() + SONG)
    assert b"".join(piece.frames for piece in pieces) == SONG + SONG


@pytest.mark.parametrize("rate", [16000, 24000, 32000, 44100])
@pytest.mark.parametrize("kbps", [32, 64, None])
def test_no_piece_of_any_rate_is_longer_than_it_may_be(rate: int, kbps: int | None) -> None:
    song = mp3(rate=rate, channels=1, kbps=kbps, seconds=9)
    pieces = cut(song)
    assert max(piece.duration_ms for piece in pieces) <= 4000
    assert min(piece.duration_ms for piece in pieces[:-1]) > 3900


@pytest.mark.parametrize("noise", [bytes(5000), b"\xff\xfb" * 2500, b"ID3", b"", b"\xff"], ids=range(5))
def test_what_is_no_music_has_no_pieces(noise: bytes) -> None:
    assert cut(noise, 100) == []


class CountedMark:
    """Searches as the pattern does, and counts the bytes that were looked at."""

    def __init__(self) -> None:
        self.looked_at = 0

    def search(self, text: bytearray, start: int) -> re.Match[bytes] | None:
        found = MARK.search(text, start)
        self.looked_at += (found.end() if found else len(text)) - start
        return found


@pytest.mark.parametrize("mark", [b"ID3" + bytes(13), b"\xff\xfb\xf0\x00" + bytes(12)], ids=["tags", "syncs"])
def test_a_stream_that_only_repeats_one_mark_is_searched_once(mark: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    counted, stream = CountedMark(), mark * 4000
    monkeypatch.setattr(mp3_pieces, "MARK", counted)
    assert cut(stream, len(stream)) == []
    assert len(stream) / 4 < counted.looked_at < len(stream) * 2


def test_a_song_that_is_cut_within_a_frame_ends_with_the_frame_before() -> None:
    pieces = cut(SONG[:-100])
    assert SONG.startswith(b"".join(piece.frames for piece in pieces))
    assert len(SONG) - sum(len(piece.frames) for piece in pieces) < 1000
