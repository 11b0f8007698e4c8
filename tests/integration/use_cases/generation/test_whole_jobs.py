"""A request goes in over HTTP and a file comes out, or the reason and who was charged."""

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

import httpx
import miniaudio
import pytest

from local.simulators.hints import HINT_CANARY
from tests.integration.song import TLS, Cloud, request

AIML = "aimlapi/minimax/music-2.0"
SKILLBOSS = "skillboss/music-2.5"
APIINONE = "apiinone/minimax-music"
SUNO = "apiinone/suno"
MODELS = {"minimax": "minimax/music-2.5", "skillboss": SKILLBOSS, "apiinone": APIINONE, "aimlapi": AIML}


# Their vendors say that it is passing trouble, and leave open whether it was billed.
TOLD_AS_PASSING = {("skillboss", "http:500:charged"), ("aimlapi", "http:500:charged"), ("aimlapi", "http:502")}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("fields", "container"),
    [
        pytest.param({}, "audio/mpeg", id="blocking, hex in the answer"),
        pytest.param({"model": "minimax/music-2.6", "audio": {"format": "wav"}}, "audio/wav", id="blocking, a link"),
        pytest.param({"model": AIML}, "audio/mpeg", id="task and poll"),
        pytest.param({"model": SKILLBOSS}, "audio/mpeg", id="reseller, a link"),
        pytest.param({"model": APIINONE, "audio": {"bitrate": 60000}}, "audio/mpeg", id="task and poll, two routes"),
        pytest.param({"model": "minimax/music-9-preview"}, "audio/mpeg", id="a model of a known family"),
        pytest.param({"model": "aimlapi/minimax/music-1.5"}, "audio/mpeg", id="task, 1.5"),
        pytest.param(
            {"model": "aimlapi/minimax/music-2.6", "lyrics": "", "instrumental": True, "audio": {"format": "wav"}},
            "audio/wav",
            id="task, 2.6 without words",
        ),
        pytest.param({"model": "aimlapi/elevenlabs/eleven_music", "lyrics": ""}, "audio/mpeg", id="task, eleven_music"),
        pytest.param({"model": "aimlapi/stable-audio", "lyrics": ""}, "audio/mpeg", id="task, stable-audio"),
        pytest.param(
            {"model": "aimlapi/google/lyria2", "lyrics": "", "audio": {"format": "wav"}},
            "audio/wav",
            id="task, lyria2 as WAV",
        ),
    ],
)
def test_a_song_ends_as_a_playable_file_that_is_what_the_record_says(
    cloud: Cloud, fields: dict[str, Any], container: str
) -> None:
    prompt = f"a whole song {fields}"
    job = cloud.made(request(prompt, **fields))

    assert job["status"] == "succeeded", job["error"]
    [track] = job["tracks"]
    file = httpx.get(track["url"], verify=TLS).raise_for_status()
    decoded = miniaudio.decode(file.content, sample_rate=track["sample_rate_hz"], nchannels=track["channels"])
    assert abs(decoded.num_frames / decoded.sample_rate * 1000 - track["duration_ms"]) <= 50
    assert hashlib.sha256(file.content).hexdigest() == track["sha256"]
    assert len(file.content) == track["bytes"]
    sent = cloud.original(job)
    assert (track["marks"], hashlib.sha256(sent).hexdigest()) == (["tags"], track["source_sha256"])
    assert sent != file.content
    assert (
        miniaudio.decode(sent, sample_rate=decoded.sample_rate, nchannels=decoded.nchannels).samples == decoded.samples
    )
    assert file.headers["content-type"] == track["content_type"] == container
    [attempt] = cloud.attempts(job["id"])
    assert attempt["provider_charged"] == "yes"
    assert job["charged"] == "yes"


def test_a_delivered_songs_attempt_has_an_id_for_the_providers_support(cloud: Cloud) -> None:
    job = cloud.made(request("traced"))
    [attempt] = cloud.attempts(job["id"])
    assert (job["status"], attempt["provider_units"]) == ("succeeded", None)
    assert re.fullmatch("[0-9a-f]{32}", attempt["trace_id"])


