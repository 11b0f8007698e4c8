"""Decides whether an answer to a poll, or which part of it, is about the polled task. Only a clear mismatch counts,
because providers spell ids with and without the model's name, and also have ids for requests and songs.
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from pydantic import JsonValue

from fermata.adapters.providers.audio_places import MOST_ENTRIES, bodies_in, has_link_beside, opened
from fermata.domain.providers.answers import member, read_id
from fermata.domain.providers.calls import AskedTask

_OWN_NAMES: Final = ("task_id", "taskId", "generation_id", "generationId", "work_id", "workId")
"""Names that always hold a task's id."""
_ID: Final = "id"
_DESCRIPTIONS: Final = ("data", "task")
_LISTS: Final = ("data", "result", "output", "task")


def own_part(document: JsonValue, asked: AskedTask) -> JsonValue:
    """The answer, with its lists of tasks reduced to the entries that name the polled task, if any do."""
    if isinstance(document, list):
        return _own_entries(document, asked)
    if not isinstance(document, dict) or not asked.task_id:
        return document
    part = dict(document)
    for name in _LISTS:
        value = opened(part.get(name))
        if isinstance(value, list):
            part[name] = _own_entries(value, asked)
        elif isinstance(value, dict) and name == "data":
            part[name] = own_part(value, asked)
    return part


def names_another_task(document: JsonValue, asked: AskedTask, *, id_is_the_tasks: bool) -> bool:
    """Whether an answer names tasks, but not the polled one. Unless `id_is_the_tasks`, `id` may belong to a request or
    a song, so it counts only where it has the length of the polled id and no link beside it.
    """
    if not asked.task_id:
        return False
    named = [*_named_tasks(document)]
    for body in _descriptions(document):
        task_id = read_id(body.get(_ID))
        if task_id and (id_is_the_tasks or (len(task_id) == len(asked.task_id) and not has_link_beside(body))):
            named.append(task_id)
    any_id = (read_id(member(each, _ID)) for each in (*bodies_in(document), *_entries(document)))
    return bool(named) and not any(_is_same(each, asked.task_id) for each in (*named, *any_id) if each)


def names_a_task(document: JsonValue) -> bool:
    """Whether an answer has an id of any task, or an id that may be one."""
    return any(True for _ in _named_tasks(document)) or any(read_id(body.get(_ID)) for body in bodies_in(document))


def _own_entries(entries: list[JsonValue], asked: AskedTask) -> list[JsonValue]:
    # A song may have its task's id in `id`, so with several ordered songs `id` does not select entries.
    names = (*_OWN_NAMES, _ID) if asked.songs == 1 else _OWN_NAMES
    ids = [[read_id(member(entry, name)) for name in names] for entry in entries[:MOST_ENTRIES]]
    own = [any(each and _is_same(each, asked.task_id) for each in found) for found in ids]
    return [entry for entry, is_own in zip(entries, own, strict=False) if is_own] if any(own) else entries


def _named_tasks(document: JsonValue) -> Iterator[str]:
    for body in (*bodies_in(document), *_entries(document)):
        for name in _OWN_NAMES:
            task_id = read_id(member(body, name))
            if task_id:
                yield task_id


def _entries(document: JsonValue) -> Iterator[JsonValue]:
    values = (opened(member(body, name)) for body in bodies_in(document) for name in _LISTS)
    for value in values:
        if isinstance(value, list):
            yield from value[:MOST_ENTRIES]


def _descriptions(document: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """The objects that describe the task itself, not its results."""
    body = document
    while isinstance(body, dict):
        yield body
        inner = (opened(body.get(name)) for name in _DESCRIPTIONS)
        body = next((each for each in inner if isinstance(each, dict)), None)


def _is_same(one: str, other: str) -> bool:
    """Whether two ids may name the same task: one contains the other, or they differ only in the model's name."""
    one, other = (unquote(each).strip().casefold() for each in (one, other))
    return one in other or other in one or _without_model(one) == _without_model(other)


def _without_model(task_id: str) -> str:
    """An id without a model's name before or after a colon; names of models contain a slash, ids do not."""
    before, colon, behind = task_id.partition(":")
    return behind if colon and "/" in before and "/" not in behind else before
