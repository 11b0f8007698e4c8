"""What reads bytes from outside, one target each: what it is given, and what it may do with any of it."""

import gzip
import random
import struct
import tempfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from fermata.adapters.audio.measurement import measure_audio
from fermata.adapters.audio.mp3_pieces import Mp3PieceCutter
from fermata.adapters.http.bodies import PIECE_BYTES, decoded
from fermata.domain.audio.answer_scanner import AnswerScanner, ScannedDocument
from fermata.domain.audio.container import AAC, FLAC, M4A, MP3, OGG, WAV, Container, find_audio
from fermata.domain.audio.text_decoder import AudioTextDecoder
from fermata.domain.catalogue.models import Catalogue, read_catalogue
from fermata.domain.live.heard_audio import HeardAudio
from fermata.domain.money.usage_export import parse_usage_export
from fermata.domain.orders.order_request import parse_song_request
from fermata.domain.triggers.json_lines import read_lines
from fermata.domain.web.json_body import read_object
from fermata.errors import BadAudioError, RequestRefusedError
from fermata.use_cases.generation.follow.parse_answer import decoded_song
from tests.fixtures.http_answers import FIXTURES, answer_names, read_body
from tests.fuzz.bombs import FILES

_PROVIDERS: Final = ("minimax", "skillboss", "apiinone", "minimax_speech", "aimlapi_speech")
_LONGEST_SEED: Final = 16 * 1024
_OWN: Final = 8
_UNPACKED_BYTES: Final = 1024 * 1024
"""The size bound of bodies here: small, so that it is met often."""


class Target(NamedTuple):
    """`seeds` are inputs to begin with; `read` reads one changed input, and raises nothing unless a promise is broken.
    `calls_per_byte` is its budget of work: calls of functions for each byte that it is given or that comes out.
    """

    seeds: Callable[[], Sequence[bytes]]
    read: Callable[[bytes, random.Random], int]
    calls_per_byte: float


def _pieces(content: bytes, choices: random.Random) -> Iterator[bytes]:
    size = choices.choice((7, 100, 4096, len(content) + 1))
    return (content[start : start + size] for start in range(0, len(content), size))


# ---- files


def _files_of(container: Container) -> Callable[[], Sequence[bytes]]:
    """The kept files and the beginnings of the bombs: those of one container many times, and each of the others once,
    because any of them may stand in any other.
    """

    @cache
    def seeds() -> Sequence[bytes]:
        kept = [path.read_bytes()[:_LONGEST_SEED] for path in sorted((FIXTURES / "audio").iterdir())]
        begun = [b"".join(piece[:4096] for piece in islice(bomb.pieces(1 << 24), 2)) for bomb in FILES.values()]
        own = [each for each in (*kept, *begun, *_wav_files()) if (find_audio(each) or (None,))[0] is container]
        return (*own * _OWN, *kept)

    return seeds


def _wav_files() -> Sequence[bytes]:
    """A second of each coding: PCM, ADPCM, extensible, MP3 and an unknown one, and PCM with 64-bit sizes."""
    samples = b"data" + struct.pack("<I", 8000) + bytes(8000)
    codings = (
        struct.pack("<HHIIHH", 1, 1, 4000, 8000, 2, 16),
        struct.pack("<HHIIHHHH", 0x11, 1, 8000, 4055, 256, 4, 2, 505),
        struct.pack("<HHIIHHHHIH", 0xFFFE, 1, 4000, 8000, 2, 16, 22, 16, 4, 1) + bytes(14),
        struct.pack("<HHIIHH", 0x55, 1, 8000, 1000, 1, 0),
        struct.pack("<HHIIHH", 0x161, 1, 8000, 1000, 1, 0),
    )
    forms = [b"fmt " + struct.pack("<I", len(each)) + each for each in codings]
    wide = b"ds64" + struct.pack("<IQQQI", 28, 8100, 8000, 4000, 0) + forms[0]
    plain = [b"RIFF" + struct.pack("<I", 4 + len(form) + len(samples)) + b"WAVE" + form + samples for form in forms]
    return (*plain, b"RF64\xff\xff\xff\xffWAVE" + wide + b"data\xff\xff\xff\xff" + bytes(8000))


def _measure(content: bytes, _: random.Random) -> int:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        with suppress(BadAudioError):
            facts = measure_audio(Path(file.name))
            found = (facts.bytes, facts.duration_ms, facts.sample_rate_hz, facts.channels, facts.bitrate_bps)
            if not all(type(each) is int and each >= 1 for each in found):
                raise AssertionError(f"measured {facts}")
    return len(content)


