"""The task that API in One started, under whichever name its id has."""

from pydantic import JsonValue

from fermata.domain.upstream import TaskStarted
from fermata.domain.upstream_reading import member, read_id


def task_in(document: JsonValue) -> TaskStarted | None:
    """The task under whichever name its id has."""
    for name in ("task_id", "taskId", "work_id", "id"):
        for place in (member(document, "data"), document):
            task_id = read_id(member(place, name))
            if task_id:
                return TaskStarted(task_id)
    return None
