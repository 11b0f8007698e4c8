"""An M4A is as long as its tables of samples say, and whole where the samples' bytes are there."""

import struct

import pytest

from fermata.errors import BadAudioError, CutAudioError
from tests.support.audio_files import ID3V2, NOISE, Measure, box, kept

NAMES = ["tone_aac.m4a", "tone_aac_index_first.m4a", "tone_aac_fragments.m4a", "tone_alac.m4a"]
INDEX_LAST, INDEX_FIRST, FRAGMENTS, ALAC = (kept(name) for name in NAMES)


def words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def full(name: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(name, bytes([version]), flags.to_bytes(3, "big"), *content)


def entry(channels: int = 2, rate: int = 44100, more: bytes = b"", name: bytes = b"mp4a") -> bytes:
    return box(name, bytes(6), b"\0\1", bytes(8), struct.pack(">HHHHI", channels, 16, 0, 0, rate << 16), more)


def esds(configuration: bytes) -> bytes:
    specific = b"\x05" + bytes([len(configuration)]) + configuration
    decoder = b"\x04\x80\x80\x80" + bytes([13 + len(specific)]) + bytes(13) + specific
    return full(b"esds", b"\x03\x80\x80\x80" + bytes([3 + len(decoder)]) + bytes(3) + decoder)


def track(
    samples: int = 100,
    size: int = 200,
    units: int = 44100,
    handler: bytes = b"soun",
    description: bytes | None = None,
    edits: bytes = b"",
    version: int = 0,
) -> bytes:
    stbl = box(
        b"stbl",
        full(b"stsd", words(1), entry() if description is None else description),
        full(b"stts", words(1, samples, 1024) if samples else words(0)),
        full(b"stsz", words(size, samples)),
    )
    times = bytes(16) if version else bytes(8)
    mdhd = full(b"mdhd", times, words(units), bytes(12), version=version)
    tkhd = full(b"tkhd", times, words(1), bytes(60), version=version)
    return box(b"trak", tkhd, edits, box(b"mdia", mdhd, full(b"hdlr", bytes(4), handler), box(b"minf", stbl)))


def movie(*traks: bytes, more: bytes = b"") -> bytes:
    return box(b"moov", full(b"mvhd", bytes(8), words(1000), bytes(80)), *traks, more)


def edit_list(*edits: tuple[int, int]) -> bytes:
    return box(b"edts", full(b"elst", words(len(edits), *(each for edit in edits for each in (*edit, 1 << 16)))))


FTYP = box(b"ftyp", b"M4A \0\0\0\0")
MDAT = box(b"mdat", bytes(20_000))
TRACK_MS = round(100 * 1024 / 44.1)


@pytest.mark.parametrize(
    ("song", "duration_ms", "channels"),
    [(INDEX_LAST, 2000, 1), (INDEX_FIRST, 2000, 1), (FRAGMENTS, 2046, 1), (ALAC, 1500, 2)],
    ids=NAMES,
)
def test_each_shape_is_measured(measure: Measure, song: bytes, duration_ms: int, channels: int) -> None:
    facts = measure(song)
    assert (facts.duration_ms, facts.sample_rate_hz, facts.channels) == (duration_ms, 22050, channels)
    assert (facts.content_type, facts.extension, facts.bytes) == ("audio/mp4", "m4a", len(song))
    assert facts.bitrate_bps == pytest.approx(len(song) * 8000 / duration_ms, rel=0.01)


@pytest.mark.parametrize("lead", [bytes(8), b"\r\n", b"\n\n\n", ID3V2, ID3V2 + bytes(100_000), bytes(64 * 1024)])
def test_an_m4a_may_stand_behind_zeros_line_ends_or_a_tag(measure: Measure, lead: bytes) -> None:
    facts = measure(lead + INDEX_FIRST)
    assert (facts.content_type, facts.duration_ms) == ("audio/mp4", 2000)


@pytest.mark.parametrize("song", [INDEX_LAST, INDEX_FIRST, FRAGMENTS, ALAC], ids=NAMES)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_an_m4a_without_its_end_is_cut(measure: Measure, song: bytes, share: float) -> None:
    padded = box(b"free", bytes(20_000)) + song[song.index(b"ftyp") + 24 :]
    song = song[: song.index(b"ftyp") + 24] + padded
    with pytest.raises(CutAudioError, match="is cut"):
        measure(song[: 20_000 + int((len(song) - 20_000) * share)])


def test_an_index_without_its_sound_is_cut(measure: Measure) -> None:
    with pytest.raises(CutAudioError, match="expected 20000 bytes of sound"):
        measure(FTYP + movie(track()) + box(b"free", bytes(900)))


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 2_000_000_000, 0xFFFFFFFF, 300 * 1024 * 1024])
def test_an_impossible_size_of_the_media_is_ignored(measure: Measure, size: int) -> None:
    media = words(size) + MDAT[4:]
    assert measure(FTYP + movie(track()) + media).duration_ms == TRACK_MS
    with pytest.raises(CutAudioError, match="expected 20000 bytes of sound"):
        measure(FTYP + movie(track()) + media[:12_000])


def test_up_to_a_hundredth_of_the_media_may_be_missing(measure: Measure) -> None:
    assert measure((FTYP + movie(track()) + MDAT)[:-200]).duration_ms == TRACK_MS


def test_sizes_of_64_bits_are_read(measure: Measure) -> None:
    media = words(1) + b"mdat" + (16 + 20_000).to_bytes(8, "big") + bytes(20_000)
    assert measure(FTYP + media + movie(track(version=1))).duration_ms == TRACK_MS