def test_the_permanent_address_redirects_to_a_fresh_link(cloud: Cloud) -> None:
    job = cloud.made(request("the permanent address", title="Rain & more"))
    with cloud.http() as http:
        answer = http.get(f"/v1/jobs/{job['id']}/audio")
    assert answer.status_code == 302
    file = httpx.get(answer.headers["location"], verify=TLS).raise_for_status()
    assert len(file.content) == job["tracks"][0]["bytes"]
    assert file.headers["content-disposition"] == (
        "attachment; filename=\"Rain _ more-1.mp3\"; filename*=UTF-8''Rain%20%26%20more-1.mp3"
    )


def test_a_job_that_has_no_song_yet_has_no_audio(cloud: Cloud) -> None:
    cloud.fault("minimax", "hang:3", "create", "no song yet")
    job = cloud.submit(request("no song yet"))
    with cloud.http() as http:
        answer = http.get(f"/v1/jobs/{job['id']}/audio")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "fault", ["html", "empty", "cut:50", "hang:30", "reset_before_body", "http:502", "http:500:charged"]
)
@pytest.mark.parametrize("provider", ["minimax", "skillboss", "apiinone", "aimlapi"])
def test_an_unclear_answer_to_the_paid_request_is_an_unknown_outcome_and_never_a_second_order(
    cloud: Cloud, provider: str, fault: str
) -> None:
    prompt = f"unclear {provider} {fault}"
    cloud.fault(provider, fault, "create", prompt, times=9)
    job = cloud.made(request(prompt, model=MODELS[provider]))

    assert job["status"] == "failed"
    told = (provider, fault) in TOLD_AS_PASSING
    assert job["error"]["class"] == ("transient" if told else "unknown_outcome")
    assert job["error"]["provider_charged"] == "unknown"
    assert len(cloud.posts(provider, sha256(prompt))) == 1
    assert "Traceback" not in json.dumps(job)
    assert job["attempt_count"] == 1


@pytest.mark.parametrize(
    ("code", "error_class", "charged"),
    [
        (1000, "transient", "unknown"),
        (1001, "unknown_outcome", "unknown"),
        (1004, "auth", "no"),
        (1008, "out_of_credit", "no"),
        (1026, "content_refused", "no"),
        (1027, "content_refused", "unknown"),
        (2013, "invalid_request", "no"),
        (2153, "not_entitled", "no"),
        (7777, "provider_error", "unknown"),
    ],
)
def test_an_error_inside_http_200_keeps_its_class_and_code(
    cloud: Cloud, code: int, error_class: str, charged: str
) -> None:
    prompt = f"error code {code}"
    cloud.fault("minimax", f"code:{code}", "create", prompt)
    job = cloud.made(request(prompt))
    assert job["status"] == "failed"
    error = job["error"]
    assert (error["class"], error["code"], error["provider_charged"]) == (error_class, str(code), charged)
    assert len(cloud.posts("minimax", sha256(prompt))) == 1


@pytest.mark.parametrize(
    ("code", "error_class", "charged"),
    [
        (400, "invalid_request", "no"),
        (401, "auth", "no"),
        (402, "out_of_credit", "no"),
        (500, "transient", "unknown"),
        (7777, "provider_error", "unknown"),
    ],
)
def test_a_resellers_code_inside_http_200_keeps_its_class(
    cloud: Cloud, code: int, error_class: str, charged: str
) -> None:
    prompt = f"reseller code {code}"
    cloud.fault("skillboss", f"code:{code}", "create", prompt, times=9)
    error = cloud.made(request(prompt, model=SKILLBOSS))["error"]
    assert (error["class"], error["code"], error["provider_charged"]) == (error_class, str(code), charged)
    assert len(cloud.posts("skillboss", sha256(prompt))) == 1


def test_minutes_are_held_as_ordered_and_paid_as_measured(cloud: Cloud) -> None:
    body = {"model": "aimlapi/elevenlabs/eleven_music", "prompt": "paid by the minute"}
    with cloud.http() as http:
        quote = http.post("/v1/quote", json={**body, "duration_s": 30}).json()
    ordered = cloud.made({**body, "duration_s": 30})
    unsaid = cloud.made(body)
    assert (quote["units"], quote["price_credits"]) == (0.5, ordered["price_credits"])
    assert (ordered["units"], ordered["spent_credits"]) == (0.5, quote["price_credits"])
    minutes = unsaid["tracks"][0]["duration_ms"] / 60_000
    assert unsaid["units"] == minutes
    assert unsaid["spent_credits"] == math.ceil(minutes * quote["unit_credits"]) < unsaid["price_credits"]


