"""Tags and padding around audio (ID3v2, https://id3.org/id3v2.4.0-structure)."""

from typing import Final

from fermata.adapters.audio.window import ByteWindow

TAG_HEADER_BYTES: Final = 10
_HAS_FOOTER: Final = 0x10
# A box of M4A begins with up to three zeros.
_OWN_ZEROS: Final = 3


def tag_bytes(header: bytes) -> int | None:
    """The size of an ID3 tag by its first `TAG_HEADER_BYTES`, header and footer included; None for other bytes, or
    fewer.
    """
    if len(header) < TAG_HEADER_BYTES or not header.startswith(b"ID3"):
        return None
    size = sum((octet & 0x7F) << shift for octet, shift in zip(header[6:10], (21, 14, 7, 0), strict=True))
    return TAG_HEADER_BYTES + size + (TAG_HEADER_BYTES if header[5] & _HAS_FOOTER else 0)


def end_of_tag(window: ByteWindow, at: int) -> int | None:
    """The end of the ID3 tag at `at` by its own size; None where there is no tag."""
    size = tag_bytes(window.read(at, TAG_HEADER_BYTES))
    return None if size is None else at + size


def skip_zeros(window: ByteWindow, start: int) -> int:
    """The end of the padding from `start` on, however long, less a few zeros that may belong to the audio."""
    for at, block in window.blocks(start, window.size):
        rest = block.lstrip(b"\0")
        if rest:
            return max(start, at + len(block) - len(rest) - _OWN_ZEROS)
    return window.size
