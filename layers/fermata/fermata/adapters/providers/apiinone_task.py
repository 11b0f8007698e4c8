"""How API in One describes a task, in whichever of its undocumented bodies: its stage, its songs and its id.

Only `audio_url` and `audio` are ever taken for audio; songs come with `image_url` and `video_url` too.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from pydantic import JsonValue

from fermata.domain.upstream import AudioAt, TaskStarted
from fermata.domain.upstream_reading import member, read_id, read_link


class Stage(Enum):
    """How far a task, or one of its songs, is."""

    RUNNING = auto()
    DONE = auto()
    FAILED = auto()


_STAGES: Final[Mapping[str, Stage]] = {
    **dict.fromkeys(("pending", "queued", "in_progress", "processing", "text", "first"), Stage.RUNNING),
    **dict.fromkeys(("success", "completed", "complete"), Stage.DONE),
    **dict.fromkeys(("failed", "error"), Stage.FAILED),
}


def _stage(*words: JsonValue) -> Stage | None:
    """What the first known of these words says; an unknown word is never a success, and never an end."""
    told = [word.strip().lower() for word in words if isinstance(word, str) and word.strip()]
    known = next((_STAGES[word] for word in told if word in _STAGES), None)
    return known or (Stage.RUNNING if told else None)


def stage_of(document: JsonValue) -> Stage | None:
    """How far the whole task is; None where no word tells it."""
    inner = _stage(member(document, "data", "type"), member(document, "data", "status"))
    if inner is not None:
        return inner
    # The outermost status may speak of the answer alone, so it does not overrule a song that calls itself unfinished.
    if any(_stage(member(song, "status")) is Stage.RUNNING for song in songs_in(document)):
        return Stage.RUNNING
    return _stage(member(document, "status"))


def songs_in(document: JsonValue) -> list[JsonValue]:
    """The songs of a task as far as they are described, wherever the list of them stands."""
    for place in (
        member(document, "data", "response_data"),
        member(document, "response_data"),
        member(document, "data"),
    ):
        if isinstance(place, list):
            return place
    return []


def has_failed(document: JsonValue) -> bool:
    """Whether the whole task failed, or every one of its songs."""
    stages = [_stage(member(song, "status")) for song in songs_in(document)]
    return stage_of(document) is Stage.FAILED or (bool(stages) and set(stages) == {Stage.FAILED})


def finished_songs(document: JsonValue) -> AudioAt | None:
    """The songs of a task that succeeded as a whole, or whose every song has ended."""
    stage = stage_of(document)
    ended = {_stage(member(song, "status")) for song in songs_in(document)}
    all_ended = Stage.DONE in ended and ended <= {Stage.DONE, Stage.FAILED}
    if stage is Stage.DONE or (stage is not Stage.FAILED and all_ended):
        return audio_at(document)
    return None


def audio_at(document: JsonValue) -> AudioAt | None:
    """Every link to audio that did not fail, songs before anything else; the first is the primary song's."""
    whole = [song for song in songs_in(document) if _stage(member(song, "status")) is not Stage.FAILED]
    places = [
        *(member(song, "audio_url") for song in whole),
        *(member(document, *path, name) for path in ((), ("data",)) for name in ("audio_url", "audio")),
    ]
    links = list(dict.fromkeys(link for place in places if (link := read_link(place))))
    return AudioAt(links[0], tuple(links[1:])) if links else None


def task_in(document: JsonValue) -> TaskStarted | None:
    """The task under whichever name its id has."""
    for name in ("task_id", "taskId", "work_id", "id"):
        for place in (member(document, "data"), document):
            task_id = read_id(member(place, name))
            if task_id:
                return TaskStarted(task_id)
    return None
