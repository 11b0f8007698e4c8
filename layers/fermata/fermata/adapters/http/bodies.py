"""Bodies as they really are: their own bytes say whether they are compressed, because `Content-Encoding` is only a
claim.
"""

import codecs
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Final

import httpx

from fermata.domain.audio.container import HEAD_BYTES, begins_as_audio

PIECE_BYTES: Final = 64 * 1024

_SNIFFED_BYTES: Final = 16
_TEXT_BYTES: Final = 512
_MOST_LAYERS: Final = 2
# Gzip in blocks of 64 KiB, as bgzip writes it, has 4,096 of them in 256 MiB.
_MOST_MEMBERS: Final = 10_000
# What is left of an input is copied for each piece of output and each member, so that little is given at a time.
_INPUT_BYTES: Final = 16 * 1024
_GZIP: Final = b"\x1f\x8b\x08"
_GZIP_WBITS, _ZLIB_WBITS, _BARE_WBITS = 31, 15, -15
_CONTROLS: Final = frozenset(map(chr, range(32))) - set("\t\n\r\f")


class BodyOutOfBoundsError(httpx.RequestError):
    """A body is longer than it may be, as it comes or at any step of its unpacking, or takes too much to unpack. The
    message says of a body what it is, as in "longer than 5 bytes".
    """


def decoded(
    pieces: Iterator[bytes], content_encoding: str, most_bytes: int, most_layers: int = _MOST_LAYERS
) -> Iterator[bytes]:
    """A body in the clear, in pieces of bounded size. Gzip is known by its first bytes, whatever the header says, and
    deflate by the header where the body is neither text nor audio. Any other encoding is passed on as it came.

    `most_bytes` bounds the body as it comes, in the clear, and between two decoders: a few kilobytes can hold gigabytes
    that unpack to nothing. Raises `BodyOutOfBoundsError`, and `httpx.HTTPError` as `pieces` does or where the
    compressed bytes are broken, each after all that came before it.
    """
    pieces = _bounded(pieces, most_bytes)
    # Deflate has no mark of its own, so only what is surely no audio is taken for it.
    is_marked_deflate = "deflate" in content_encoding.lower()
    head, rest = peek(pieces, HEAD_BYTES if is_marked_deflate else _SNIFFED_BYTES)
    wbits = _compression(head, is_marked_deflate=is_marked_deflate)
    if wbits is None:
        yield from chain((head,), rest) if head else rest
        return
    plain = _inflated(chain((head,), rest), wbits)
    # Some servers compress what is compressed already.
    yield from (decoded(plain, "", most_bytes, most_layers - 1) if most_layers > 1 else _bounded(plain, most_bytes))


def peek(pieces: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first pieces, at least `size` bytes where there are so many, and the others. A failure on the way is raised
    by the others, so that nothing that was received is lost.
    """
    head = bytearray()
    try:
        for piece in pieces:
            head += piece
            if len(head) >= size:
                return bytes(head), pieces
    except httpx.HTTPError as error:
        return bytes(head), _failing(error)
    return bytes(head), iter(())


def reads_as_text(head: bytes) -> bool:
    """Whether a body begins as a text for people or programs: markup, JSON, or UTF-8 without control characters."""
    text = head[:_TEXT_BYTES]
    if text.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"<", b"{", b"["}:
        return True
    try:
        characters = codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return False
    return _CONTROLS.isdisjoint(characters)


def _bounded(pieces: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    left = most_bytes
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise BodyOutOfBoundsError(f"longer than {most_bytes} bytes")
        yield piece


def _failing(error: httpx.HTTPError) -> Iterator[bytes]:
    yield from ()
    raise error


def _compression(head: bytes, *, is_marked_deflate: bool) -> int | None:
    if head.startswith(_GZIP):
        return _GZIP_WBITS
    if not is_marked_deflate or begins_as_audio(head) or reads_as_text(head):
        return None
    # RFC 9110 means zlib's format; some servers send the bare one (RFC 1950: a multiple of 31, method 8).
    is_zlib = len(head) > 1 and head[0] & 0x0F == 8 and int.from_bytes(head[:2]) % 31 == 0
    return _ZLIB_WBITS if is_zlib else _BARE_WBITS


def _inflated(pieces: Iterator[bytes], wbits: int) -> Iterator[bytes]:
    member, members, begun = zlib.decompressobj(wbits), 0, False
    for piece in _small(pieces):
        left = piece
        while left:
            try:
                plain = _unpacked(member, left)
            except zlib.error as error:
                if members and not begun:
                    # Padding behind the last member, which browsers ignore too.
                    return
                raise httpx.DecodingError("the compressed body is broken") from error
            if plain:
                begun = True
                yield plain
            left = member.unconsumed_tail
            if member.eof:
                left = member.unused_data
                member, members, begun = zlib.decompressobj(wbits), _one_more(members), False
    # What does not fit into one piece may wait inside the decompressor, a few hundred bytes at most.
    if held_back := member.flush():
        yield held_back
    if not member.eof and (begun or not members):
        raise httpx.DecodingError("the compressed body is cut")


def _unpacked(member: "zlib._Decompress", octets: bytes) -> bytes:
    try:
        return member.decompress(octets, PIECE_BYTES)
    except MemoryError:
        raise BodyOutOfBoundsError("larger than the memory for unpacking it") from None


def _one_more(members: int) -> int:
    if members >= _MOST_MEMBERS:
        raise BodyOutOfBoundsError(f"compressed in more than {_MOST_MEMBERS} parts")
    return members + 1


def _small(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _INPUT_BYTES):
            yield piece[start : start + _INPUT_BYTES]
