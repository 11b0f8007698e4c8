"""Songs that the operator signs. Encypher's verifier, which shares no code with the library that signs, is the judge;
the sound and whatever the provider wrote stay byte for byte.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import c2pa
import encypher_c2pa
import pytest

from fermata.adapters.audio import marking
from fermata.adapters.audio.marking import mp4, signer
from fermata.adapters.audio.marking.marker import SigningMarker
from fermata.adapters.audio.marking.signer import ProcessSigner
from fermata.adapters.audio.marking.signing_process import Request, answer_of, sign
from fermata.adapters.audio.measurement import measure_audio
from fermata.adapters.audio.window import ByteWindow
from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.marks import MADE_BY_A_MODEL, Edit, Mark, NotSigned, SongFacts, source_bytes
from fermata.errors import ConfigurationError
from fermata.ports.audio import MarkedFile, SigningKey
from local.deploy.signing_key import development_key
from tests.support.audio_files import box, mp3
from tests.support.players import ffmpeg, tags_of
from tests.support.songs_to_mark import ABOUT, MARKED, SIGNED, UNMARKED, tag, undone

KEY = SigningKey(**json.loads(development_key()))
KINDS = {"MP3": "audio/mpeg", "WAV": "audio/wav", "FLAC": "audio/flac", "M4A": "audio/mp4"}
ROOT = KEY.certificates[KEY.certificates.rindex("-----BEGIN") :]
SignSong = Callable[..., tuple[bytes, MarkedFile]]

BEHIND_ZEROS = "MP3 whose tag is behind zeros"
SONGS = MARKED | {BEHIND_ZEROS: bytes(4) + tag(4, (b"TIT2", b"\x03Theirs")) + mp3()}
# The library looks for a tag at the first byte of a file only.
TAGGED_ONLY = {
    BEHIND_ZEROS: NotSigned.NOT_VALID,
    "AAC": NotSigned.NO_PLACE,
    "M4A in fragments": NotSigned.NO_PLACE,
    "WAV with wide sizes": NotSigned.NO_PLACE,
    "WAV of unknown length": NotSigned.NO_PLACE,
    "WAV of silence and unknown length": NotSigned.NO_PLACE,
}
SIGNABLE = [name for name in MARKED if name not in TAGGED_ONLY]


class InThisProcess:
    """Signs without a process of its own, which would take most of a test's time."""

    def __init__(self, key: SigningKey = KEY) -> None:
        self.key = key

    def sign(self, path: Path, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        marked = sign(Request(path, Path(into.name), about, self.key))
        into.seek(0, 2)
        return marked


@pytest.fixture
def sign_song(tmp_path: Path) -> SignSong:
    """Signs the bytes of a file."""

    def sign_bytes(song: bytes, by: signer.ProcessSigner | InThisProcess | None = None) -> tuple[bytes, MarkedFile]:
        path, copy = tmp_path / "song", tmp_path / "signed"
        path.write_bytes(song)
        with copy.open("w+b") as into:
            marker = SigningMarker(by or InThisProcess())
            marked = marker.mark(path, measure_audio(path), hashlib.sha256(song).hexdigest(), ABOUT, into)
            assert marked.parts or not marked.edits or into.tell() == copy.stat().st_size
        stored = copy.read_bytes() if marked.edits and not marked.parts else song
        with path.open("rb") as source:
            stored = SplicedFile(source, marked.parts).read() if marked.parts else stored
        assert hashlib.sha256(stored).hexdigest() == marked.sha256
        return stored, marked

    return sign_bytes


def verdict(stored: bytes, tmp_path: Path, name: str) -> dict[str, Any]:
    """What the judge says of a file, when it trusts the operator's authority alone."""
    path = tmp_path / "judged"
    path.write_bytes(stored)
    kind = KINDS[name.split(maxsplit=1)[0]]
    return dict(encypher_c2pa.verify(str(path), kind, trust_pem=ROOT, no_default_trust=True))


@pytest.mark.parametrize("name", SIGNABLE)
def test_a_signed_song_verifies_and_leads_back_to_its_providers_file(
    sign_song: SignSong, tmp_path: Path, name: str
) -> None:
    song = MARKED[name]
    stored, marked = sign_song(song)
    assert (marked.marks, marked.not_signed) == ((Mark.TAGS, Mark.C2PA), None)
    judged = verdict(stored, tmp_path, name)
    assert (judged["integrity"], judged["signature"], judged["hard_binding"]) == ("valid", "valid", "match")
    assert judged["trust"]["status"] == "valid_for_supplied_material"
    assert undone(stored, marked.edits) == song
    assert source_bytes(marked.edits, len(stored)) == len(song)
    # What is undone is small, so that it can be kept with the record. In M4A it is the table of places, in hexadecimal.
    assert sum(len(edit.was) for edit in marked.edits) <= (400 if name.startswith("M4A") else 32)
    assert len(marked.edits) <= 4


@pytest.mark.parametrize("name", ["M4A", "M4A with its index first"])
def test_the_manifest_of_an_m4a_stands_before_its_index_and_its_sound(sign_song: SignSong, name: str) -> None:
    stored, _ = sign_song(SONGS[name])
    manifest = stored.index(bytes.fromhex("d8fec3d61b0e483c92975828877ec481"))
    assert stored.index(b"ftyp") < manifest < min(stored.index(b"moov"), stored.index(b"mdat"))


def test_wide_tables_of_places_follow_the_sound_as_well(tmp_path: Path) -> None:
    table = box(b"co64", bytes(4) + (2).to_bytes(4, "big") + (700).to_bytes(8, "big") + (1 << 32).to_bytes(8, "big"))
    path = tmp_path / "song"
    inside = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table)))))
    path.write_bytes(box(b"ftyp", b"M4A ") + inside + box(b"mdat", bytes(9)))
    with path.open("rb") as file:
        changes = mp4.signed_changes(ByteWindow(file, path.stat().st_size), 0, ABOUT, b"m" * 100) or []
    assert changes[1].put == (800).to_bytes(8, "big") + ((1 << 32) + 100).to_bytes(8, "big")
    assert (changes[0].put, changes[1].removed) == (b"m" * 100, 16)


