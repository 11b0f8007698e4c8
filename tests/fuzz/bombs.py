"""Small and large inputs that were made to explode, and what each of them is to end as."""

import gzip
import struct
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import chain, repeat
from typing import Final, NamedTuple

from fermata.adapters.audio.flac_frames import _CRC_8
from fermata.domain.audio.container import MAX_AUDIO_BYTES

WHOLE: Final = MAX_AUDIO_BYTES
"""As long as a file may be."""
SMALL: Final = WHOLE // 8
"""Long enough to spend every budget."""
_PIECE: Final = 1024 * 1024

TOO_COMPLEX: Final = "AudioTooComplexError"
CUT: Final = "CutAudioError"
BAD: Final = "BadAudioError"
OUT_OF_BOUNDS: Final = "BodyOutOfBoundsError"
MEASURED: Final = "measured"
TOO_LARGE: Final = "too large"

Pieces = Callable[[int], Iterator[bytes]]


class Bomb(NamedTuple):
    """One input of a given size in pieces, how it is read (a name in `tests.fuzz.explode.WAYS`), and what it ends as:
    the name of an error, or what the way says of its reading.
    """

    way: str
    pieces: Pieces
    ends_as: str


def of(head: bytes, filling: bytes, end: bytes = b"") -> Pieces:
    """A head, and as much of a filling as there is room for."""

    def pieces(size: int) -> Iterator[bytes]:
        yield head
        block = filling * max(1, _PIECE // len(filling))
        for _ in range((size - len(head) - len(end)) // len(block)):
            yield block
        yield end

    return pieces


# ---- compressed bodies


def _unpacking_to(inner: bytes, copies_for: Callable[[int], int], head: bytes = b"", wbits: int = 31) -> Pieces:
    """A body that unpacks to `head` and many copies of `inner`. What is flushed whole can be repeated as it is."""

    def pieces(size: int) -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
        yield packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
        copy = packer.compress(inner) + packer.flush(zlib.Z_FULL_FLUSH)
        for _ in range(copies_for(size)):
            yield copy

    return pieces


def _twice(pieces: Pieces) -> Pieces:
    def packed(size: int) -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        yield from (packer.compress(piece) for piece in pieces(size))
        yield packer.flush()

    return packed


def _gigabytes(size: int) -> int:
    """Copies of a mebibyte that are sixteen times a file's greatest length, at full size."""
    return 16 * size // _PIECE


ZEROS: Final = bytes(_PIECE)
EMPTY_MEMBERS: Final = gzip.compress(b"") * 50_000
EMPTY_BLOCKS: Final = b"\0\0\0\xff\xff" * 200_000

BODIES: Final = {
    "zeros in gzip": Bomb("unpack", _unpacking_to(ZEROS, _gigabytes), OUT_OF_BOUNDS),
    "zeros in deflate": Bomb("unpack", _unpacking_to(ZEROS, _gigabytes, wbits=15), OUT_OF_BOUNDS),
    "zeros in bare deflate": Bomb("unpack", _unpacking_to(ZEROS, _gigabytes, wbits=-15), OUT_OF_BOUNDS),
    "zeros in gzip, gzip": Bomb("unpack", _twice(_unpacking_to(ZEROS, _gigabytes)), OUT_OF_BOUNDS),
    "zeros in gzip, gzip, gzip": Bomb("unpack", _twice(_twice(_unpacking_to(ZEROS, _gigabytes))), "unpacked"),
    "members of nothing": Bomb("unpack", of(b"", EMPTY_MEMBERS), OUT_OF_BOUNDS),
    "members of nothing in gzip": Bomb("unpack", _unpacking_to(EMPTY_MEMBERS, _gigabytes), OUT_OF_BOUNDS),
    "blocks of nothing in gzip": Bomb(
        "unpack", _unpacking_to(EMPTY_BLOCKS, _gigabytes, head=gzip.compress(b"")[:10]), OUT_OF_BOUNDS
    ),
    "a name without end in gzip": Bomb(
        "unpack", _unpacking_to(b"a" * _PIECE, _gigabytes, head=b"\x1f\x8b\x08\x08" + bytes(6)), OUT_OF_BOUNDS
    ),
    "a body without end": Bomb("unpack", lambda _: chain((b"ID3",), repeat(ZEROS)), OUT_OF_BOUNDS),
}

# ---- files


def _box(name: bytes, *content: bytes, size: int | None = None) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body) if size is None else size) + name + body


def _table(name: bytes, *words: int) -> bytes:
    return _box(name, bytes(4), struct.pack(f">{len(words)}I", *words))


_FTYP: Final = _box(b"ftyp", b"M4A \0\0\0\0")
_ENTRY: Final = _box(b"mp4a", bytes(16), struct.pack(">HH", 2, 16), bytes(4), struct.pack(">I", 44100 << 16))
_HANDLER: Final = _box(b"hdlr", bytes(8), b"soun", bytes(12))


