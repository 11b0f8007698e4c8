"""Canaries: keys, prompts, lyrics and signed query strings are in no log line, no answer and no exception."""

import dataclasses
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fermata.domain.tenants.api_keys import new_api_key
from fermata.domain.webhooks.delivery import Answered, NoAnswer, NotAnswered
from fermata.errors import (
    AnswerLostError,
    BadAudioError,
    FermataError,
    LinkTroubleError,
    NotSentError,
    SongsOutstandingError,
    TransientError,
)
from fermata.log import logger
from fermata.wiring.generation import reap_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.provider_keys import KEY
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.fixtures.http_answers import read_answer, read_body
from tests.functions import Event, FakeContext, authorizer_event, callback_event, http_event, wired_app
from tests.songs import (
    JOB_ID,
    LINK,
    LYRICS,
    PROMPT,
    callback,
    called_back_job,
    delivered_job,
    generating_job,
    hex_answer,
    json_answer,
    queued_job,
    rate_limited,
    ready_job,
)
from tests.webhooks import SECRET, URL, listening_world

API_KEY, RECORD = new_api_key("acme", NOON, bytes(range(25)))
CANARIES = ("canary", KEY, API_KEY, RECORD.sha256, PROMPT, LYRICS)
MACHINE_STATES = ("start_generation", "poll_generation", "store_audio", "settle_job")


class _Line(logging.Formatter):
    """Everything that a record carries, and not only what one format shows of it."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text + json.dumps({name: repr(value) for name, value in vars(record).items()})


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Line())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours = logging.getLogger(logger.name)
    ours.addHandler(handler)
    yield stream
    ours.removeHandler(handler)
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def json_lines() -> Iterator[io.StringIO]:
    """The lines as they are written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logger.registered_formatter)
    ours = logging.getLogger(logger.name)
    ours.addHandler(handler)
    yield stream
    ours.removeHandler(handler)


def run(world: World, name: str, event: Event) -> str:
    """What a function answers or raises, with everything an exception drags along."""
    app = wired_app(name, world)
    try:
        return json.dumps(app.lambda_handler(event, FakeContext()))
    except FermataError as error:
        told: list[BaseException] = [error]
        while told[-1].__cause__ is not None:
            told.append(told[-1].__cause__)
        return "\n".join(f"{type(each).__name__}: {each} {each.args}" for each in told)


def assert_silent(*texts: str) -> None:
    for text in texts:
        for canary in CANARIES:
            assert canary not in text


def test_the_canaries_would_be_seen(lines: io.StringIO) -> None:
    logger.info("line", extra={"job_id": f"x {KEY}"})
    logging.getLogger("httpx").warning("HTTP Request: GET %s", LINK)
    with pytest.raises(AssertionError):
        assert_silent(lines.getvalue())
    assert lines.getvalue().count("canary") >= 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS, "title": "canary"}, id="good"),
        pytest.param({"model": "canary", "prompt": PROMPT}, id="unknown_model"),
        pytest.param({"model": "minimax/music-2.5", "prompt": PROMPT * 100, "lyrics": 7}, id="too_long"),
        pytest.param({"model": "minimax/music-2.5", "metadata": {"k": {"canary": PROMPT}}}, id="metadata"),
        pytest.param({"model": "minimax/music-2.5", "canary of a field": PROMPT}, id="unknown_field"),
        pytest.param([PROMPT], id="list"),
    ],
)
def test_submitting_logs_nothing_of_the_request(lines: io.StringIO, body: object) -> None:
    world = World()
    run(world, "submit_job", http_event("POST", "/v1/jobs", json.dumps(body).encode()))
    assert_silent(lines.getvalue())


def test_a_body_that_is_not_json_is_not_quoted(lines: io.StringIO) -> None:
    answer = run(World(), "submit_job", http_event("POST", "/v1/jobs", b'{"prompt": "canary'))
    assert_silent(lines.getvalue(), answer)