def test_an_m4a_whose_table_is_too_long_for_the_record_is_not_signed(
    sign_song: SignSong, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mp4, "_MOST_TABLE_BYTES", 3)
    assert sign_song(SONGS["M4A"])[1].not_signed is NotSigned.NO_PLACE


@pytest.mark.parametrize("name", ["MP3", "WAV", "FLAC", "M4A"])
def test_a_change_to_the_sound_voids_the_signature(sign_song: SignSong, tmp_path: Path, name: str) -> None:
    stored, _ = sign_song(MARKED[name])
    at = stored.rindex(MARKED[name][-2000:-1900]) if name != "M4A" else stored.index(b"mdat") + 100
    changed = stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]
    assert verdict(changed, tmp_path, name)["integrity"] == "invalid"


@pytest.mark.parametrize(("name", "suffix"), [("MP3", "mp3"), ("WAV", "wav"), ("FLAC", "flac"), ("M4A", "m4a")])
def test_a_player_decodes_the_same_samples_and_shows_the_tags(
    sign_song: SignSong, tmp_path: Path, name: str, suffix: str
) -> None:
    stored, _ = sign_song(MARKED[name])
    before, after = tmp_path / f"before.{suffix}", tmp_path / f"after.{suffix}"
    before.write_bytes(MARKED[name])
    after.write_bytes(stored)
    assert decoded(after) == decoded(before)
    if name != "M4A":
        assert tags_of(str(after))["title"] == "Rain & <sun>"


def decoded(song: Path) -> bytes:
    command = [ffmpeg(), "-nostdin", "-v", "error", "-i", str(song), "-f", "s16le", "pipe:1"]
    ended = subprocess.run(command, capture_output=True, check=True)
    assert (ended.stderr, bool(ended.stdout)) == (b"", True)
    return ended.stdout


@pytest.mark.parametrize("name", ["MP3", "WAV", "FLAC", "M4A"])
def test_the_manifest_says_which_model_of_which_provider_made_the_song(
    sign_song: SignSong, tmp_path: Path, name: str
) -> None:
    stored, _ = sign_song(MARKED[name])
    path = tmp_path / "read"
    path.write_bytes(stored)
    # The judge shows verdicts only, so that the words are read with the library that wrote them.
    with path.open("rb") as file, c2pa.Reader(measure_audio(path).content_type, file) as reader:
        manifests = json.loads(reader.json())["manifests"].values()
    (manifest,) = manifests
    (actions,) = [each for each in manifest["assertions"] if each["label"].startswith("c2pa.actions")]
    (created,) = actions["data"]["actions"]
    assert (created["action"], created["digitalSourceType"]) == ("c2pa.created", MADE_BY_A_MODEL)
    assert created["softwareAgent"]["name"] == "minimax/music-2.6"
    assert created["parameters"] == {
        "com.fermata.provider": "minimax",
        "com.fermata.job": "job_1",
        "com.fermata.ordered_on": "2026-11-30",
    }
    assert manifest["signature_info"].get("time") is None


@pytest.mark.parametrize("name", TAGGED_ONLY)
def test_a_song_that_cannot_be_signed_gets_its_tags_and_says_why(sign_song: SignSong, name: str) -> None:
    stored, marked = sign_song(SONGS[name])
    assert (marked.marks, marked.not_signed) == ((Mark.TAGS,), TAGGED_ONLY[name])
    assert undone(stored, marked.edits) == SONGS[name]
    assert b"application/c2pa" not in stored


@pytest.mark.parametrize("name", ["Ogg", "RF64 without its sizes", "M4A whose last box is open"])
def test_a_song_that_takes_neither_tags_nor_a_manifest_is_left_as_it_is(sign_song: SignSong, name: str) -> None:
    digest = hashlib.sha256(UNMARKED[name]).hexdigest()
    assert sign_song(UNMARKED[name]) == (UNMARKED[name], MarkedFile((), digest, (), NotSigned.NO_PLACE))


