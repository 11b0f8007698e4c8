"""Finds links to audio in the answers of every dialect, to polls and to the paid call. Links to images, videos and
covers are excluded by field name, media type or file extension.

Sources: the vendors' pages name `audio_file.url`, `response_data[].audio_url`, `response.sunoData[].audioUrl`,
`outputs[0].url`, `audio.url`; integrators reported the other places.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.tasks.words import Stage, stage_of_word
from fermata.domain.providers.answers import member, read_link

DEPTH: Final = 4
MOST_ENTRIES: Final = 100
"""Most entries of a list that are read. No order makes so many songs, and a hostile answer may hold a megabyte
of them.
"""
_SONG_LISTS: Final = ("response_data", "responseData", "sunoData", "suno_data", "songs", "data", "result")
_AUDIO_NAMES: Final = ("audio_url", "audioUrl", "audio_file", "audioFile", "audio")
_PLAIN_NAMES: Final = ("outputs", "output", "url", "result", "data")
_LINKED_NAMES: Final = frozenset({*_AUDIO_NAMES, *_PLAIN_NAMES})
_BODIES: Final = ("data", "result", "output", "response", "task", "response_data", "responseData")
_LONGEST_TEXT: Final = 1024 * 1024
_KIND_NAMES: Final = ("type", "kind", "media_type", "mediaType")
_MIME_NAMES: Final = ("content_type", "contentType", "mime_type", "mimeType")
_AUDIO: Final = re.compile(r"\s*(audio|music|song)(\b|_)", re.IGNORECASE)
_OTHER_MEDIA: Final = re.compile(
    r"\s*(image|video|cover|text|json|thumb(nail)?|lyrics?|artwork|poster|picture|photo)(\b|_|[A-Z])", re.IGNORECASE
)
_PICTURE_OR_VIDEO: Final = re.compile(r"\s*(image|video)/", re.IGNORECASE)
_AUDIO_FILES: Final = re.compile(r"\.(mp3|wav|flac|ogg|opus|m4a|aac)$", re.IGNORECASE)
_PICTURE_FILES: Final = re.compile(r"\.(jpe?g|png|webp|gif|svg|avif|bmp|heic|tiff?)$", re.IGNORECASE)
_VIDEO_FILES: Final = re.compile(r"\.(mp4|m4v|mov|webm|mkv|avi)$", re.IGNORECASE)
_TEXT_FILES: Final = re.compile(r"\.(json|srt|vtt|lrc|txt|html?|xml|pdf)$", re.IGNORECASE)


def bodies_in(document: JsonValue) -> list[dict[str, JsonValue]]:
    """The objects that may describe a task, the outermost first."""
    found: list[dict[str, JsonValue]] = []
    level = [document]
    for _ in range(DEPTH):
        bodies = [body for body in level if isinstance(body, dict)]
        found += bodies
        level = [lone_entry(opened(body.get(name))) for body in bodies for name in _BODIES]
    return found


def task_bodies_in(document: JsonValue) -> list[dict[str, JsonValue]]:
    """As `bodies_in`, without objects that are the only entry of a list and contain no body, because they may
    be songs.
    """
    bodies = bodies_in(document)
    values = (opened(body.get(name)) for body in bodies for name in _BODIES)
    entries = [value[0] for value in values if isinstance(value, list) and len(value) == 1]
    return [body for body in bodies if body not in entries or len(bodies_in(body)) > 1]


def entries_in(document: JsonValue) -> list[JsonValue]:
    """The list of a task's songs, wherever it is; empty where there is none. Of several lists, the one with the most
    links counts, then the one with the most status words.
    """
    lists = (entries for values in _lists(document) if (entries := _songs_among(values)))
    return max(lists, key=_weight, default=[])


def link_in(place: JsonValue) -> str | None:
    """The first link to audio in a value: a link, an object with a link at a known name, or a list of those."""
    return next(_links(place, DEPTH), None)


def has_link_beside(body: dict[str, JsonValue]) -> bool:
    """Whether an object has a link to audio among its members, so that it may describe a song."""
    return link_in({name: value for name, value in body.items() if name in _AUDIO_NAMES or name == "url"}) is not None


def outermost_link_in(document: JsonValue) -> str | None:
    """The first link to audio in an answer about one song, searching outer objects first."""
    places = (document, *bodies_in(document))
    return next((link for place in places if (link := link_in(place))), None)


def lone_link_in(document: JsonValue) -> str | None:
    """The first link to audio outside all lists, searching inner objects first."""
    bodies = reversed(bodies_in(document))
    without_lists = ({name: value for name, value in body.items() if not _holds_list(value)} for body in bodies)
    return next((link for body in without_lists if (link := link_in(body))), None)


def links_around(link: str, place: JsonValue) -> tuple[str, ...]:
    """The link, or where it is in a list of songs, the links of all songs of the list that did not fail."""
    songs = entries_in(place)
    unfailed = (song for song in songs if stage_of_word(member(song, "status")) is not Stage.FAILED)
    links = tuple(dict.fromkeys(each for song in unfailed if (each := link_in(song))))
    return links if links and link in map(link_in, songs) else (link,)


def opened(value: JsonValue) -> JsonValue:
    """The value, parsed where it is a string that contains a JSON list or object."""
    if not isinstance(value, str) or value.strip()[:1] not in ("[", "{") or len(value) > _LONGEST_TEXT:
        return value
    try:
        parsed: JsonValue = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return parsed


def leads_elsewhere(link: str, place: dict[str, JsonValue]) -> bool:
    """Whether a link in an object leads to something other than audio, by the object's type or the file extension."""
    path = _path_of(link)
    is_video = _VIDEO_FILES.search(path) and not _says_audio(place)
    return _is_other_media(place) or bool(_PICTURE_FILES.search(path) or _TEXT_FILES.search(path) or is_video)


