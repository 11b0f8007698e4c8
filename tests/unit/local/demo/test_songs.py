"""One song of the demo from its order to a file, against an API and a history that the test speaks for."""

import hashlib
import io
import json
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from botocore.stub import Stubber

from local.demo.delivery import Delivery, FailedSong, Studio, deliver
from local.demo.errors import RefusalError
from local.demo.job_api import JobApi, JobSnapshot
from local.demo.orders import ORDERS, Order
from local.demo.refusal import arrange_refusal

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

API = "http://127.0.0.1:1"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:MusicJob"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:MusicJob:job_1"
TASK, TWO_SONGS, AFTER_A_RECORDING, FALLBACK = ORDERS[2], *ORDERS[4:7]

UPLOAD_FORM = {"id": "ref_1", "upload": {"url": f"{API}/bucket", "fields": {"policy": "signed"}}}

Answer = httpx.Response | Exception


class NotedDisplay:
    def __init__(self) -> None:
        self.states: list[str] = []

    def show(self, _order: Order, job: JobSnapshot) -> None:
        self.states.append(job.status)

    def finish(self, _order: Order, outcome: str) -> None:
        self.states.append(outcome)


def wav(seconds: float = 1.0) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(round(seconds * 8000) * 2))
    return file.getvalue()


def track_of(number: int, audio: bytes) -> dict[str, Any]:
    return {
        "number": number,
        "url": f"{API}/file-{number}?signature=s",
        "bytes": len(audio),
        "sha256": hashlib.sha256(audio).hexdigest(),
        "duration_ms": 1000,
    }


def job(status: str, *songs: bytes, error: dict[str, Any] | None = None) -> dict[str, Any]:
    is_open = status not in {"succeeded", "failed"}
    return {
        "id": "job_1",
        "status": status,
        "estimate": {"p50_s": 4, "p80_s": 5, "ready_at": "2026-11-21T07:00:00.000Z"} if is_open else None,
        "tracks": [track_of(number, audio) for number, audio in enumerate(songs, 1)],
        "error": error,
    }


def entered(*names: str) -> list[dict[str, Any]]:
    kinds = {"DecideNext": "ChoiceStateEntered", "Done": "SucceedStateEntered", "WaitForProvider": "WaitStateEntered"}
    return [
        {
            "timestamp": 0,
            "id": number,
            "type": kinds.get(name, "TaskStateEntered"),
            "stateEnteredEventDetails": {"name": name},
        }
        for number, name in enumerate(names, 1)
    ]