def _moov(*tables: bytes, more: bytes = b"") -> bytes:
    """The index of a sound track with these tables of samples."""
    stbl = _box(b"stbl", _box(b"stsd", struct.pack(">II", 0, 1), _ENTRY), *tables)
    mdia = _box(b"mdia", _table(b"mdhd", 0, 0, 44100, 0), _HANDLER, _box(b"minf", stbl))
    return _box(b"moov", _table(b"mvhd", 0, 0, 44100, 0), more, _box(b"trak", _table(b"tkhd", 0, 0, 1, 0), mdia))


def _with_a_table_to_the_end(name: bytes, words_before: bytes, filling: bytes) -> Pieces:
    """A table of samples that goes on to the end of the file, as the boxes around it say."""

    def pieces(size: int) -> Iterator[bytes]:
        octets = (size - 4096) // _PIECE * _PIECE
        after = _box(name, bytes(4), words_before, size=8 + 4 + len(words_before) + octets)
        for around, before in (
            (b"stbl", _box(b"stsd", struct.pack(">II", 0, 1), _ENTRY)),
            (b"minf", b""),
            (b"mdia", _table(b"mdhd", 0, 0, 44100, 0) + _HANDLER),
            (b"trak", _table(b"tkhd", 0, 0, 1, 0)),
            (b"moov", b""),
        ):
            after = _box(around, before, after, size=8 + len(before) + len(after) + octets)
        yield _FTYP + after
        for _ in range(octets // _PIECE):
            yield filling * (_PIECE // len(filling))

    return pieces


def _flac_head(*blocks: bytes) -> bytes:
    info = (
        struct.pack(">HH", 4096, 4096) + b"\0\0\x0e\xff\xff\xff" + struct.pack(">Q", 44100 << 44 | 1 << 41 | 15 << 36)
    )
    return b"fLaC" + b"\0\0\0\x22" + info + bytes(16) + b"".join(blocks)


_FLAC_HEADER: Final = b"\xff\xf8\xc9\xa8\0"
_FLAC_FRAME: Final = _FLAC_HEADER + bytes([reduce(lambda crc, octet: _CRC_8[crc ^ octet], _FLAC_HEADER, 0)])
_PICTURE: Final = b"\x06\xff\xff\xff" + struct.pack(">II", 3, 0xFFFFFFF0)
_COMMENTS: Final = b"\x04\xff\xff\xff" + struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0)


def _ogg_page(packet: bytes, flags: int = 0) -> bytes:
    lacing = bytes([len(packet)]) if packet else b""
    return b"OggS\0" + bytes([flags]) + struct.pack("<QIIIB", 1, 7, 0, 0, len(lacing)) + lacing + packet


_VORBIS: Final = b"\x01vorbis" + bytes(4) + b"\x02\x44\xac\0\0" + bytes(12) + b"\xb8\1"
_OPUS: Final = b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0\0"


def _id3(size: int) -> bytes:
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


_TINY_MP3: Final = b"\xff\xf3\x14\xc4".ljust(24, b"\0")
_OTHER_MP3: Final = b"\xff\xf3\x10\xc4".ljust(26, b"\0")
_MP3: Final = b"\xff\xfb\x90\x64".ljust(417, b"\0")
_ADTS: Final = b"\xff\xf1\x50\x80\x00\xff\xfc"
_LONG_ADTS: Final = b"\xff\xf1\x50\x83\xff\xfc\xfc"
_APE: Final = b"APETAGEX" + struct.pack("<IIII", 2000, 0xFFFFFFF0, 0xFFFFFFF0, 0) + bytes(8)
_FMT: Final = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44100, 176400, 4, 16)
_RIFF: Final = b"RIFF\xff\xff\xff\xffWAVE"

