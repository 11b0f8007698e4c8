"""Whatever a poll answers: only the task's own end ends it, no other task's, and no song in it is overlooked."""

import json
from collections.abc import Callable
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.adapters.providers.tasks.words import Stage, stage_of_word
from fermata.domain.providers.calls import (
    ANY_TASK,
    AskedTask,
    AudioAt,
    AudioInAnswer,
    AudioIsAnswer,
    PollOutcome,
    Refused,
    StillRunning,
    Trouble,
)
from tests.fixtures.http_answers import answer_with
from tests.fixtures.kept_answers import LINK, failure_in

DIALECTS: Final = ("apiinone", "aimlapi")
OTHER: Final = LINK.replace("song.mp3", "other.mp3")
TASK: Final = "7a5f3e1c-60bb-4a4f:minimax/music-2.0"
FOREIGN: Final = "11111111-2222-4a4f:minimax/music-2.0"
SONG: Final = b"ID3\x04" + bytes(range(256)) * 8
HEX: Final = SONG.hex()


def polled(dialect: str, document: JsonValue | bytes, asked: AskedTask = ANY_TASK, status: int = 200) -> PollOutcome:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return load_provider(dialect).read_poll(answer_with(body, status), asked)


def song(status: JsonValue = None, link: str = LINK) -> dict[str, JsonValue]:
    return {"id": "song", "status": status, "audio_url": link}


FAILED: Final[dict[str, JsonValue]] = {"id": "song", "status": "error"}
RUNNING_WORDS: Final = ("IN_PROGRESS", "processing", "queued", "TEXT", "first", "pending")
LISTS: Final[list[Callable[[str, JsonValue], JsonValue]]] = [
    lambda word, songs: {"code": 200, "data": {"status": word, "response_data": songs}},
    lambda word, songs: {"code": 200, "data": {"type": word, "response_data": songs}},
    lambda word, songs: {"status": word, "songs": songs},
    lambda word, songs: {"task_status": word, "data": songs},
    lambda word, songs: {"status": "success", "data": {"state": word, "sunoData": songs}},
]


# ---- a list of songs that is only a part


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("word", RUNNING_WORDS)
@pytest.mark.parametrize("place", LISTS)
@pytest.mark.parametrize("asked", [ANY_TASK, AskedTask(songs=2)])
def test_a_part_of_the_songs_does_not_end_a_task_that_goes_on(
    dialect: str, word: str, place: Callable[[str, JsonValue], JsonValue], asked: AskedTask
) -> None:
    assert polled(dialect, place(word, [FAILED]), asked) == StillRunning()
    assert polled(dialect, place(word, [song("complete")]), asked) == StillRunning(offered=AudioAt(LINK))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("word", RUNNING_WORDS)
@pytest.mark.parametrize("place", LISTS)
def test_all_ordered_songs_end_a_task_whatever_its_own_word_says(
    dialect: str, word: str, place: Callable[[str, JsonValue], JsonValue]
) -> None:
    both: JsonValue = [song("complete"), song("complete", OTHER)]
    assert polled(dialect, place(word, both), AskedTask(songs=2)) == AudioAt(LINK, (OTHER,))
    assert polled(dialect, place(word, [song("complete")]), AskedTask(songs=1)) == AudioAt(LINK)
    assert polled(dialect, place(word, [FAILED, song("complete")]), AskedTask(songs=2)) == AudioAt(LINK, missing=(1,))
    assert isinstance(polled(dialect, place(word, [FAILED, FAILED]), AskedTask(songs=2)), Refused)


@pytest.mark.parametrize("place", LISTS[:4])
@pytest.mark.parametrize("word", ["SUCCESS", "complete", "done"])
def test_a_task_that_ended_has_the_songs_that_it_has(place: Callable[[str, JsonValue], JsonValue], word: str) -> None:
    assert polled("apiinone", place(word, [song("complete")]), AskedTask(songs=2)) == AudioAt(LINK)


# ---- links under unknown words

