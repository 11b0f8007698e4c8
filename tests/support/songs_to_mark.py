"""Songs of every kind, to be marked, and the way back to them."""

import struct
from datetime import date

from fermata.domain.audio.marks import Edit, SongFacts, Span, parts_of_source
from tests.support.audio_files import (
    ID3V1,
    ID3V2,
    ID3V2_WITH_FOOTER,
    LONG_ID3V2,
    box,
    fmt,
    kept,
    mp3,
    riff,
    samples,
    wav,
    with_xing_header,
)

ABOUT = SongFacts("job_1", "minimax", "minimax/music-2.6", date(2026, 11, 30), "Rain & <sun>", "[Verse]\nLa la\n")
PICTURE = b"APIC" + b"\0\0\x40\x00\0\0" + bytes(0x2000 * 0x100)


def undone(stored: bytes, edits: tuple[Edit, ...]) -> bytes:
    """The provider's file, from the stored one."""
    parts = parts_of_source(edits, len(stored))
    return b"".join(stored[part.at : part.at + part.length] if isinstance(part, Span) else part for part in parts)


def tag(version: int, *frames: tuple[bytes, bytes], flags: int = 0, padding: int = 0) -> bytes:
    """An ID3 tag with these frames, of up to 127 bytes each."""
    body = b"".join(name + bytes([0, 0, 0, len(content)]) + b"\0\0" + content for name, content in frames)
    size = len(body) + padding
    return b"ID3" + bytes([version, 0, flags, 0, 0, size >> 7, size & 0x7F]) + body + bytes(padding)


def comments(*texts: str, is_last: bool = False) -> bytes:
    """A block of Vorbis comments."""
    counted = [struct.pack("<I", len(text.encode())) + text.encode() for text in texts]
    body = struct.pack("<I", 0) + struct.pack("<I", len(counted)) + b"".join(counted)
    return bytes([4 | is_last << 7]) + len(body).to_bytes(3, "big") + body


def flac(*blocks: bytes) -> bytes:
    """A FLAC file with these blocks behind its first."""
    song = kept("silence_40_s.flac")
    blocks_end = 4
    while True:
        is_last, size = song[blocks_end] >> 7, int.from_bytes(song[blocks_end + 1 : blocks_end + 4], "big")
        blocks_end += 4 + size
        if is_last:
            break
    first = song[4:42] if blocks else bytes([song[4] | 0x80]) + song[5:42]
    return song[:4] + first + b"".join(blocks) + song[blocks_end:]


SECOND = samples(1, 44100, 2)
RF64 = riff(
    (b"ds64", struct.pack("<QQQI", 4 + 8 + 28 + 8 + len(fmt()[1]) + 8 + len(SECOND), len(SECOND), 44100, 0)),
    fmt(),
    (b"data", SECOND),
    name=b"RF64",
    size=0xFFFFFFFF,
)
MARKED = {
    "MP3": mp3(),
    "MP3 with a Xing header": with_xing_header(mp3(), None),
    "MP3 with a tag of 2.4": tag(4, (b"TIT2", b"\x03Theirs")) + mp3(),
    "MP3 with a tag of 2.3 and padding": tag(3, (b"TPE1", b"\0Them"), padding=300) + mp3(),
    "MP3 with a tag of 2.2": tag(2, (b"TT2\0", b"Old")) + mp3(),
    "MP3 with an unsynchronised tag": tag(4, (b"TIT2", b"\x03Theirs"), flags=0x80) + mp3(),
    "MP3 with a footer": ID3V2_WITH_FOOTER + mp3(),
    "MP3 with an empty tag": ID3V2 + mp3(),
    "MP3 with a long tag": LONG_ID3V2 + mp3(),
    "MP3 with a hundred tags": tag(4, (b"TIT2", b"\x03x")) * 60 + mp3(),
    "MP3 with thousands of frames": b"ID3\x04\0\0" + bytes([0, 2, 0x57, 0x20]) + (b"TPE1\0\0\0\1\0\0x" * 4000) + mp3(),
    "MP3 with a tag that is longer than its file": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + mp3(),
    "MP3 with a broken tag": b"ID3\x04\0\0\0\0\x07\x68" + b"\xee" * 1000 + mp3(),
    "MP3 with a large picture": b"ID3\x03\0\0" + bytes([1, 0, 0, 0]) + PICTURE[: 1 << 21].ljust(1 << 21, b"\0") + mp3(),
    "MP3 behind line ends": b"\r\n\r\n" + mp3(),
    "MP3 with an old tag at its end": mp3() + ID3V1,
    "AAC": kept("tone_adts.aac"),
    "WAV": wav(),
    "WAV of unknown length": wav()[:4] + b"\xff" * 4 + wav()[8:40] + b"\xff" * 4 + wav()[44:],
    "WAV of silence and unknown length": riff(fmt(), (b"data", bytes(200_000)), size=0)[:40] + bytes(200_004),
    "WAV with fields": riff(fmt(), (b"LIST", b"INFOINAM\7\0\0\0Theirs\0\0"), (b"data", samples(1, 44100, 2))),
    "WAV with chunks behind its sound": riff(fmt(), (b"data", samples(1, 44100, 2)), (b"cue ", bytes(28))),
    "WAV with wide sizes": RF64,
    "FLAC": kept("tone.flac"),
    "FLAC of one block": flac(),
    "FLAC with comments": flac(comments("TITLE=Theirs", "title=Again", "ARTIST=Them", is_last=True)),
    "FLAC with a picture": flac(b"\x06" + (100_000).to_bytes(3, "big") + bytes(100_000), comments("A=b", is_last=True)),
    "FLAC behind a tag": ID3V2 + kept("tone.flac"),
    "M4A": kept("tone_aac.m4a"),
    "M4A with its index first": kept("tone_aac_index_first.m4a"),
    "M4A in fragments": kept("tone_aac_fragments.m4a"),
}
UNMARKED = {
    "Ogg": kept("tone_vorbis.ogg"),
    "RF64 without its sizes": riff(fmt(), (b"data", samples(1, 44100, 2)), name=b"RF64"),
    "M4A whose last box is open": kept("tone_aac.m4a") + b"\0\0\0\0free" + bytes(20),
    "M4A with XMP": kept("tone_aac.m4a") + box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b"<x/>"),
    "FLAC with comments that overrun": flac(
        comments("TITLE=Theirs", is_last=True).replace(b"\x0c\0\0\0", b"\xff\0\0\0")
    ),
    "FLAC with too many comments": flac(comments(*["A=b"] * 1001, is_last=True)),
    "FLAC whose blocks do not end": flac(comments("A=b", is_last=True)).replace(b"\x84", b"\x04", 1),
}
SIGNED = {
    "MP3": tag(4, (b"GEOB", b"\0application/c2pa\0c2pa\0manifest\0jumb")) + mp3(),
    "FLAC": tag(3, (b"GEOB", b"\0application/x-c2pa-manifest-store\0")) + kept("tone.flac"),
    "WAV": riff(fmt(), (b"data", samples(1, 44100, 2)), (b"C2PA", b"jumb")),
    "M4A": kept("tone_aac.m4a") + box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), bytes(30)),
}