@pytest.mark.parametrize("name", ["M4A with XMP", "FLAC with too many comments"])
def test_a_song_without_a_place_for_tags_is_signed_all_the_same(sign_song: SignSong, tmp_path: Path, name: str) -> None:
    stored, marked = sign_song(UNMARKED[name])
    assert marked.marks == (Mark.C2PA,)
    assert verdict(stored, tmp_path, name)["integrity"] == "valid"
    assert undone(stored, marked.edits) == UNMARKED[name]


@pytest.mark.parametrize("name", SIGNED)
def test_the_manifest_of_a_provider_is_never_replaced(sign_song: SignSong, name: str) -> None:
    stored, marked = sign_song(SIGNED[name], failing(AssertionError("asked")))
    assert (stored, marked.marks, marked.edits, marked.not_signed) == (SIGNED[name], (Mark.C2PA,), (), None)


def expired() -> SigningKey:
    return SigningKey(**json.loads(development_key(datetime(2020, 1, 1, tzinfo=UTC))))


def of_another() -> SigningKey:
    return SigningKey(KEY.certificates, json.loads(development_key())["private_key"], "es256")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (SigningKey(KEY.certificates, "no key", "es256"), NotSigned.KEY_REFUSED),
        (SigningKey(KEY.certificates, KEY.private_key, "rot13"), NotSigned.KEY_REFUSED),
        (expired(), NotSigned.KEY_REFUSED),
        (of_another(), NotSigned.NOT_VALID),
    ],
    ids=["no key", "unknown algorithm", "expired", "another certificate's key"],
)
def test_a_key_that_does_not_serve_costs_the_manifest_and_not_the_tags(
    sign_song: SignSong, key: SigningKey, reason: NotSigned
) -> None:
    stored, marked = sign_song(MARKED["MP3"], InThisProcess(key))
    assert (marked.marks, marked.not_signed) == ((Mark.TAGS,), reason)
    assert undone(stored, marked.edits) == MARKED["MP3"]


def test_without_the_layer_a_song_gets_its_tags(sign_song: SignSong, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fermata.adapters.audio.marking.c2pa_library", None)
    monkeypatch.delattr(marking, "c2pa_library", raising=False)
    assert sign_song(MARKED["MP3"])[1].not_signed is NotSigned.NO_LIBRARY


def failing(error: BaseException) -> ProcessSigner:
    def read() -> SigningKey:
        raise error

    return ProcessSigner(read)


def test_a_secret_without_a_key_costs_the_manifest_and_not_the_tags(sign_song: SignSong) -> None:
    _, marked = sign_song(MARKED["MP3"], failing(ConfigurationError("no key")))
    assert (marked.marks, marked.not_signed) == ((Mark.TAGS,), NotSigned.NO_KEY)


def test_a_process_of_its_own_signs(sign_song: SignSong, tmp_path: Path) -> None:
    stored, marked = sign_song(MARKED["MP3"], ProcessSigner(lambda: KEY))
    assert (marked.marks, verdict(stored, tmp_path, "MP3")["integrity"]) == ((Mark.TAGS, Mark.C2PA), "valid")


LIES = answer_of(MarkedFile((Mark.C2PA,), "00" * 32, (Edit(at=0, length=1),)))


@pytest.mark.parametrize(
    "program",
    [
        (sys.executable, "-c", "import os; os.abort()"),
        (sys.executable, "-c", "import sys; sys.stdin.read(); print('nonsense')"),
        (sys.executable, "-c", "print('{}')"),
        (sys.executable, "-c", f"import sys; sys.stdin.read(); print('{LIES}')"),
        ("/no/such/program",),
    ],
    ids=["crashes", "says nonsense", "says nothing", "lies", "is missing"],
)
def test_a_process_that_fails_costs_the_manifest_and_not_the_tags(
    sign_song: SignSong, program: tuple[str, ...]
) -> None:
    stored, marked = sign_song(MARKED["MP3"], ProcessSigner(lambda: KEY, program))
    assert (marked.marks, marked.not_signed) == ((Mark.TAGS,), NotSigned.FAILED)
    assert undone(stored, marked.edits) == MARKED["MP3"]


def test_a_process_that_hangs_is_ended(sign_song: SignSong) -> None:
    never = (sys.executable, "-c", "import signal; signal.pause()")
    _, marked = sign_song(MARKED["MP3"], ProcessSigner(lambda: KEY, never, within_s=0.1))
    assert (marked.marks, marked.not_signed) == ((Mark.TAGS,), NotSigned.FAILED)


def test_the_process_gets_no_credentials_and_the_key_on_its_standard_input_alone(
    sign_song: SignSong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen = tmp_path / "seen"
    program = (sys.executable, "-c", f"import os, sys; open({str(seen)!r}, 'w').write(f'{{sys.argv}} {{os.environ}}')")
    sign_song(MARKED["MP3"], ProcessSigner(lambda: KEY, program))
    text = seen.read_text("utf-8")
    assert "PYTHONPATH" in text
    assert "AWS_" not in text
    assert "PRIVATE KEY" not in text


def test_the_text_of_a_key_shows_none_of_it() -> None:
    assert "BEGIN" not in f"{KEY!r} {KEY}"