class Rehearsal:
    """Lets the API give scripted answers, and keeps what was shown and requested."""

    def __init__(self, step_functions: "SFNClient", out_dir: Path) -> None:
        self.display = NotedDisplay()
        self.requests: list[httpx.Request] = []
        self._step_functions = step_functions
        self._out_dir = out_dir

    def play(
        self, *answers: Answer, order: Order = TASK, within_s: float = 5, stopped: bool = False
    ) -> Delivery | FailedSong:
        script, stop = iter(answers), threading.Event()
        if stopped:
            stop.set()

        def respond(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            answer = next(script)
            if isinstance(answer, Exception):
                raise answer
            return answer

        with httpx.Client(transport=httpx.MockTransport(respond)) as client:
            api = JobApi(client, API, "fk_key")
            studio = Studio(api, self._step_functions, MACHINE, self._out_dir, self.display, stop, within_s)
            return deliver(order, "rain", studio)


@pytest.fixture
def step_functions() -> "SFNClient":
    return boto3.client(
        "stepfunctions", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.fixture(autouse=True)
def history(step_functions: "SFNClient") -> Iterator[Stubber]:
    with Stubber(step_functions) as stubber:
        yield stubber


@pytest.fixture
def rehearsal(step_functions: "SFNClient", tmp_path: Path) -> Rehearsal:
    return Rehearsal(step_functions, tmp_path)


def expect_history(history: Stubber, *names: str) -> None:
    started = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "startDate": 0}
    history.add_response("describe_execution", {**started, "status": "RUNNING"}, {"executionArn": EXECUTION})
    history.add_response("describe_execution", {**started, "status": "SUCCEEDED"}, {"executionArn": EXECUTION})
    pages = [entered(*names[:3]), entered(*names[3:])]
    history.add_response(
        "get_execution_history", {"events": pages[0], "nextToken": "more"}, {"executionArn": EXECUTION}
    )
    history.add_response(
        "get_execution_history", {"events": pages[1]}, {"executionArn": EXECUTION, "nextToken": "more"}
    )


def test_a_song_is_followed_to_a_file_named_after_its_job(
    rehearsal: Rehearsal, history: Stubber, tmp_path: Path
) -> None:
    audio = wav()
    poll = ("WaitForProvider", "PollGeneration", "DecideNext")
    expect_history(history, "StartGeneration", "DecideNext", *poll, *poll, "StoreAudio")
    song = rehearsal.play(
        httpx.Response(202, json=job("queued")),
        httpx.Response(200, json=job("generating")),
        httpx.Response(200, json=job("succeeded", audio)),
        httpx.Response(200, content=audio),
    )

    assert isinstance(song, Delivery), song
    assert song.paths == (tmp_path / "job_1.mp3",)
    assert song.paths[0].read_bytes() == audio
    assert song.states.poll_runs == 2
    asking = ("WaitForProvider x2", "PollGeneration x2")
    assert song.states.lines() == ("StartGeneration", *asking, "StoreAudio")
    assert rehearsal.display.states == ["queued", "generating", "succeeded", "plays"]
    assert "authorization" not in rehearsal.requests[-1].headers
    assert rehearsal.requests[0].headers["authorization"] == "Bearer fk_key"


def test_both_songs_of_an_order_become_files(rehearsal: Rehearsal, history: Stubber, tmp_path: Path) -> None:
    first, second = wav(1.0), wav(1.02)
    expect_history(history, "StartGeneration", "StoreAudio")
    song = rehearsal.play(
        httpx.Response(202, json=job("succeeded", first, second)),
        httpx.Response(200, content=first),
        httpx.Response(200, content=second),
        order=TWO_SONGS,
    )

    assert isinstance(song, Delivery), song
    assert song.paths == (tmp_path / "job_1.mp3", tmp_path / "job_1-2.mp3")
    assert [path.read_bytes() for path in song.paths] == [first, second]


def test_a_song_after_a_recording_is_ordered_once_the_recording_is_uploaded(
    rehearsal: Rehearsal, history: Stubber
) -> None:
    audio = wav()
    expect_history(history, "StartGeneration", "PrepareReference", "StoreAudio")
    song = rehearsal.play(
        httpx.Response(201, json=UPLOAD_FORM),
        httpx.Response(204),
        httpx.Response(202, json=job("succeeded", audio)),
        httpx.Response(200, content=audio),
        order=AFTER_A_RECORDING,
    )

    assert isinstance(song, Delivery)
    form, upload, order, _ = rehearsal.requests
    assert json.loads(form.content)["content_type"] == "audio/mpeg"
    assert json.loads(form.content)["bytes"] > 0
    assert b"signed" in upload.content
    assert "Authorization" not in upload.headers
    body = json.loads(order.content)
    assert body["reference"] == {"id": "ref_1"}
    assert "prompt" not in body


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([httpx.Response(422, json={"detail": "/bytes must be at most 1"})], "found 422: /bytes must be at most 1"),
        ([httpx.Response(201, json={"id": "ref_1"})], "expected an upload form, found something else"),
        ([httpx.Response(201, json=["ref_1"])], "expected an upload form, found something else"),
        (
            [httpx.Response(201, json=UPLOAD_FORM), httpx.Response(403)],
            "expected to upload the recording, found HTTP 403",
        ),
        ([httpx.Response(201, json=UPLOAD_FORM), httpx.ReadError("cut")], "the recording, found ReadError"),
    ],
)
def test_a_recording_that_cannot_be_uploaded_is_reported_in_one_line(
    rehearsal: Rehearsal, answers: list[Answer], found: str
) -> None:
    song = rehearsal.play(*answers, order=AFTER_A_RECORDING)

    assert isinstance(song, FailedSong)
    assert found in song.reason


def test_one_song_where_two_were_ordered_is_a_failure(rehearsal: Rehearsal) -> None:
    song = rehearsal.play(httpx.Response(202, json=job("succeeded", wav())), order=TWO_SONGS)

    assert song == FailedSong(TWO_SONGS, "job_1", "expected 2 tracks, the job is succeeded with 1")


def test_the_order_for_a_fallback_is_refused_by_its_own_words_only() -> None:
    asked: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(201)

    with httpx.Client(transport=httpx.MockTransport(respond)) as client:
        for order in ORDERS:
            arrange_refusal(client, order, "rain", {"minimax": "http://127.0.0.1:9"})

    (request,) = asked
    fault = json.loads(request.content)
    assert str(request.url) == "http://127.0.0.1:9/_sim/faults"
    assert (fault["fault"], fault["on"], fault["times"]) == ("code:1008", "create", 1)
    assert [order for order in ORDERS if fault["match"] in json.dumps(order.request("rain"))] == [FALLBACK]