def test_an_order_that_a_full_pool_refuses_is_repeated(cloud: Cloud) -> None:
    cloud.fault("skillboss", "http:503", "create", "no room in the pool")
    job = cloud.made(request("no room in the pool", model=SKILLBOSS))
    assert job["status"] == "succeeded", job["error"]
    assert [item["charged"] for item in cloud.posts("skillboss", sha256("no room in the pool"))] == [False, True]


@pytest.mark.parametrize("fault", ["direct", "upper_hex", "hint"])
def test_every_way_in_which_a_reseller_hands_over_a_song_ends_as_the_same_file(cloud: Cloud, fault: str) -> None:
    # The prompt decides the tune, so the same song is ordered in both ways.
    linked = cloud.made(request(f"handed over {fault}", model=SKILLBOSS))
    cloud.fault("skillboss", fault, "create", f"handed over {fault}")
    other = cloud.made(request(f"handed over {fault}", model=SKILLBOSS))
    assert other["status"] == "succeeded", other["error"]
    assert other["tracks"][0]["source_sha256"] == linked["tracks"][0]["source_sha256"]


@pytest.mark.parametrize(
    ("provider", "fault", "place", "error_class", "charged"),
    [
        ("minimax", "status1", "create", "incomplete", "unknown"),
        ("minimax", "odd_hex", "create", "bad_audio", "yes"),
        ("minimax", "not_hex", "create", "bad_audio", "yes"),
        ("minimax", "not_audio", "create", "bad_audio", "yes"),
        ("skillboss", "status1", "create", "incomplete", "unknown"),
        ("skillboss", "not_hex", "create", "bad_audio", "yes"),
        ("skillboss", "not_audio", "file", "bad_audio", "yes"),
    ],
)
def test_what_is_not_a_whole_song_is_never_delivered(
    cloud: Cloud, provider: str, fault: str, place: str, error_class: str, charged: str
) -> None:
    prompt = f"not a song {provider} {fault}"
    # A file is fetched again, as long as patience lasts.
    cloud.fault(provider, fault, place, prompt, times=50 if place == "file" else 1)
    job = cloud.made(request(prompt, model=MODELS[provider]))
    assert (job["status"], job["tracks"]) == ("failed", [])
    assert (job["error"]["class"], job["error"]["provider_charged"]) == (error_class, charged)


def test_upper_case_hex_is_a_song(cloud: Cloud) -> None:
    cloud.fault("minimax", "upper_hex", "create", "upper case")
    assert cloud.made(request("upper case"))["status"] == "succeeded"


def test_an_order_refused_without_charge_is_repeated_as_an_attempt_of_its_own(cloud: Cloud) -> None:
    cloud.fault("minimax", "code:1002", "create", "refused at first")
    job = cloud.made(request("refused at first"))
    assert job["status"] == "succeeded"
    assert [attempt["provider_charged"] for attempt in cloud.attempts(job["id"])] == ["no", "yes"]
    assert [item["charged"] for item in cloud.posts("minimax", sha256("refused at first"))] == [False, True]


def test_a_provider_that_always_refuses_is_called_four_times_at_most(cloud: Cloud) -> None:
    cloud.fault("minimax", "http:429", "create", "always refused", times=99)
    job = cloud.made(request("always refused"))
    assert (job["status"], job["error"]["class"], job["error"]["provider_charged"]) == ("failed", "rate_limited", "no")
    assert len(cloud.posts("minimax", sha256("always refused"))) == 4


@pytest.mark.parametrize("provider", ["apiinone", "aimlapi"])
def test_trouble_of_the_poll_itself_does_not_end_a_bought_song(cloud: Cloud, provider: str) -> None:
    prompt = f"polls in trouble {provider}"
    for fault in ("http:503", "html", "status_word:meditating"):
        cloud.fault(provider, fault, "poll", prompt)
    job = cloud.made(request(prompt, model=MODELS[provider]))
    assert job["status"] == "succeeded", job["error"]


