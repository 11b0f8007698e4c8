"""Every kind of file is measured as the table of containers names it; what is none is refused, whatever it looks like,
with one class of error.
"""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from fermata.adapters.audio.measurement import FileAudioMeter, measure_audio
from fermata.domain.audio.container import CONTAINERS
from fermata.errors import BadAudioError, CutAudioError
from tests.fixtures.http_answers import FIXTURES
from tests.support.audio_files import ID3V2, NOISE, Measure, kept, mp3, wav, with_vbri_header, with_xing_header

SONGS = {
    "mp3": with_xing_header(mp3(seconds=1), 39),
    "mp3_vbri": ID3V2 + with_vbri_header(mp3(seconds=1), 39),
    "wav": wav(8000, 1, 0.5),
    **{path.name: path.read_bytes() for path in sorted((FIXTURES / "audio").glob("tone*"))},
}
MUTATIONS = 2000


def test_every_container_is_measured_under_its_own_name() -> None:
    files = [
        FIXTURES / "audio" / name
        for name in ("tone_xing_header.mp3", "tone.flac", "tone_opus.ogg", "tone_aac.m4a", "tone_adts.aac")
    ]
    found = {(facts.content_type, facts.extension) for facts in map(FileAudioMeter().measure, files)}
    assert found == {(each.content_type, each.extension) for each in CONTAINERS if each.name != "WAV"}


@pytest.mark.parametrize(
    "garbage",
    [
        NOISE,
        b"",
        b"<!DOCTYPE html>" + b" " * 5000,
        ID3V2 + NOISE,
        ID3V2,
        ID3V2 + b"<!DOCTYPE html>" + b" " * 5000,
        b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(5000),
        b"ID3\x04\x00\x00\x00\x00\x00\x00" * 2000,
        b"\xff\xfb\x90\x64" * 2000,
        b"\xff\xfb\x90\x64" + NOISE,
        mp3()[:2000] + NOISE,
        mp3()[:1100],
        with_xing_header(b"", 1) * 20,
        b"RIFF\xff\xff\xff\xffWAVE" + NOISE,
        b"RIFF\x00\x10\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(5000),
        b"fLaC" + NOISE,
        b"OggS" + NOISE,
        b"OggS\x00\x02" + bytes(5000),
        b"\0\0\0\x20ftypM4A " + NOISE,
        b"\0\0\0\x20ftypavif" + bytes(5000),
        b"\xff\xf1\x50\x80" + NOISE,
        b'{"data": {"audio": "' + mp3() + b'"}}',
        bytes(10_000),
    ],
    ids=range(23),
)
def test_what_only_looks_like_audio_is_refused(measure: Measure, garbage: bytes) -> None:
    with pytest.raises(BadAudioError):
        measure(garbage)


@pytest.mark.parametrize("song", [wav()[:44] + bytes(0), wav(seconds=0.0001) + bytes(1000)], ids=["short", "silent"])
def test_a_file_without_sound_is_no_song(measure: Measure, song: bytes) -> None:
    with pytest.raises(BadAudioError, match=r"expected a recording, found 0 ms|at least 1024 bytes"):
        measure(song)


@pytest.mark.parametrize("name", SONGS)
def test_a_damaged_file_is_measured_or_refused_and_breaks_no_reader(measure: Measure, name: str) -> None:
    chance = np.random.default_rng(11)
    whole = SONGS[name]
    outcomes = {"measured": 0, "refused": 0}
    for _ in range(MUTATIONS // len(SONGS)):
        song = bytearray(whole)
        reach = len(song) if chance.random() < 0.5 else 120
        for at in chance.integers(0, reach, size=chance.integers(1, 8)):
            song[at] = int(chance.choice([0, 1, 0x7F, 0x80, 0xFF, int(chance.integers(256))]))
        cut_at = chance.integers(len(song)) if chance.random() < 0.3 else len(song)
        try:
            facts = measure(bytes(song[:cut_at]))
            assert min(facts.duration_ms, facts.sample_rate_hz, facts.channels, facts.bitrate_bps, facts.bytes) >= 1
            outcomes["measured"] += 1
        except BadAudioError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0


def test_what_a_tenant_reads_of_a_cut_file_is_plain(measure: Measure) -> None:
    with pytest.raises(CutAudioError) as refusal:
        measure(wav()[:100_000])
    assert str(refusal.value) == (
        "expected 264600 bytes of sound, as the file says itself, found 99956; the file is cut"
    )


@pytest.mark.parametrize("name", ["mp3", "wav", "tone_vorbis.ogg", "tone_adts.aac", "tone.flac"])
def test_memory_does_not_grow_with_the_song(measure: Measure, tmp_path: Path, name: str) -> None:
    song = {"wav": wav(seconds=20)}.get(name, SONGS[name])
    measure(song)
    (tmp_path / "long").write_bytes(song * (8_000_000 // len(song)) if name != "wav" else song)
    tracemalloc.start()
    try:
        measure_audio(tmp_path / "long")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024


def test_memory_does_not_grow_with_padding(measure: Measure) -> None:
    song = ID3V2 + bytes(8_000_000)
    tracemalloc.start()
    try:
        _, before = tracemalloc.get_traced_memory()
        with pytest.raises(BadAudioError):
            measure(song)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 1024 * 1024


def test_an_index_of_an_m4a_is_never_held_whole(tmp_path: Path) -> None:
    song = kept("tone_aac_index_first.m4a")
    at = song.index(b"stsz") - 4
    count = 1_000_000
    table = (20 + 4 * count).to_bytes(4, "big") + b"stsz" + bytes(8) + count.to_bytes(4, "big") + bytes(4 * count)
    grown = bytearray(song[:at] + table + song[at:])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = grown.index(name) - 4
        grown[place : place + 4] = (int.from_bytes(grown[place : place + 4], "big") + len(table)).to_bytes(4, "big")
    (tmp_path / "long").write_bytes(grown)
    tracemalloc.start()
    try:
        assert measure_audio(tmp_path / "long").duration_ms == 2000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024