@pytest.mark.parametrize("header", [f"Bearer {API_KEY}", f"Bearer {API_KEY}x", f"Basic {KEY}", "Bearer canary"])
def test_authorizing_logs_no_key(lines: io.StringIO, header: str) -> None:
    world = World()
    world.tenants.add_key(RECORD)
    answer = run(world, "authorize_request", authorizer_event(header))
    assert_silent(lines.getvalue(), answer)


def test_an_issued_key_is_in_the_answer_alone(lines: io.StringIO) -> None:
    world = World()
    run(world, "manage_tenants", {"action": "create_tenant", "tenant_id": "acme"})
    answer = json.loads(run(world, "manage_tenants", {"action": "issue_key", "tenant_id": "acme"}))
    assert answer["api_key"].startswith("fk_")
    assert answer["api_key"] not in lines.getvalue()
    assert answer["api_key"].rpartition("_")[2] not in lines.getvalue()


@pytest.mark.parametrize(
    "command", [{"action": "set_webhook", "url": URL}, {"action": "rotate_webhook_secret"}], ids=["set", "rotate"]
)
def test_a_webhook_secret_is_in_the_answer_alone(lines: io.StringIO, command: Event) -> None:
    world = World()
    run(world, "manage_tenants", {"action": "create_tenant", "tenant_id": "acme"})
    answer = json.loads(run(world, "manage_tenants", {**command, "tenant_id": "acme"}))
    assert answer["secret"].startswith("whsec_")
    assert answer["secret"].removeprefix("whsec_") not in lines.getvalue()
    assert_silent(lines.getvalue())


@pytest.mark.parametrize("reply", [Answered(204), Answered(503), Answered(410), NotAnswered(NoAnswer.TIMEOUT)])
def test_delivering_a_webhook_logs_neither_its_address_nor_its_secret(
    lines: io.StringIO, reply: Answered | NotAnswered
) -> None:
    world = listening_world()
    world.sender.script = [reply]
    told = run(world, "deliver_webhook", {"job_id": JOB_ID, "replay": 0, "number": 1})
    shown = run(world, "replay_webhook", http_event("GET", f"/v1/jobs/{JOB_ID}/webhooks"))
    again = run(world, "replay_webhook", http_event("POST", f"/v1/jobs/{JOB_ID}/webhooks/replay"))
    kept = "".join(attempt.model_dump_json() for attempt in world.deliveries.of(JOB_ID))
    assert "webhook tried" in lines.getvalue()
    assert_silent(lines.getvalue(), told, shown, again, kept)
    assert SECRET not in lines.getvalue() + told + shown + again + kept


