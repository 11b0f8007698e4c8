"""Finds the id of the task that a paid call started.

Sources: API in One's page shows `data.task_id`, AIML API's `id`; integrators reported the other names, lists of
one, and `data` as the id itself.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.audio_places import MOST_ENTRIES, link_in, lone_entry, opened
from fermata.adapters.providers.tasks.words import Stage, stage_of_word
from fermata.domain.providers.answers import member, read_id, read_number
from fermata.domain.providers.calls import TaskStarted
from fermata.domain.web.http_status import SUCCESSES

_TASK_ITSELF: Final = ("task", "data")
_RESULTS: Final = ("result", "output")
_BARE: Final = ("data", "result", "task")
"""Members whose value may be the id itself."""
_DEPTH: Final = 3
_OK: Final = frozenset({0, 1, *SUCCESSES})
# One token without blanks that is no link; letters alone form a word and not an id.
_ID: Final = re.compile(r"(?!\w+://)(?![a-z]{1,15}$)(?![a-z]+(_[a-z]+)+$)[a-z0-9][\w.:/+=~-]{3,}", re.IGNORECASE)


def task_in(document: JsonValue, names: Sequence[str]) -> TaskStarted | None:
    """The task whose id has one of these names, which are ordered from the most reliable one; or else the task whose id
    stands alone in an answer without any sign of failure.

    Of nested objects, the description of the task has priority over the object candidates it, and that over the
    results. `id` in a list of songs belongs to a song.
    """
    bodies = [*_bodies(document, _DEPTH)]
    named = (task_id for name in names for body in bodies if (task_id := read_id(_value_at(body, name))))
    task_id = next(named, None) or _bare_id(document)
    return TaskStarted(task_id) if task_id else None


def _bodies(place: JsonValue, depth: int) -> Iterator[JsonValue]:
    """The objects that may contain the id, and lists of them, the most reliable first."""
    place = opened(place)
    if isinstance(place, list):
        place = place[:MOST_ENTRIES]
    candidates = place if isinstance(place, list) else [place]
    objects = [each for each in candidates if isinstance(each, dict)] if depth else []
    for name in _TASK_ITSELF:
        for each in objects:
            yield from _bodies(each.get(name), depth - 1)
    yield place
    for name in _RESULTS:
        for each in objects:
            yield from _bodies(each.get(name), depth - 1)


def _value_at(body: JsonValue, name: str) -> JsonValue:
    if not isinstance(body, list):
        return member(body, name)
    if name == "id" and (len(body) > 1 or link_in(body)):
        return None
    return next((member(entry, name) for entry in body if read_id(member(entry, name))), None)


def _bare_id(document: JsonValue) -> str | None:
    if not _has_no_sign_of_failure(document):
        return None
    values = (lone_entry(member(document, name)) for name in _BARE)
    texts = (value.strip() for value in values if isinstance(value, str) and stage_of_word(value) is None)
    return next((task_id for text in texts if _ID.fullmatch(text) and (task_id := read_id(text))), None)


def _has_no_sign_of_failure(document: JsonValue) -> bool:
    code, words = member(document, "code"), (member(document, name) for name in ("message", "msg", "status"))
    number = read_number(code)
    is_ok = number in _OK if number is not None else not isinstance(code, str) or _is_ok(code)
    failed = any(stage_of_word(word) is Stage.FAILED for word in words) or bool(member(document, "error"))
    return is_ok and not failed and member(document, "success") is not False


def _is_ok(word: str) -> bool:
    return word.strip().lower() in ("", "ok") or stage_of_word(word) in (Stage.DONE, Stage.RUNNING)
