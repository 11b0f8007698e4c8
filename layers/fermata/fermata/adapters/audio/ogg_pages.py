"""Walks over the pages of an Ogg file (RFC 3533). `ogg_streams` interprets the streams in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fermata.adapters.audio.sound import cut
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.bounds import too_complex

_MARK: Final = b"OggS"
_HEADER_BYTES: Final = 27
# All bits are set where no packet ends; a negative time is also invalid.
_FIRST_UNKNOWN: Final = 1 << 63
_BEGINS: Final = 0x02
# An hour of Opus with one packet per page has 180,000 pages; false page marks are rare.
_MOST_PAGES: Final = 600_000
_MOST_FALSE_STARTS: Final = 10_000
_MORE_FOLLOWS: Final = 255


@dataclass(frozen=True)
class Page:
    """One whole page. `position` is the stream's time at the end of the page, None where no packet ends in it;
    `packets` counts the packets that end in it; the body lies between the offsets `body_at` and `end`.
    """

    serial: int
    begins_stream: bool
    position: int | None
    packets: int
    lacing: bytes
    body_at: int
    end: int


def read_pages(window: ByteWindow, start: int) -> Iterator[Page]:
    """The pages from `start` on; other bytes are skipped. Raises `CutAudioError` where the file ends within a page,
    `AudioTooComplexError` where there are too many pages or false page marks.
    """
    at, false_starts = start, 0
    for _ in range(_MOST_PAGES):
        page = _read_page(window, at)
        if page is not None and page.end <= window.size:
            yield page
            at = page.end
            continue
        if page is not None:
            raise cut("found the end of the Ogg file within one of its pages")
        false_starts += 1
        at = window.find(_MARK, at + 1, window.size)
        if at < 0:
            return
        if false_starts > _MOST_FALSE_STARTS:
            raise too_complex(f"found more than {_MOST_FALSE_STARTS} marks of Ogg pages without a page")
    raise too_complex(f"found more than {_MOST_PAGES} Ogg pages")


def _read_page(window: ByteWindow, at: int) -> Page | None:
    header = window.read(at, _HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MARK) or header[4]:
        return None
    lacing = window.read(at + _HEADER_BYTES, header[26])
    position = int.from_bytes(header[6:14], "little")
    body_at = at + _HEADER_BYTES + header[26]
    return Page(
        serial=int.from_bytes(header[14:18], "little"),
        begins_stream=bool(header[5] & _BEGINS),
        position=position if position < _FIRST_UNKNOWN else None,
        packets=len(lacing) - lacing.count(_MORE_FOLLOWS),
        lacing=lacing,
        body_at=body_at,
        end=body_at + sum(lacing),
    )