@pytest.mark.parametrize("answer", [httpx.Response(400), httpx.ConnectError("no")])
def test_a_simulator_that_refuses_nothing_ends_the_demo(answer: Answer) -> None:
    def respond(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with (
        httpx.Client(transport=httpx.MockTransport(respond)) as client,
        pytest.raises(RefusalError, match="expected the minimax simulator to take a fault"),
    ):
        arrange_refusal(client, FALLBACK, "rain", {"minimax": "http://127.0.0.1:9"})


def test_a_failed_job_is_reported_with_its_error(rehearsal: Rehearsal) -> None:
    error = {"class": "content_refused", "code": "1026", "message": "not this", "provider_charged": "no"}
    song = rehearsal.play(httpx.Response(202, json=job("queued")), httpx.Response(200, json=job("failed", error=error)))

    assert song == FailedSong(TASK, "job_1", "content_refused (1026): not this; provider charged: no")
    assert rehearsal.display.states[-1] == "failed"


def test_a_download_that_differs_from_the_record_leaves_no_file(rehearsal: Rehearsal, tmp_path: Path) -> None:
    song = rehearsal.play(httpx.Response(202, json=job("succeeded", wav())), httpx.Response(200, content=wav(0.5)))

    assert isinstance(song, FailedSong)
    assert "the link brought" in song.reason
    assert list(tmp_path.iterdir()) == []


def test_a_refused_order_is_reported_with_the_problems_detail(rehearsal: Rehearsal) -> None:
    song = rehearsal.play(httpx.Response(422, json={"detail": "/prompt must have 10 to 2000 characters, got 4"}))

    reason = "expected POST /v1/jobs to answer 202, found 422: /prompt must have 10 to 2000 characters, got 4"
    assert song == FailedSong(TASK, None, reason)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (httpx.ConnectError("no"), "ConnectError"),
        (httpx.Response(502, text="<html>"), "found 502"),
        (httpx.Response(202, text="<html>"), "found something else"),
        (httpx.Response(202, json=["job_1"]), "found something else"),
        (httpx.Response(202, json={"id": "job_1"}), "found something else"),
    ],
)
def test_an_answer_that_is_no_job_is_reported_in_one_line(rehearsal: Rehearsal, answer: Answer, found: str) -> None:
    song = rehearsal.play(answer)

    assert isinstance(song, FailedSong)
    assert found in song.reason
    assert "\n" not in song.reason


@pytest.mark.parametrize("answer", [httpx.Response(403), httpx.ReadError("cut")])
def test_a_link_that_brings_no_file_is_reported_without_its_signature(rehearsal: Rehearsal, answer: Answer) -> None:
    song = rehearsal.play(httpx.Response(202, json=job("succeeded", wav())), answer)

    assert isinstance(song, FailedSong)
    assert song.reason.startswith("expected a file behind the link, found ")
    assert "signature" not in song.reason


def test_a_job_that_stays_open_is_given_up_with_its_last_state(rehearsal: Rehearsal) -> None:
    song = rehearsal.play(httpx.Response(202, json=job("generating")), within_s=-1)

    assert song == FailedSong(TASK, "job_1", "expected a song within -1 s, the job is still generating")


def test_a_stopped_demo_waits_for_no_song(rehearsal: Rehearsal) -> None:
    song = rehearsal.play(httpx.Response(202, json=job("generating")), stopped=True)

    assert song == FailedSong(TASK, "job_1", "the demo was stopped while the job was generating")
    assert len(rehearsal.requests) == 1


def test_a_history_that_cannot_be_read_fails_the_song(rehearsal: Rehearsal, history: Stubber) -> None:
    history.add_client_error("describe_execution", "ExecutionDoesNotExist", "no such execution")
    audio = wav()
    song = rehearsal.play(httpx.Response(202, json=job("succeeded", audio)), httpx.Response(200, content=audio))

    assert isinstance(song, FailedSong)
    assert "ExecutionDoesNotExist" in song.reason


def test_the_orders_cover_every_upstream_and_a_fallback() -> None:
    assert [(order.model, order.audio_format, order.songs, order.fallbacks) for order in ORDERS] == [
        ("minimax/music-2.5", "mp3", 1, ()),
        ("minimax/music-2.6", "wav", 1, ()),
        ("aimlapi/minimax/music-2.0", "mp3", 1, ()),
        ("skillboss/music-2.5", "mp3", 1, ()),
        ("apiinone/suno", "mp3", 2, ()),
        ("aimlapi/music-01", "mp3", 1, ()),
        ("minimax/music-2.0", "mp3", 1, ("skillboss/music-2.5",)),
        ("skillboss/speech-2.8-hd", "mp3", 1, ()),
        ("minimax/speech-2.8-hd", "mp3", 1, ()),
        ("aimlapi/minimax/speech-2.6-hd", "mp3", 1, ()),
    ]