# ---- answers


@cache
def _answers() -> Sequence[bytes]:
    names = [(provider, name) for provider in _PROVIDERS for name in answer_names(provider)]
    kept = [read_body(*name)[:_LONGEST_SEED] for name in names]
    song = (FIXTURES / "audio" / "tone_opus.ogg").read_bytes()
    spelled = (song.hex().encode(), b64encode(song), b"data:audio/ogg;base64," + b64encode(song))
    return (*kept, *(b'{"data":{"audio":"%s","status":2},"base_resp":{"status_code":0}}' % each for each in spelled))


def _scanned(pieces: Iterator[bytes]) -> tuple[bytes, ScannedDocument]:
    scanner, audio = AnswerScanner(), bytearray()
    for piece in pieces:
        audio += scanner.feed(piece)
    return bytes(audio), scanner.close()


def _scan(content: bytes, choices: random.Random) -> int:
    found = _scanned(_pieces(content, choices))
    if (whole := _scanned(iter((content,)))) != found:
        raise AssertionError(f"found {whole} in one piece and {found} in many")
    return 3 * len(content)


def _decode_answer(content: bytes, choices: random.Random) -> int:
    with suppress(BadAudioError):
        for _ in decoded_song(_pieces(content, choices)):
            pass
    return 2 * len(content)


@cache
def _texts() -> Sequence[bytes]:
    song = (FIXTURES / "audio" / "tone_opus.ogg").read_bytes()
    lines = b64encode(song).replace(b"/", b"\\/")
    return (
        song.hex().encode(),
        b"0x" + song.hex(" ").upper().encode(),
        lines,
        b"\\r\\n".join(lines[start : start + 76] for start in range(0, len(lines), 76)),
        b"data:audio/ogg;base64," + lines,
        b"".join(b"\\u%04x" % octet for octet in song.hex().encode()),
    )


def _decode_text(content: bytes, choices: random.Random) -> int:
    decoder = AudioTextDecoder()
    with suppress(BadAudioError):
        for piece in _pieces(content, choices):
            decoder.feed(piece)
        decoder.close()
    return 2 * len(content)


# ---- streams that are heard while they arrive


@cache
def _streams() -> Sequence[bytes]:
    """Streams of music and speech, as kept, and one that is a whole song in two parts."""
    kept = [
        read_body(provider, name)[:_LONGEST_SEED]
        for provider in ("minimax", "minimax_speech")
        for name in answer_names(provider)
        if name.startswith("stream")
    ]
    song = (FIXTURES / "audio" / "tone_xing_header.mp3").read_bytes()[:4000].hex()
    parts = [(song[:4000], 1), (song[4000:], 1), (song, 2)]
    return (*kept, b"".join(b'data: {"data":{"audio":"%s","status":%d}}\n\n' % (a.encode(), n) for a, n in parts))


def _heard(pieces: Iterator[bytes]) -> bytes:
    heard, audio = HeardAudio(), bytearray()
    with suppress(BadAudioError):
        for piece in pieces:
            for part in heard.feed(piece):
                audio += part
        for part in heard.close():
            audio += part
    return bytes(audio)


def _hear(content: bytes, choices: random.Random) -> int:
    found = _heard(_pieces(content, choices))
    if (whole := _heard(iter((content,)))) != found:
        raise AssertionError(f"heard {len(whole)} bytes in one piece and {len(found)} in many")
    return 3 * len(content)


def _cut_pieces(pieces: Iterator[bytes]) -> bytes:
    cutter = Mp3PieceCutter(4, 2)
    found = [piece for part in pieces for piece in cutter.feed(part)]
    return b"".join(piece.frames for piece in (*found, *cutter.close()))


def _cut(content: bytes, choices: random.Random) -> int:
    found = _cut_pieces(_pieces(content, choices))
    if (whole := _cut_pieces(iter((content,)))) != found:
        raise AssertionError(f"cut {len(whole)} bytes of music from one piece and {len(found)} from many")
    return 3 * len(content)


# ---- bodies