FILES: Final = {
    "a million boxes": Bomb("measure", of(_FTYP, _box(b"free")), TOO_COMPLEX),
    "a million tracks": Bomb("measure", of(_FTYP + b"\x7f\0\0\0moov", _box(b"trak", _box(b"mdia"))), TOO_COMPLEX),
    "boxes in boxes": Bomb("measure", of(_FTYP, b"\x0f\0\0\0moov"), CUT),
    "a million fragments": Bomb(
        "measure", of(_FTYP + _moov(), _box(b"moof", _box(b"traf", _table(b"tfhd", 1)))), TOO_COMPLEX
    ),
    "sizes of 4 billion samples": Bomb(
        "measure", _with_a_table_to_the_end(b"stsz", b"\0\0\0\0\xff\xff\xff\xff", b"\x7f\xff\xff\xff"), BAD
    ),
    "times of 4 billion samples": Bomb(
        "measure", _with_a_table_to_the_end(b"stts", b"\xff\xff\xff\xff", b"\0\0\0\1"), MEASURED
    ),
    "one time for 4 billion samples": Bomb(
        "measure",
        of(_FTYP + _moov(_table(b"stts", 1, 0xFFFFFFFF, 1), _table(b"stsz", 1, 0xFFFFFFFF)), b"\0\0\4\0free"),
        MEASURED,
    ),
    "an M4A cover of gigabytes": Bomb(
        "measure",
        of(
            _FTYP
            + _moov(_table(b"stts", 1, 100_000, 1024))
            + _box(b"udta", _box(b"meta", size=0x7FFFFFFF), size=0x7FFFFFFF),
            b"covr",
        ),
        MEASURED,
    ),
    "FLAC pictures and comments of gigabytes": Bomb(
        "measure", of(_flac_head(_COMMENTS, *[_PICTURE] * 60), b"\x89PNG"), CUT
    ),
    "headers of FLAC frames": Bomb("measure", of(_flac_head(), _FLAC_FRAME), CUT),
    "marks of FLAC frames": Bomb("measure", of(_flac_head(), b"\xff\xf8"), CUT),
    "FLAC files in a FLAC file": Bomb("measure", of(b"", _flac_head() + _FLAC_FRAME * 350_000), CUT),
    "Ogg pages of nothing": Bomb("measure", of(_ogg_page(_VORBIS, 2), _ogg_page(b"")), TOO_COMPLEX),
    "Ogg pages of a byte": Bomb("measure", of(_ogg_page(_OPUS, 2), _ogg_page(b"\xfc")), TOO_COMPLEX),
    "Ogg streams of nothing": Bomb("measure", of(b"", _ogg_page(_OPUS, 2)), TOO_COMPLEX),
    "marks of Ogg pages": Bomb("measure", of(b"", b"OggS"), TOO_COMPLEX),
    "a tag as long as a file may be": Bomb("measure", of(_id3(0x0FFFFFFF), b"TXXX"), BAD),
    "tags of nothing": Bomb("measure", of(b"", _id3(0)), TOO_COMPLEX),
    "zeros behind a tag": Bomb("measure", of(_id3(10), b"\0"), BAD),
    "MP3 without a frame": Bomb("measure", of(_id3(10) + bytes(10), b"\xff"), BAD),
    "marks of MP3 frames": Bomb("measure", of(b"", b"\xff\xfb\x90\x64"), TOO_COMPLEX),
    "the shortest MP3 frames": Bomb("measure", of(b"", _TINY_MP3), TOO_COMPLEX),
    "two MP3 streams in turn": Bomb("measure", of(b"", _TINY_MP3 + _OTHER_MP3), TOO_COMPLEX),
    "gaps in MP3": Bomb("measure", of(b"", _TINY_MP3 * 3 + bytes(3)), TOO_COMPLEX),
    "an APE tag of gigabytes behind MP3": Bomb("measure", of(_MP3 * 100 + _APE, b"Cover\0Art"), BAD),
    "parts of a WAV": Bomb("measure", of(_RIFF, b"note\0\0\0\0"), TOO_COMPLEX),
    "lists of a WAV far apart": Bomb("measure", of(_RIFF, b"LIST\xf8\x07\0\0" + bytes(0x7F8)), TOO_COMPLEX),
    "descriptions of a WAV": Bomb("measure", of(_RIFF, _FMT), TOO_COMPLEX),
    "the shortest AAC frames": Bomb("measure", of(b"", _ADTS), TOO_COMPLEX),
    "the longest AAC frames without an end": Bomb("measure", of(b"", _LONG_ADTS), TOO_COMPLEX),
}

# ---- answers and requests

_BASE64_SONG: Final = b'{"data":{"audio":"' + b64encode(b"fLaC" + bytes(80_003))
_SONG: Final = b'{"data":{"audio":"' + (b"fLaC" + bytes(80_000)).hex().encode()

TEXTS: Final = {
    "a million brackets": Bomb("scan", of(b"", b"["), TOO_LARGE),
    "a million members": Bomb("scan", of(b"{", b'"a":"b",'), TOO_LARGE),
    "a million escaped texts": Bomb("scan", of(b'{"x":[', b'"\\n",'), TOO_LARGE),
    "one text of nothing but escapes": Bomb("scan", of(b'{"x":"', b"\\n"), "cut short"),
    "one name without end": Bomb("scan", of(b'{"', b"\\u0061"), "not JSON"),
    "one number without end": Bomb("scan", of(b'{"x":', b"9"), "cut short"),
    "blanks without end": Bomb("scan", of(b"", b" \n"), "empty"),
    "a song spelled in escapes": Bomb("decode", of(_BASE64_SONG, b"\\/", b'"}}'), TOO_COMPLEX),
    "a song in lines of nothing": Bomb("decode", of(_SONG, b"\\n", b'"}}'), TOO_COMPLEX),
    "a request of nothing but brackets": Bomb("request", of(b"", b"[" * 1024), "BodyTooLargeError"),
    "a request as deep as it may be long": Bomb("request", lambda _: iter([b"[" * 128 * 1024]), "MalformedBodyError"),
}

BOMBS: Final = {**BODIES, **FILES, **TEXTS}