def test_a_webhook_that_cannot_be_signed_says_so_without_its_address(lines: io.StringIO) -> None:
    world = listening_world()
    vars(world.webhooks)["_secrets"].clear()
    told = run(world, "deliver_webhook", {"job_id": JOB_ID, "replay": 0, "number": 1})
    assert told.startswith("ConfigurationError")
    assert_silent(lines.getvalue(), told)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(hex_answer(b"canary" * 500), id="song"),
        pytest.param(json_answer({"data": {"audio": LINK}, "base_resp": {"status_code": 0}}), id="link"),
        pytest.param(json_answer({"base_resp": {"status_code": 1004, "status_msg": f"invalid key {KEY}"}}), id="echo"),
        pytest.param(json_answer({"base_resp": {"status_code": 1026, "status_msg": f"see {LINK}"}}), id="echoed_link"),
        pytest.param(json_answer({"_memory_hint": "canary", "base_resp": {"status_code": 1002}}), id="hint"),
        pytest.param(ScriptedAnswer(f"<html>{PROMPT}</html>".encode(), 502, "text/html"), id="html"),
        pytest.param(ScriptedAnswer(PROMPT.encode()), id="garbage"),
        pytest.param(AnswerLostError("minimax did not answer the request: ReadTimeout"), id="lost"),
        pytest.param(NotSentError("no connection to minimax: ConnectError; nothing was ordered"), id="not_sent"),
    ],
)
def test_buying_a_song_logs_no_key_prompt_or_answer(lines: io.StringIO, answer: ScriptedAnswer | FermataError) -> None:
    world = World(upstream=FakeUpstream(answer))
    world.jobs.create(queued_job())
    told = run(world, "start_generation", {"job_id": JOB_ID, "may_post": True})
    run(world, "settle_job", {"job_id": JOB_ID})
    shown = run(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))
    attempts = run(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/attempts"))
    assert '"statusCode": 200' in shown
    assert_silent(lines.getvalue(), told, shown, attempts)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("minimax", "memory_hint_beside_a_failure"),
        ("minimax", "memory_hint_beside_the_song"),
        ("skillboss", "memory_hint_beside_a_failure"),
        ("skillboss", "memory_hint_beside_the_song"),
        ("apiinone", "create_memory_hint"),
        ("apiinone", "create_memory_hint_beside_an_error"),
        ("aimlapi", "create_memory_hint"),
        ("aimlapi", "create_memory_hint_beside_an_error"),
    ],
)
def test_a_hint_for_software_agents_reaches_no_log_record_event_or_answer(
    lines: io.StringIO, provider: str, name: str
) -> None:
    body, status = read_body(provider, name), read_answer(provider, name).http_status
    assert b"CANARY" in body
    world = World(upstream=FakeUpstream(ScriptedAnswer(body, status)))
    world.jobs.create(queued_job(provider))
    told = run(world, "start_generation", {"job_id": JOB_ID, "may_post": True})
    settled = run(world, "settle_job", {"job_id": JOB_ID})
    shown = run(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))
    attempts = run(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/attempts"))
    record = world.stored(JOB_ID).model_dump_json()
    for text in (lines.getvalue(), told, settled, shown, attempts, record):
        assert "CANARY" not in text
        assert "_memory_hint" not in text


@pytest.mark.parametrize(
    "answer",
    [
        json_answer({"status": "completed", "audio_file": {"url": LINK}}),
        json_answer({"status": "error", "error": {"name": "E", "message": f"bad {LINK} with {KEY}"}}),
        ScriptedAnswer(PROMPT.encode(), 500),
    ],
    ids=["link", "error", "garbage"],
)
def test_polling_logs_no_key_or_link(lines: io.StringIO, answer: ScriptedAnswer) -> None:
    world = World(upstream=FakeUpstream(answer))
    world.jobs.create(generating_job())
    told = run(world, "poll_generation", {"job_id": JOB_ID, "attempt": 1})
    assert_silent(lines.getvalue(), told)


@pytest.mark.parametrize(
    "file",
    [b"ID3" + b"canary" * 500, LinkTroubleError("cdn.minimax.io answered 403", 403), BadAudioError("too long")],
    ids=["song", "dead", "bad"],
)
def test_storing_logs_no_link(lines: io.StringIO, tmp_path: Path, file: bytes | FermataError) -> None:
    world = World(scratch=tmp_path)
    world.jobs.create(ready_job(LINK))
    world.links.files[LINK] = file
    event = {"job_id": JOB_ID, "attempt": 1}
    try:
        told = run(world, "store_audio", {**event, "may_store": True})
    except SongsOutstandingError as error:
        told = f"{error} {run(world, 'store_audio', {**event, 'may_store': False})}"
    assert ("succeeded" if isinstance(file, bytes) else "not stored yet") in told
    assert_silent(lines.getvalue(), told)


def test_reading_logs_no_fresh_link(lines: io.StringIO) -> None:
    world = World()
    world.jobs.create(delivered_job())
    shown = run(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))
    redirect = run(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio"))
    assert "X-Amz-Signature=canary" in shown
    assert "X-Amz-Signature=canary" in redirect
    assert_silent(lines.getvalue())


def test_a_callback_logs_neither_its_address_nor_its_body_nor_the_task_token(lines: io.StringIO) -> None:
    token, record = callback()
    world = World(upstream=FakeUpstream(json_answer({"code": 200, "data": {"task_id": "n74a"}})))
    world.jobs.create(queued_job("apiinone"))
    told = run(world, "start_generation", {"job_id": JOB_ID, "may_post": True})
    for task_token in ("canary of the first task", "canary of the second task"):
        run(world, "await_callback", {"job_id": JOB_ID, "attempt": 1, "task_token": task_token})
        run(world, "receive_callback", callback_event(token, b'{"audio_url": "canary"}'))
    run(world, "settle_job", {"job_id": JOB_ID})
    for text in (token, f"{token}x", "canary"):
        run(world, "receive_callback", callback_event(text))
    # The first post comes before a song is expected and wakes nobody.
    assert world.waits.ended == ["canary of the second task"]
    shown = run(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))
    attempts = run(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/attempts"))
    for text in (lines.getvalue(), told, shown, attempts):
        assert token not in text
        assert record.sha256 not in text
        assert "audio_url" not in text
    assert_silent(lines.getvalue())


@pytest.mark.parametrize(
    ("settled", "effect"), [(False, "noted"), (True, "ignored_ended")], ids=["while_generating", "after_settlement"]
)
def test_a_callback_says_in_the_log_what_it_did_to_which_job(
    json_lines: io.StringIO, settled: bool, effect: str
) -> None:
    token, record = callback()
    world = World()
    world.jobs.create(called_back_job().settled(rate_limited(), NOON) if settled else called_back_job())
    world.callbacks.create(record)
    run(world, "receive_callback", callback_event(token))
    (line,) = [json.loads(line) for line in json_lines.getvalue().splitlines()]
    assert (line["message"], line["effect"], line["job_id"]) == ("callback received", effect, JOB_ID)


def test_every_state_writes_one_line_with_its_job(json_lines: io.StringIO) -> None:
    world = World(upstream=FakeUpstream(json_answer({"base_resp": {"status_code": 1002}})))
    world.jobs.create(queued_job())
    more: dict[str, Event] = {"start_generation": {"may_post": True}, "store_audio": {"may_store": True}}
    for name in MACHINE_STATES:
        run(world, name, {"job_id": JOB_ID, "attempt": 1, **more.get(name, {})})
    found = [json.loads(line) for line in json_lines.getvalue().splitlines()]
    assert {line["job_id"] for line in found} == {JOB_ID}
    # The order was refused, so the poll is late, and its own line says so before the state's.
    assert [line["message"] for line in found] == [
        "generation",
        "late poll changes nothing",
        "poll",
        "settled",
        "already settled; nothing changes",
        "settled",
    ]


# ---- what AWS refuses is for the operator


def test_a_503_logs_awss_own_code_and_does_not_answer_it(lines: io.StringIO) -> None:
    world = World()
    world.machine.failure = TransientError("the job's state machine could not be started", "ExecutionLimitExceeded")
    body = json.dumps({"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}).encode()
    for key in ({}, {"idempotency-key": "one"}):
        event = http_event("POST", "/v1/jobs", body)
        event["headers"].update(key)
        answer = run(world, "submit_job", event)
        assert "could not be started" in answer
        assert "ExecutionLimitExceeded" not in answer
    assert "could not be started: ExecutionLimitExceeded" in lines.getvalue()
    assert "to start it: ExecutionLimitExceeded" in lines.getvalue()


def test_a_job_that_the_reaper_cannot_look_after_is_logged_with_awss_own_code(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    world.jobs.create(queued_job(check_at=NOON))
    world.machine.failure = TransientError("the job's execution could not be looked up", "AccessDeniedException")
    app = wired_app("reap_jobs", world)
    monkeypatch.setattr(app, "reap_ports", lambda lost: dataclasses.replace(reap_ports(world.lose), lost=lost))
    app.lambda_handler({}, FakeContext())
    assert "could not be looked up: AccessDeniedException" in lines.getvalue()