def lone_entry(value: JsonValue) -> JsonValue:
    """The only entry of a list; any other value unchanged."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _links(place: JsonValue, depth: int) -> Iterator[str]:
    if isinstance(place, str):
        link = read_link(place)
        if link and not _PICTURE_FILES.search(_path_of(link)):
            yield link
    elif isinstance(place, list) and depth:
        for entry in place[:MOST_ENTRIES]:
            if isinstance(entry, str):
                yield from (link for link in _links(entry, depth) if not leads_elsewhere(link, {}))
            elif entry:
                yield from _links(entry, depth - 1)
    elif isinstance(place, dict) and depth and not _LINKED_NAMES.isdisjoint(place) and not _is_other_media(place):
        for name in _AUDIO_NAMES:
            yield from _links(opened(place.get(name)), depth - 1)
        for name in _PLAIN_NAMES:
            links = _links(opened(place.get(name)), depth - 1)
            yield from (link for link in links if not (leads_elsewhere(link, place) or _is_page(link, name, place)))


def _is_other_media(place: JsonValue) -> bool:
    kinds = (member(place, name) for name in _KIND_NAMES)
    mimes = (member(place, name) for name in _MIME_NAMES)
    # Servers often send a text content type with a song, but never an image type.
    return any(isinstance(kind, str) and _OTHER_MEDIA.match(kind) for kind in kinds) or any(
        isinstance(mime, str) and _PICTURE_OR_VIDEO.match(mime) for mime in mimes
    )


def _says_audio(place: dict[str, JsonValue]) -> bool:
    said = (place.get(name) for name in (*_KIND_NAMES, *_MIME_NAMES))
    return any(isinstance(each, str) and _AUDIO.match(each) for each in said)


def _is_page(link: str, name: str, place: dict[str, JsonValue]) -> bool:
    """Whether a link leads to a page about the song or about an error: it is `url` beside audio, an image or an
    error.
    """
    beside = any(each in _AUDIO_NAMES or _OTHER_MEDIA.match(each) for each in place) or bool(place.get("error"))
    return name == "url" and beside and not _AUDIO_FILES.search(_path_of(link))


def _path_of(link: str) -> str:
    return re.split(r"[?#]", link, maxsplit=1)[0]


def _lists(document: JsonValue) -> Iterator[list[JsonValue]]:
    if isinstance(document, list):
        yield document
    for body in bodies_in(document):
        for name in (*_SONG_LISTS, *_AUDIO_NAMES, *_PLAIN_NAMES):
            values = opened(member(body, name))
            if isinstance(values, list):
                yield values


def _weight(entries: list[JsonValue]) -> tuple[int, int]:
    linked = sum(link_in(entry) is not None for entry in entries)
    return linked, sum(isinstance(member(entry, "status"), str) for entry in entries)


def _songs_among(values: list[JsonValue]) -> list[JsonValue]:
    """The entries that may be songs: objects other than images and videos, or else links."""
    values = values[:MOST_ENTRIES]
    objects: list[JsonValue] = [each for each in values if isinstance(each, dict) and not _is_other_media(each)]
    return objects or [each for each in values if isinstance(each, str) and link_in([each])]


def _holds_list(value: JsonValue) -> bool:
    value = opened(value)
    return isinstance(value, list) or (isinstance(value, dict) and any(_holds_list(inner) for inner in value.values()))
