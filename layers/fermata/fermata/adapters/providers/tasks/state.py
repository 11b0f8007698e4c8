"""Reads the stages of a task and its songs from every known form of body. It only reads and decides nothing."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.audio_places import bodies_in, entries_in, link_in, lone_link_in, task_bodies_in
from fermata.adapters.providers.tasks.words import Stage, known_stage, stage_of_word, stage_of_words
from fermata.domain.providers.answers import CODE_LIMIT, LEAST_ERROR_CODE, member, read_number, read_words
from fermata.domain.providers.calls import ANY_TASK, AudioAt

_OUTER_NAMES: Final = ("status", "state", "task_status", "taskStatus")
_INNER_NAMES: Final = ("type", *_OUTER_NAMES)
_ERROR_CODES: Final = ("errorCode", "error_code", "fail_code", "failCode")
# `type` may name the kind of result instead of the stage.
_KINDS: Final = frozenset({"audio", "music", "song", "track", "suno", "generate", "generation", "task"})


def stage_of(document: JsonValue) -> Stage | None:
    """The stage of the whole task; None where no word states it."""
    if is_running(document):
        return Stage.RUNNING
    inner = stage_inside(document)
    if inner is not None:
        return inner
    # The outermost status may concern the answer alone, so it does not overrule a song that is unfinished.
    if Stage.RUNNING in _stages_of_songs(document):
        return Stage.RUNNING
    return stage_of_words(*(member(document, name) for name in _OUTER_NAMES))


def stage_inside(document: JsonValue) -> Stage | None:
    """The task's stage by the words in inner objects, which cannot concern the answer alone."""
    return stage_of_words(*_inner_words(document))


def is_running(document: JsonValue) -> bool:
    """Whether a known word of the task itself says that it runs; a word in a list may belong to a song."""
    inner = [body for body in task_bodies_in(document) if body is not document]
    outer = (member(document, name) for name in _OUTER_NAMES)
    return known_stage(*_words_in(inner), *outer) is Stage.RUNNING


def has_failed(document: JsonValue, ordered: int = ANY_TASK.songs) -> bool:
    """Whether the whole task failed, or every one of its `ordered` songs."""
    stage = stage_of(document)
    all_failed = _ends_of_all_songs(document, ordered) == {Stage.FAILED}
    return stage is Stage.FAILED or all_failed or (stage is None and _error_code(document) is not None)


def has_ended(document: JsonValue, ordered: int = ANY_TASK.songs) -> bool:
    """Whether the whole task is done, or all of its `ordered` songs have ended, at least one of them done."""
    stage = stage_of(document)
    some_are_done = Stage.DONE in _ends_of_all_songs(document, ordered)
    return stage is Stage.DONE or (stage is not Stage.FAILED and some_are_done)


def finished_songs(document: JsonValue, ordered: int = ANY_TASK.songs) -> AudioAt | None:
    """The songs of a task that has ended; of a failed task, the songs that are marked as done."""
    if has_ended(document, ordered):
        return audio_at(document)
    return _songs_at(_slots(document, {Stage.DONE})) if stage_of(document) is Stage.FAILED else None


def audio_at(document: JsonValue) -> AudioAt | None:
    """Every link to audio that did not fail, those of listed songs first; the first one is the primary song's."""
    return _audio_at(document, {Stage.DONE, Stage.RUNNING, None})


def offered_songs(document: JsonValue) -> AudioAt | None:
    """The possibly finished songs of a task that has not ended: of a task that says it runs, the songs marked as done;
    else every song that no known word marks as running or failed.
    """
    if is_running(document):
        return _songs_at(_slots(document, {Stage.DONE}))
    return _audio_at(document, {Stage.DONE, None}) if stage_of(document) is not Stage.FAILED else None


def _audio_at(document: JsonValue, wanted: AbstractSet[Stage | None]) -> AudioAt | None:
    slots = _slots(document, wanted)
    lone = lone_link_in(document) if None in slots or not slots else None
    others = [link_in(song) for song in entries_in(document)]
    if lone and all(_file_of(lone) != _file_of(link) for link in others if link):
        open_slots = [slot is None and stage in wanted
                      for slot, stage in zip(slots, _known_stages_of_songs(document), strict=True)]  # fmt: skip
        at = open_slots.index(True) if True in open_slots else len(slots)
        slots[at : at + 1] = [lone]
    return _songs_at(slots)


def failure_code(document: JsonValue) -> str | None:
    """A failed task's own error code, or its failure word where that is more specific than a plain one."""
    word = failure_word(document)
    return (_code(document) or (word if "_" in word else ""))[:CODE_LIMIT] or None


def has_code(document: JsonValue) -> bool:
    """Whether an answer has an error code, as a name or as a number."""
    return bool(_code(document))


def _code(document: JsonValue) -> str:
    names = [read_words(member(body, "error", "name")) for body in bodies_in(document)]
    code = _error_code(document)
    return next((name for name in names if name), "" if code is None else str(code))


def failure_word(document: JsonValue) -> str:
    """The failure word of a task or of one of its songs; empty where there is none."""
    songs = (member(song, "status") for song in entries_in(document))
    words = (*_inner_words(document), *songs, *(member(document, name) for name in _OUTER_NAMES))
    return next((read_words(word) for word in words if stage_of_word(word) is Stage.FAILED), "")


def _inner_words(document: JsonValue) -> Iterator[JsonValue]:
    return _words_in(bodies_in(document)[1:])


def _words_in(bodies: list[dict[str, JsonValue]]) -> Iterator[JsonValue]:
    for body in reversed(bodies):
        for name in _INNER_NAMES:
            word = body.get(name)
            if name != "type" or not isinstance(word, str) or word.strip().lower() not in _KINDS:
                yield word


def _stages_of_songs(document: JsonValue) -> list[Stage | None]:
    return [stage_of_words(member(song, "status"), member(song, "state")) for song in entries_in(document)]


def _known_stages_of_songs(document: JsonValue) -> list[Stage | None]:
    return [known_stage(member(song, "status"), member(song, "state")) for song in entries_in(document)]


def _ends_of_all_songs(document: JsonValue, ordered: int) -> set[Stage]:
    """The final stages of the songs; empty while one of them has not ended, or while the task says that it runs and the
    list is shorter than the order.
    """
    ends = [stage for stage in _stages_of_songs(document) if stage in (Stage.DONE, Stage.FAILED)]
    listed = len(entries_in(document))
    is_part = listed < ordered and is_running(document)
    return set() if is_part or len(ends) < listed else set(ends)


def _slots(document: JsonValue, wanted: AbstractSet[Stage | None]) -> list[str | None]:
    """The link of each listed song; None where its known stage is not wanted, it has no link, or it repeats an earlier
    song's link.
    """
    slots: list[str | None] = []
    for song, stage in zip(entries_in(document), _known_stages_of_songs(document), strict=True):
        link = link_in(song) if stage in wanted else None
        slots.append(None if link in slots else link)
    return slots


def _songs_at(slots: list[str | None]) -> AudioAt | None:
    links = [link for link in slots if link]
    missing = tuple(number for number, link in enumerate(slots, 1) if link is None)
    return AudioAt(links[0], tuple(links[1:]), missing) if links else None


def _file_of(link: str) -> str:
    return link.partition("?")[0]


def _error_code(document: JsonValue) -> int | None:
    codes = (read_number(body.get(name)) for body in bodies_in(document)[1:] for name in _ERROR_CODES)
    return next((code for code in codes if code is not None and code >= LEAST_ERROR_CODE), None)
