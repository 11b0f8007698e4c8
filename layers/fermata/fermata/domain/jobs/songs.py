"""Songs of a paid call: their sources, stored files and missing ones."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.audio.marks import Edit, Mark
from fermata.domain.providers.failures import Failure
from fermata.domain.providers.song_links import numbers_of_links


class Record(BaseModel):
    """A frozen value that is stored with a job."""

    model_config = ConfigDict(defer_build=True, frozen=True)


class AudioSource(StrEnum):
    """Where a provider's audio is: text in the staged answer (hex or base64), text in the events of a staged stream,
    the answer's whole body, or links.
    """

    HEX = "hex"
    EVENTS = "events"
    BODY = "body"
    LINKS = "links"


class Audio(Record):
    """The result of a ready attempt: one song in its staged answer, or one per signed link. A song's number is its
    position in the provider's list, counted from 1; `without_link` are the numbers of the songs without a link.
    `subtitles` is the provider's link to the subtitles of the only song.
    `whole_event` is the position of the event of a stream that has the whole song, None for all events together.
    """

    source: AudioSource
    links: tuple[str, ...] = ()
    without_link: tuple[PositiveInt, ...] = ()
    subtitles: str | None = None
    whole_event: NonNegativeInt | None = None

    @property
    def songs(self) -> int:
        """How many songs the provider made, by its answer."""
        return len(self.links) + len(self.without_link) if self.source is AudioSource.LINKS else 1

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the available songs, in the order of the links."""
        if self.source is not AudioSource.LINKS:
            return (1,)
        return tuple(number for number in range(1, self.songs + 1) if number not in self.without_link)

    @property
    def link_by_number(self) -> dict[int, str]:
        """The links by the numbers of their songs."""
        return dict(zip(self.numbers, self.links, strict=True)) if self.links else {}

    def link_of(self, number: int) -> str | None:
        """The link to a song, or None."""
        return self.link_by_number.get(number)

    def with_newer(self, newer: "Audio", awaited: tuple[int, ...] = ()) -> "Audio":
        """These songs with the links of the same task's newer answer, each under the number of its song here. Links
        that the newer answer lacks stay. `awaited` are the numbers of the songs that need new links.
        """
        if self.source is not AudioSource.LINKS or newer.source is not AudioSource.LINKS:
            return newer
        known, found = self.link_by_number, newer.link_by_number
        numbers = numbers_of_links(known, found, range(1, max(self.songs, newer.songs) + 1), awaited)
        links = known | {numbers[position]: link for position, link in found.items()}
        return _behind(links, max(self.songs, newer.songs))

    def with_exchanged(self, number: int, other: int) -> "Audio":
        """This audio with the links of two songs exchanged; unchanged if one of them has no link."""
        links = self.link_by_number
        if number not in links or other not in links:
            return self
        return _behind(links | {number: links[other], other: links[number]}, self.songs)


def _behind(links: Mapping[int, str], songs: int) -> Audio:
    """The audio of `songs` songs with these links by number."""
    in_order = tuple(links[number] for number in sorted(links))
    without = tuple(number for number in range(1, songs + 1) if number not in links)
    return Audio(source=AudioSource.LINKS, links=in_order, without_link=without)


SUBTITLES_TYPE: Final = "application/json"
"""The media type of subtitles: MiniMax's JSON list of sentences with their times in ms."""
WEBVTT_TYPE: Final = "text/vtt"
"""The media type of the same as WebVTT, in UTF-8."""


class Track(Record):
    """One stored song file, measured by Fermata: times in ms, rates in Hz and bits per second. `number` is its position
    among all songs that the provider made. `subtitles_key` is the object key of its subtitles, if they were asked for
    and came, `webvtt_key` that of the same as WebVTT. `bytes` and `sha256` are those of the stored file, which has the
    `marks`. Undoing the `edits` leads back to the provider's file, which has the `source_sha256` (None: the stored file
    is the provider's).
    """

    number: PositiveInt
    object_key: str
    expires_at: datetime
    content_type: str
    bytes: PositiveInt
    sha256: str
    duration_ms: PositiveInt
    sample_rate_hz: PositiveInt
    channels: PositiveInt
    bitrate_bps: PositiveInt
    subtitles_key: str | None = None
    webvtt_key: str | None = None
    marks: tuple[Mark, ...] = ()
    source_sha256: str | None = None
    edits: tuple[Edit, ...] = ()

    @property
    def provider_sha256(self) -> str:
        """The SHA-256 of the file as its provider sent it."""
        return self.source_sha256 or self.sha256


class MissingTrack(Record):
    """An unavailable song of the delivering attempt, by its position among the provider's songs, and the reason."""

    number: PositiveInt
    reason: Failure