@pytest.mark.parametrize("provider", ["apiinone", "aimlapi"])
def test_the_dead_link_of_a_task_is_renewed_once(cloud: Cloud, provider: str) -> None:
    cloud.fault(provider, "link_expired", "file", f"a dead link {provider}", times=1)
    job = cloud.made(request(f"a dead link {provider}", model=MODELS[provider]))
    assert job["status"] == "succeeded", job["error"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"title": "Rain"}, id="with words"),
        pytest.param({"lyrics": "", "instrumental": True}, id="without words"),
    ],
)
def test_an_order_of_two_songs_ends_as_two_playable_tracks(cloud: Cloud, fields: dict[str, Any]) -> None:
    prompt = f"two songs {sorted(fields)}"
    job = cloud.made(request(prompt, model=SUNO, **fields))
    assert job["status"] == "succeeded", job["error"]
    assert [track["number"] for track in job["tracks"]] == [1, 2]
    for track in job["tracks"]:
        with cloud.http() as http:
            moved = http.get(f"/v1/jobs/{job['id']}/audio", params={"track": track["number"]})
        file = httpx.get(moved.headers["location"], verify=TLS).raise_for_status()
        assert hashlib.sha256(file.content).hexdigest() == track["sha256"]
        assert miniaudio.decode(file.content).num_frames > 0
    assert len({track["sha256"] for track in job["tracks"]}) == 2
    with cloud.http() as http:
        assert http.get(f"/v1/jobs/{job['id']}/audio", params={"track": 3}).status_code == 409
    assert len(cloud.posts("apiinone", sha256(prompt))) == 1


def test_a_second_song_that_cannot_be_had_leaves_the_first(cloud: Cloud) -> None:
    # The simulator calls the second song of an order by the same words and two more.
    cloud.fault("apiinone", "not_audio", "file", "only one song once more", times=9)
    job = cloud.made(request("only one song", model=SUNO))
    assert job["status"] == "succeeded", job["error"]
    assert [track["number"] for track in job["tracks"]] == [1]


def test_a_song_that_comes_at_once_needs_no_task(cloud: Cloud) -> None:
    cloud.fault("apiinone", "direct", "create", "at once")
    job = cloud.made(request("at once", model=APIINONE))
    assert job["status"] == "succeeded", job["error"]
    [attempt] = cloud.attempts(job["id"])
    assert attempt["upstream_id"] is None


def test_the_route_that_does_not_know_a_task_is_polled_once(cloud: Cloud) -> None:
    cloud.fault("apiinone", "http:404", "poll", "on the other route")
    for _ in range(2):
        cloud.fault("apiinone", "status_word:pending", "poll", "on the other route")
    job = cloud.made(request("on the other route", model=APIINONE))
    assert job["status"] == "succeeded", job["error"]
    log = (Path(cloud.line["logs_dir"]) / "simulator-apiinone.jsonl").read_text().splitlines()
    asked = [line for line in map(json.loads, log) if line.get("prompt_sha256") == sha256("on the other route")]
    paths = [line["path"] for line in asked]
    assert sum(path.startswith("/api/v1/tasks/") for path in paths) == 1
    assert paths.count("/api/v1/audio/music/feed") >= 3


@pytest.mark.parametrize(
    ("fault", "error_class", "charged"),
    [
        ("code:400", "invalid_request", "no"),
        ("http:401", "auth", "no"),
        ("code:402", "out_of_credit", "no"),
        ("code:500", "unknown_outcome", "unknown"),
    ],
)
def test_a_refused_task_keeps_its_class(cloud: Cloud, fault: str, error_class: str, charged: str) -> None:
    prompt = f"refused task {fault}"
    cloud.fault("apiinone", fault, "create", prompt)
    job = cloud.made(request(prompt, model=APIINONE))
    assert (job["error"]["class"], job["error"]["provider_charged"]) == (error_class, charged)
    assert len(cloud.posts("apiinone", sha256(prompt))) == 1


def test_a_task_that_ends_in_failure_may_have_been_charged(cloud: Cloud) -> None:
    cloud.fault("apiinone", "status_word:FAILED", "poll", "a failing task")
    job = cloud.made(request("a failing task", model=APIINONE))
    assert (job["error"]["class"], job["error"]["provider_charged"]) == ("provider_error", "unknown")


def test_the_dead_link_of_a_blocking_provider_ends_the_job(cloud: Cloud) -> None:
    cloud.fault("minimax", "link_expired", "file", "*", times=9)
    job = cloud.made(request("a dead blocking link", model="minimax/music-2.6", audio={"format": "wav"}))
    httpx.post(f"{cloud.line['simulators']['minimax']}/_sim/reset", verify=TLS).raise_for_status()
    assert (job["error"]["class"], job["error"]["provider_charged"]) == ("result_expired", "yes")


