"""Decompresses bodies. Their own bytes decide whether they are compressed, because `Content-Encoding` is often
wrong.
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
# zlib copies the unread input for each piece of output and for each member, so inputs are kept small.
_INPUT_BYTES: Final = 16 * 1024
_GZIP: Final = b"\x1f\x8b\x08"
_GZIP_WBITS, _ZLIB_WBITS, _RAW_WBITS = 31, 15, -15
_CONTROLS: Final = frozenset(map(chr, range(32))) - set("\t\n\r\f")


class BodyOutOfBoundsError(httpx.RequestError):
    """A body is too long, compressed or at any step of decompression, or needs too much memory to decompress. The
    message is a predicate, such as "longer than 5 bytes".
    """


def decoded(
    pieces: Iterator[bytes], content_encoding: str, most_bytes: int, most_layers: int = _MOST_LAYERS
) -> Iterator[bytes]:
    """The decompressed body in pieces of bounded size. Gzip is detected by its first bytes, deflate by the header where
    the body is neither text nor audio. Any other encoding passes through unchanged.

    `most_bytes` bounds the compressed body, the result, and every layer between them: a few kilobytes can expand to
    gigabytes that in turn decompress to nothing. Raises `BodyOutOfBoundsError`, and `httpx.HTTPError` from `pieces` or
    for broken compressed bytes, in each case after yielding all bytes before the error.
    """
    pieces = _bounded(pieces, most_bytes)
    # Deflate has no magic bytes, so audio must be ruled out first.
    is_marked_deflate = "deflate" in content_encoding.lower()
    head, rest = peek(pieces, HEAD_BYTES if is_marked_deflate else _SNIFFED_BYTES)
    wbits = _compression(head, is_marked_deflate=is_marked_deflate)
    if wbits is None:
        yield from chain((head,), rest) if head else rest
        return
    plain = _inflated(chain((head,), rest), wbits)
    # Some servers compress twice.
    yield from (decoded(plain, "", most_bytes, most_layers - 1) if most_layers > 1 else _bounded(plain, most_bytes))


def peek(pieces: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first pieces joined, at least `size` bytes where the body is long enough, and an iterator over the rest. The
    iterator raises a failure of the first pieces, so that no received byte is lost.
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
    """Whether a body begins as text: markup, JSON, or UTF-8 without control characters."""
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
    # RFC 9110 means the zlib format; some servers send raw deflate. RFC 1950: a multiple of 31, method 8.
    is_zlib = len(head) > 1 and head[0] & 0x0F == 8 and int.from_bytes(head[:2]) % 31 == 0
    return _ZLIB_WBITS if is_zlib else _RAW_WBITS


def _inflated(pieces: Iterator[bytes], wbits: int) -> Iterator[bytes]:
    member, members, begun = zlib.decompressobj(wbits), 0, False
    for piece in _split(pieces):
        left = piece
        while left:
            try:
                plain = _decompress_piece(member, left)
            except zlib.error as error:
                if members and not begun:
                    # Padding after the last member, which browsers ignore too.
                    return
                raise httpx.DecodingError("the compressed body is broken") from error
            if plain:
                begun = True
                yield plain
            left = member.unconsumed_tail
            if member.eof:
                left = member.unused_data
                member, members, begun = zlib.decompressobj(wbits), _count_member(members), False
    # The decompressor may hold back a few hundred bytes that did not fit into one piece.
    if remainder := member.flush():
        yield remainder
    if not member.eof and (begun or not members):
        raise httpx.DecodingError("the compressed body is cut")


def _decompress_piece(member: "zlib._Decompress", octets: bytes) -> bytes:
    try:
        return member.decompress(octets, PIECE_BYTES)
    except MemoryError:
        raise BodyOutOfBoundsError("larger than the memory for unpacking it") from None


def _count_member(members: int) -> int:
    if members >= _MOST_MEMBERS:
        raise BodyOutOfBoundsError(f"compressed in more than {_MOST_MEMBERS} parts")
    return members + 1


def _split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _INPUT_BYTES):
            yield piece[start : start + _INPUT_BYTES]