UNKNOWN_WORDS: Final[list[JsonValue]] = [
    *("ready", "available", "partial_success", "OK", "published", ""),
    *[True, 2, 3, None],
    ["completed"],
    {"code": "completed"},
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("word", UNKNOWN_WORDS, ids=str)
@pytest.mark.parametrize(
    "place",
    [
        lambda word: {"status": word, "audio_url": LINK},
        lambda word: {"id": TASK, "status": word, "audio_file": {"url": LINK}},
        lambda word: {"code": 200, "data": {"status": word, "audio_url": LINK}},
        lambda word: {"code": 200, "data": {"type": word, "response_data": [song()]}},
        lambda word: {"data": {"status": word, "response_data": [song(word)]}},
    ],
)
def test_a_link_under_an_unknown_word_is_offered_and_the_task_goes_on(
    dialect: str, word: JsonValue, place: Callable[[JsonValue], JsonValue]
) -> None:
    outcome = polled(dialect, place(word))
    assert isinstance(outcome, StillRunning)
    assert outcome.offered == AudioAt(LINK)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("word", RUNNING_WORDS)
def test_the_link_of_a_song_that_is_known_to_be_unfinished_is_not_offered(dialect: str, word: str) -> None:
    documents: list[JsonValue] = [
        {"status": word, "audio_url": LINK},
        {"data": {"status": word, "response_data": [song(), song("ready", OTHER)]}},
        {"data": {"response_data": [song(word)]}},
    ]
    for document in documents:
        assert polled(dialect, document) == StillRunning()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_of_several_links_those_are_offered_that_no_word_calls_unfinished(dialect: str) -> None:
    songs: JsonValue = [song("streaming"), song("ready", OTHER), FAILED]
    outcome = polled(dialect, {"data": {"status": "ready", "response_data": songs}})
    assert outcome == StillRunning(offered=AudioAt(OTHER, missing=(1, 3)))


# ---- words of failure


@pytest.mark.parametrize(
    "word",
    [
        *("retrying_after_error", "recovering_from_timeout", "RETRYING_AFTER_FAILED", "RecoveringFromError"),
        *("requeued_after_timeout", "resumed-after-error", "restarting on failure", "waiting_until_expired"),
        *("retrying_error", "auto_retried_after_gpu_error", "queued_following_failure", "re_queued_after_error"),
        *("no_error", "not_failed", "without_error", "task_not_rejected", "error_handled", "failed_over"),
    ],
)
def test_a_word_that_goes_on_in_spite_of_a_failure_is_none(word: str) -> None:
    assert stage_of_word(word) is None
    assert isinstance(polled("apiinone", {"data": {"status": word}}), StillRunning)


@pytest.mark.parametrize(
    "word",
    [
        *("CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "SENSITIVE_WORD_ERROR", "task-timeout", "GenerationError"),
        *("retry_failed", "max_retries_error", "failed_after_timeout", "canceled_on_error", "processing_error"),
        *("model_not_found_error", "content_not_allowed_error", "recovery_failed", "retries_failed", "failed"),
    ],
)
def test_a_word_that_ends_in_a_failure_is_one(word: str) -> None:
    assert stage_of_word(word) is Stage.FAILED
    assert isinstance(polled("apiinone", {"data": {"status": word}}), Refused)


# ---- answers about another task

OURS: Final = AskedTask(TASK, 1)
ABOUT: Final[list[Callable[[str], dict[str, JsonValue]]]] = [
    lambda task: {"task_id": task},
    lambda task: {"data": {"taskId": task}},
    lambda task: {"data": {"generation_id": task, "id": "song-1"}},
    lambda task: {"data": [{"task_id": task}]},
    lambda task: {"id": task},
    lambda task: {"data": {"id": task}},
]
ENDS: Final[list[dict[str, JsonValue]]] = [
    {"status": "failed"},
    {"status": "completed"},
    {"status": "completed", "result": {"audio_url": LINK}},
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize("end", ENDS, ids=str)
def test_the_end_of_another_task_is_a_failed_poll(
    dialect: str, about: Callable[[str], dict[str, JsonValue]], end: dict[str, JsonValue]
) -> None:
    outcome = polled(dialect, {**end, **about(FOREIGN)}, OURS)
    assert isinstance(outcome, Trouble)
    assert outcome.failure.code == "another_task"
    assert not isinstance(polled(dialect, {**end, **about(TASK)}, OURS), Trouble)


@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize(
    "spelled",
    [
        *(TASK, TASK.upper(), f" {TASK} ", TASK.replace(":", "%3A").replace("/", "%2F"), TASK.partition(":")[0]),
        *("minimax/music-2.0:7a5f3e1c-60bb-4a4f", "7a5f3e1c-60bb-4a4f:minimax/music-2.5", f"task_{TASK}"),
    ],
)
def test_the_same_id_in_another_spelling_is_the_same_task(
    about: Callable[[str], dict[str, JsonValue]], spelled: str
) -> None:
    assert isinstance(polled("aimlapi", {**about(spelled), "status": "failed"}, OURS), Refused)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "document",
    [
        {"status": "completed", "audio_url": LINK},
        {"id": "request-1", "status": "completed", "task_id": TASK, "audio_url": LINK},
        {"request_id": "r-1", "trace_id": "t-1", "status": "completed", "audio_url": LINK},
        {"status": "completed", "output": {"id": "file-1", "audio_url": LINK}},
        {"status": "completed", "data": [{"id": "song-1", "audio_url": LINK}]},
    ],
    ids=str,
)
def test_ids_of_requests_and_songs_name_no_other_task(dialect: str, document: JsonValue) -> None:
    assert polled(dialect, document, OURS) == AudioAt(LINK)


@pytest.mark.parametrize(
    "document",
    [
        {"data": {"id": FOREIGN, "status": "complete", "audio_url": LINK}},
        {"id": "request-1", "data": {"status": "complete", "audio_url": LINK}},
    ],
    ids=str,
)
def test_an_id_of_api_in_one_may_be_a_songs_or_a_requests(document: JsonValue) -> None:
    assert polled("apiinone", document, OURS) == AudioAt(LINK)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["task_id", "taskId", "id"])
@pytest.mark.parametrize(
    "nest",
    [
        lambda tasks: {"code": 200, "data": tasks},
        lambda tasks: {"data": {"data": tasks}},
        lambda tasks: {"result": tasks},
    ],
)
def test_of_several_tasks_only_the_polled_one_counts(
    dialect: str, name: str, nest: Callable[[JsonValue], JsonValue]
) -> None:
    foreign: list[JsonValue] = [{name: FOREIGN, "status": "failed"}, {name: "x-9", "status": "complete", "url": OTHER}]
    own: dict[str, JsonValue] = {name: TASK, "status": "complete", "audio_url": LINK}
    for tasks in ([*foreign, own], [own, *foreign], [foreign[0], own]):
        assert polled(dialect, nest([*tasks]), OURS) == AudioAt(LINK)
    running: list[JsonValue] = [*foreign, {name: TASK, "status": "queued"}]
    assert polled(dialect, nest(running), OURS) == StillRunning()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("songs", [[FAILED], [song("complete")]], ids=str)
def test_a_part_of_the_songs_of_the_polled_task_in_a_list_does_not_end_it(dialect: str, songs: JsonValue) -> None:
    tasks: JsonValue = [
        {"task_id": FOREIGN, "status": "failed"},
        {"task_id": TASK, "status": "IN_PROGRESS", "response_data": songs},
    ]
    assert isinstance(polled(dialect, {"data": tasks}, AskedTask(TASK, 2)), StillRunning)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_list_of_other_tasks_is_a_failed_poll(dialect: str) -> None:
    tasks: JsonValue = [{"task_id": FOREIGN, "status": "failed"}, {"task_id": "x-9", "status": "failed"}]
    assert isinstance(polled(dialect, {"data": tasks}, OURS), Trouble)


def test_two_songs_of_one_task_stay_two_whatever_their_ids_are() -> None:
    songs: JsonValue = [
        {"id": TASK, "task_id": TASK, "status": "complete", "audio_url": LINK},
        {"id": "clip-2", "task_id": TASK, "status": "complete", "audio_url": OTHER},
    ]
    assert polled("apiinone", {"data": songs}, AskedTask(TASK, 2)) == AudioAt(LINK, (OTHER,))
    clips: JsonValue = [{"id": TASK, **song("complete")}, {"id": "clip-2", **song("complete", OTHER)}]
    assert polled("apiinone", {"data": clips}, AskedTask(TASK, 2)) == AudioAt(LINK, (OTHER,))


# ---- answers about the moment


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("document", "failure_class"),
    [
        ({"status": "error", "message": "Too many requests, slow down"}, "rate_limited"),
        ({"status": "error", "message": "Rate limit exceeded"}, "rate_limited"),
        ({"status": "error", "message": "Service temporarily unavailable"}, "transient"),
        ({"status": "failed", "msg": "The system is busy, please try again later"}, "transient"),
        ({"status": "FAILURE", "error": {"message": "model overloaded"}}, "transient"),
        ({"status": "error", "error": "under maintenance"}, "transient"),
        ({"status": "RATE_LIMIT_ERROR"}, "rate_limited"),
    ],
    ids=str,
)
def test_a_busy_provider_says_nothing_about_the_task(dialect: str, document: JsonValue, failure_class: str) -> None:
    outcome = polled(dialect, document, OURS)
    assert isinstance(outcome, Trouble)
    assert failure_in(outcome).failure_class == failure_class


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "document",
    [
        {"id": TASK, "status": "error", "message": "Too many requests"},
        {"status": "error", "data": {"status": "failed", "fail_message": "try again later"}},
        {"status": "error", "error": {"name": "Overloaded", "message": "try again"}},
        {"status": "error", "data": {"error_code": 531, "error_message": "try again"}},
        {"status": "error", "message": "the lyrics were not understood"},
        {"status": "error"},
    ],
    ids=str,
)
def test_a_task_that_failed_for_a_reason_of_its_own_has_failed(dialect: str, document: JsonValue) -> None:
    assert isinstance(polled(dialect, document, OURS), Refused)


# ---- songs in the answer itself


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_poll_that_is_answered_with_the_song_itself_brings_it(dialect: str) -> None:
    assert polled(dialect, SONG, OURS) == AudioIsAnswer()
    assert polled(dialect, {"id": TASK, "status": "completed", "data": {"audio": HEX}}, OURS) == AudioInAnswer()
    assert polled(dialect, {"data": {"audio": HEX, "status": 2}}, OURS) == AudioInAnswer()
    assert isinstance(polled(dialect, SONG, OURS, 500), Trouble)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("word", ["generating", "ready", 1])
def test_a_text_that_may_be_half_a_song_is_none(dialect: str, word: JsonValue) -> None:
    assert isinstance(polled(dialect, {"data": {"audio": HEX, "status": word}}), StillRunning)