def test_the_first_sound_track_counts(measure: Measure) -> None:
    song = FTYP + movie(track(handler=b"vide"), track(), track(samples=50)) + MDAT
    assert measure(song).duration_ms == TRACK_MS


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([(2000, 1024)], 2000),
        ([(0xFFFF, 0xFFFFFFFF), (2000, 0)], 2000),
        ([(500, 0), (700, 0)], 1200),
        ([(0, 2048)], round(98 * 1024 / 44.1)),
        ([(900_000, 0)], TRACK_MS),
        ([], TRACK_MS),
    ],
    ids=["from_a_place_on", "begins_later", "two_parts", "all_that_follows", "more_than_there_is", "empty"],
)
def test_what_the_edit_list_leaves_out_is_not_played(
    measure: Measure, edits: list[tuple[int, int]], expected: int
) -> None:
    assert measure(FTYP + movie(track(edits=edit_list(*edits))) + MDAT).duration_ms == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("configuration", "rate", "channels"),
    [
        (0b00010_0100_0001_000, 44100, 1),
        (0b00010_0111_0010_000, 22050, 2),
        (0b00010_0100_0111_000, 44100, 8),
        (0b00010_0100_0000_000, 44100, 2),
    ],
)
def test_the_decoders_own_configuration_says_more_than_the_entry(
    measure: Measure, configuration: int, rate: int, channels: int
) -> None:
    described = entry(more=esds(configuration.to_bytes(2, "big")))
    facts = measure(FTYP + movie(track(description=described)) + MDAT)
    assert (facts.sample_rate_hz, facts.channels) == (rate, channels)


@pytest.mark.parametrize(("kind", "channels"), [(5, 1), (29, 2)])
def test_a_song_is_described_as_it_is_played_not_as_it_is_coded(measure: Measure, kind: int, channels: int) -> None:
    # Coded at 22,050 Hz in mono, played at 44,100 Hz; with PS in stereo.
    bits = kind << 11 | 7 << 7 | 1 << 3 | 4 >> 1
    described = entry(more=esds(bits.to_bytes(2, "big") + b"\0"))
    facts = measure(FTYP + movie(track(description=described)) + MDAT)
    assert (facts.sample_rate_hz, facts.channels) == (44100, channels)


def test_a_rate_that_does_not_fit_is_that_of_the_clock(measure: Measure) -> None:
    song = FTYP + movie(track(units=96000, description=entry(rate=0, name=b"alac"))) + MDAT
    assert (measure(song).sample_rate_hz, measure(song).duration_ms) == (96000, round(100 * 1024 / 96))


def fragment(*runs: bytes, header: bytes = b"", flags: int = 0) -> bytes:
    return box(b"moof", box(b"traf", full(b"tfhd", words(1), header, flags=flags), *runs)) + box(b"mdat", bytes(500))


@pytest.mark.parametrize(
    ("part", "each"),
    [
        (fragment(full(b"trun", words(10))), 1000),
        (fragment(full(b"trun", words(10)), header=words(2000), flags=0x08), 2000),
        (fragment(full(b"trun", words(10)), header=bytes(8) + words(9, 3000), flags=0x0B), 3000),
        (fragment(full(b"trun", words(10), words(*[1500, 50] * 10), flags=0x300)), 1500),
        (fragment(full(b"trun", words(10, 0, 0), words(*[1700, 50, 1, 2] * 10), flags=0xF05)), 1700),
        (fragment(full(b"trun", words(4), words(*[500] * 4), flags=0x100), full(b"trun", words(6))), 800),
    ],
    ids=["default", "of_the_fragment", "behind_other_words", "of_each", "all_words", "two_runs"],
)
def test_fragments_say_how_long_they_are(measure: Measure, part: bytes, each: int) -> None:
    mvex = box(b"mvex", full(b"trex", words(1, 1, 1000, 0, 0)))
    song = FTYP + movie(track(samples=0), more=mvex) + part * 5
    assert measure(song).duration_ms == round(5 * 10 * each / 44.1)


def test_fragments_may_not_miss_even_a_hundredth(measure: Measure) -> None:
    mvex = box(b"mvex", full(b"trex", words(1, 1, 1000, 0, 0)))
    song = FTYP + movie(track(samples=0), more=mvex) + fragment(full(b"trun", words(10))) * 5
    with pytest.raises(CutAudioError, match="within one of its parts"):
        measure(song[:-3])


def test_fragments_of_other_tracks_do_not_count(measure: Measure) -> None:
    mvex = box(b"mvex", full(b"trex", words(1, 1, 1000, 0, 0)))
    mine = fragment(full(b"trun", words(10)))
    song = FTYP + movie(track(samples=0), more=mvex) + (mine + mine.replace(words(1), words(2), 1)) * 4
    assert measure(song).duration_ms == round(4 * 10 * 1000 / 44.1)


@pytest.mark.parametrize(
    "song",
    [
        FTYP + movie() + MDAT,
        FTYP + movie(track(handler=b"vide")) + MDAT,
        FTYP + movie(track(samples=0)) + MDAT,
        FTYP + movie(track(units=0)) + MDAT,
        FTYP + movie(track(description=b"")) + MDAT,
        FTYP + movie(box(b"trak")) + MDAT,
    ],
    ids=["no_track", "no_sound", "no_samples", "no_clock", "no_description", "empty_track"],
)
def test_an_m4a_without_sound_is_damaged(measure: Measure, song: bytes) -> None:
    with pytest.raises(BadAudioError, match="is damaged") as refusal:
        measure(song)
    assert not isinstance(refusal.value, CutAudioError)


@pytest.mark.parametrize("behind", [NOISE, bytes(5000), words(3) + b"free" + bytes(2000), words(0) + b"moov"])
def test_trailing_bytes_that_are_no_box_are_skipped(measure: Measure, behind: bytes) -> None:
    assert measure(FTYP + movie(track()) + MDAT + behind).duration_ms == TRACK_MS