@pytest.mark.parametrize(
    "link", ["http://169.254.169.254/latest/meta-data", "https://127.0.0.1/song.mp3", "https://[::ffff:10.0.0.1]/a"]
)
def test_a_link_to_a_private_place_is_refused(cloud: Cloud, link: str) -> None:
    prompt = f"private {link}"
    cloud.fault("minimax", f"link:{link}", "create", prompt)
    job = cloud.made(request(prompt, model="minimax/music-2.6", audio={"format": "wav"}))
    assert (job["error"]["class"], job["error"]["code"]) == ("provider_error", "unsafe_link")


def test_an_execution_that_was_stopped_is_settled_by_the_status_rule(cloud: Cloud) -> None:
    cloud.fault("aimlapi", "status_word:generating", "poll", "*", times=99)
    job = cloud.submit(request("stopped by the operator", model=AIML))
    cloud.until(lambda: cloud.attempts(job["id"]))
    cloud.aws("stepfunctions").stop_execution(executionArn=cloud.execution(job["id"]))
    ended = cloud.finished(job["id"])
    httpx.post(f"{cloud.line['simulators']['aimlapi']}/_sim/reset", verify=TLS).raise_for_status()
    assert (ended["error"]["class"], ended["error"]["code"]) == ("unknown_outcome", "Execution.ABORTED")


def test_a_function_killed_while_it_waits_for_the_song_leaves_an_unknown_outcome_and_no_second_order(
    cloud: Cloud,
) -> None:
    prompt = "killed in the middle"
    cloud.fault("minimax", "hang:30", "create", prompt)
    job = cloud.submit(request(prompt))
    cloud.until(lambda: cloud.posts("minimax", sha256(prompt)))
    cloud.kill_function("StartGenerationFunction")
    ended = cloud.finished(job["id"])
    assert (ended["error"]["class"], ended["error"]["code"]) == ("unknown_outcome", "claim_ran_out")
    assert len(cloud.posts("minimax", sha256(prompt))) == 1
    assert ended["attempt_count"] == 1


def test_a_request_that_would_rather_wait_is_answered_with_the_song(cloud: Cloud) -> None:
    with cloud.http() as http:
        answer = http.post("/v1/jobs", json=request("worth waiting for"), headers={"Prefer": "wait=25"})
        # A machine that is busy with other work may need longer; then the order is accepted as without the wait.
        assert (answer.status_code, answer.json()["status"]) in ((200, "succeeded"), (202, "queued"))
        assert answer.headers["preference-applied"] == "wait=25"
        job = cloud.finished(answer.json()["id"])
        assert (
            len(httpx.get(job["tracks"][0]["url"], verify=TLS).raise_for_status().content) == job["tracks"][0]["bytes"]
        )


def test_a_function_writes_each_of_its_lines_once(cloud: Cloud) -> None:
    job = cloud.made(request("each line once"))
    cloud.ended_execution(job["id"])
    written = (Path(cloud.line["logs_dir"]) / "StoreAudioFunction.jsonl").read_text().splitlines()
    lines = [line for line in map(json.loads, written) if line.get("message") == "settled"]
    assert [line["status"] for line in lines if line.get("job_id") == job["id"]] == ["succeeded"]
    assert all("job_id" in line for line in lines)


def test_no_prompt_key_signature_or_hint_is_in_any_log(cloud: Cloud) -> None:
    jobs = []
    for provider, model in MODELS.items():
        cloud.fault(provider, "hint", "create", "canary-prompt-7f3a")
        jobs.append(cloud.made(request("canary-prompt-7f3a", model=model)))
    assert {job["status"] for job in jobs} == {"succeeded"}
    assert HINT_CANARY not in json.dumps([jobs, [cloud.attempts(job["id"]) for job in jobs]])
    logs = "".join(path.read_text() for path in Path(cloud.line["logs_dir"]).glob("*.jsonl"))
    assert all(job["id"] in logs for job in jobs)
    for secret in (
        "canary-prompt-7f3a",
        cloud.line["api_key"],
        "X-Amz-Signature",
        "Rain on the window",
        HINT_CANARY,
    ):
        assert secret not in logs