@cache
def _bodies() -> Sequence[bytes]:
    song = (FIXTURES / "audio" / "tone_opus.ogg").read_bytes()
    text = b'{"data": {"audio": "https://cdn.example/a.mp3"}}' * 20
    zeros = bytes(3_000_000)
    return (
        song,
        text,
        *(gzip.compress(each, mtime=0) for each in (song, text, zeros, gzip.compress(song, mtime=0))),
        gzip.compress(gzip.compress(zeros, mtime=0), mtime=0),
        *(zlib.compress(each, wbits=wbits) for each in (song, zeros) for wbits in (15, -15)),
        gzip.compress(b"", mtime=0) * 50,
        gzip.compress(b"", mtime=0)[:10] + b"\0\0\0\xff\xff" * 200,
    )


def _unpack(content: bytes, choices: random.Random) -> int:
    encoding, unpacked = choices.choice(("", "gzip", "deflate", "gzip, deflate", "br")), 0
    longest = max(PIECE_BYTES, len(content))
    with suppress(httpx.HTTPError):
        for piece in decoded(_pieces(content, choices), encoding, _UNPACKED_BYTES):
            unpacked += len(piece)
            # What is peeked at is handed on in one piece.
            if len(piece) > 3 * longest:
                raise AssertionError(f"unpacked {len(piece)} bytes at once")
    if unpacked > _UNPACKED_BYTES:
        raise AssertionError(f"unpacked {unpacked} bytes of at most {_UNPACKED_BYTES}")
    return len(content) + unpacked


# ---- requests and exports


@cache
def _requests() -> Sequence[bytes]:
    one = b'{"model":"minimax/music-2.5","prompt":"folk","lyrics":"[Verse]\\nRain \\u65e9","metadata":{"a":"1"}}'
    return one, b"\n".join((one, b"", one, b"[1,2.5e3,null]", b"{}")), b"[" * 500 + b"]" * 500


def _read_request(content: bytes, choices: random.Random) -> int:
    with suppress(RequestRefusedError):
        read_object(content)
    with suppress(RequestRefusedError):
        for _ in read_lines(_pieces(content, choices), read_object):
            pass
    return 3 * len(content)


@cache
def _orders() -> Sequence[bytes]:
    song = b'{"model":"minimax/music-2.5","prompt":"folk","lyrics":"[Verse]\\nRain","live":true,"metadata":{"a":"1"}}'
    speech = (
        b'{"model":"minimax/speech-2.8-hd","text":"Rain, again.","voice":"English_Graceful_Lady","speed":1.5,'
        b'"language":"en","emotion":"happy","subtitles":true,"fallbacks":["skillboss/speech-2.8-hd"]}'
    )
    return song, speech, b'{"model":"auto","kind":"speech","text":"Rain \\u65e9","max_credits":9}'


def _read_order(content: bytes, _: random.Random) -> int:
    with suppress(RequestRefusedError):
        parse_song_request(content, _catalogue())
    return len(content)


@cache
def _catalogue() -> Catalogue:
    return read_catalogue()


@cache
def _exports() -> Sequence[bytes]:
    return (
        b"id,created_at,model,cost_usd\na1,2026-11-21T10:00:00Z,music-2.5,0.15\na1,2026-11-21T11:00:00Z,music-2.5,-0.15\n",
        b'[{"id":"a1","created_at":"2026-11-21T10:00:00Z","cost_usd":"0.15"}]',
        b'{"data":[{"task_id":"a1","timestamp":1795946400,"amount":0.15}]}',
        b'{"id":"a1","cost_usd":1e-3}\n{"id":"a2","cost_usd":0.1}\n',
    )


def _read_export(content: bytes, _: random.Random) -> int:
    with suppress(RequestRefusedError):
        parse_usage_export(content)
    return len(content)


TARGETS: Final = {
    "mp3": Target(_files_of(MP3), _measure, 40),
    "adts": Target(_files_of(AAC), _measure, 40),
    "wav": Target(_files_of(WAV), _measure, 40),
    "flac": Target(_files_of(FLAC), _measure, 40),
    "ogg": Target(_files_of(OGG), _measure, 40),
    "mp4": Target(_files_of(M4A), _measure, 40),
    "answers": Target(_answers, _scan, 20),
    "songs": Target(_answers, _decode_answer, 20),
    "texts": Target(_texts, _decode_text, 20),
    "streams": Target(_streams, _hear, 20),
    "pieces": Target(_files_of(MP3), _cut, 40),
    "bodies": Target(_bodies, _unpack, 20),
    "requests": Target(_requests, _read_request, 20),
    "orders": Target(_orders, _read_order, 40),
    "exports": Target(_exports, _read_export, 40),
}
