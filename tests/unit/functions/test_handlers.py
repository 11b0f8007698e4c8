"""Each handler parses, calls its one use case, and answers what its caller reads."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from fermata.domain.audio.marks import Edit
from fermata.domain.audio.sound import Unmeasured
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.latency import SongTime
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.job_id import is_job_id
from fermata.domain.tenants.api_keys import new_api_key
from fermata.errors import InvalidRequestError, LinkTroubleError, NotFoundError, SongsOutstandingError, TransientError
from fermata.use_cases.generation.purchase.run import StartPorts
from fermata.wiring import generation
from tests.fakes.clock import NOON
from tests.fakes.jobs.records import advanced_to
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.functions import (
    NAMES,
    ROOT,
    Event,
    FakeContext,
    authorizer_event,
    callback_event,
    http_event,
    load_app,
    wired_app,
)
from tests.references import AUDIO_URL, catalogue, job_with
from tests.songs import (
    JOB_ID,
    LINK,
    LYRICS,
    PROMPT,
    callback,
    called_back_job,
    delivered_job,
    failed_job,
    generating_job,
    hex_answer,
    json_answer,
    missing_track,
    queued_job,
    rate_limited,
    ready_job,
    stored_track,
    submitting_job,
    suno_job,
)

BODY = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
KEY, RECORD = new_api_key("acme", NOON, bytes(range(25)))


class Call:
    """Calls functions wired to one world."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.patch = patch

    def __call__(self, name: str, event: Event) -> Event:
        answer: Event = json.loads(json.dumps(wired_app(name, self.world).lambda_handler(event, FakeContext())))
        return answer


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(scratch=tmp_path)


@pytest.fixture
def call(world: World, monkeypatch: pytest.MonkeyPatch) -> Call:
    return Call(world, monkeypatch)


def body_of(answer: Event) -> Event:
    body: Event = json.loads(answer["body"])
    return body


# ---- over HTTP


def test_a_submitted_job_is_accepted_with_where_and_when_to_look(call: Call, world: World) -> None:
    answer = call("submit_job", http_event("POST", "/v1/jobs", json.dumps(BODY).encode()))
    job = body_of(answer)
    assert answer["statusCode"] == 202
    assert is_job_id(job["id"])
    assert answer["headers"]["Location"] == job["urls"]["self"] == f"https://api.example.com/v1/jobs/{job['id']}"
    assert answer["headers"]["Retry-After"] == "30"
    assert answer["headers"]["Content-Type"] == "application/json"
    assert (job["status"], job["charged"]) == ("queued", "held")
    assert world.machine.started == [job["id"]]
    assert world.stored(job["id"]).tenant_id == "acme"


def test_a_body_that_arrives_as_base64_is_the_same_body(call: Call) -> None:
    body = json.dumps({**BODY, "title": "雨"}, ensure_ascii=False).encode()
    event = http_event("POST", "/v1/jobs", body)
    assert event["isBase64Encoded"]
    assert body_of(call("submit_job", event))["title"] == "雨"


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"{", 400, "malformed_body"),
        (b'{"model": "minimax/music-2.5"}', 422, "invalid_request"),
        (b" " * 200_000, 413, "body_too_large"),
        (None, 400, "malformed_body"),
    ],
)
def test_a_refused_job_is_a_problem_and_costs_nothing(
    call: Call, world: World, body: bytes | None, status: int, slug: str
) -> None:
    answer = call("submit_job", http_event("POST", "/v1/jobs", body))
    problem = body_of(answer)
    assert answer["statusCode"] == problem["status"] == status
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert (problem["type"], problem["charged"], problem["retryable"]) == (f"urn:fermata:problem:{slug}", "no", False)
    assert problem["request_id"] == "request-1"
    assert (len(world.jobs), world.machine.started) == (0, [])


def test_a_wrong_field_is_named_by_its_pointer(call: Call) -> None:
    problem = body_of(call("submit_job", http_event("POST", "/v1/jobs", b'{"model": "minimax/music-2.5", "x/y": 1}')))
    assert [error["pointer"] for error in problem["errors"]] == ["/x~1y"]


def test_a_quote_is_a_price_and_a_time_and_nothing_more(call: Call, world: World) -> None:
    answer = call("submit_job", http_event("POST", "/v1/quote", json.dumps(BODY).encode()))
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (200, "no-store")
    assert (body_of(answer)["object"], body_of(answer)["price_credits"]) == ("quote", 30)
    assert (len(world.jobs), world.machine.started) == (0, [])
    refused = call("submit_job", http_event("POST", "/v1/quote", b'{"model": "minimax/music-2.5"}'))
    assert (refused["statusCode"], body_of(refused)["charged"]) == (422, "no")


def preferring(wait: str, key: str | None = None) -> Event:
    event = http_event("POST", "/v1/jobs", json.dumps(BODY).encode())
    event["headers"]["prefer"] = wait
    if key is not None:
        event["headers"]["idempotency-key"] = key
    return event


def delivered_after(world: World, looks: int) -> None:
    """The one job is delivered at the n-th read."""

    def deliver() -> None:
        if world.jobs.looks == looks:
            [job_id] = world.jobs.rows
            world.jobs.rows[job_id] = delivered_job(id=job_id).model_dump_json()

    world.jobs.before_look = deliver


def test_a_song_that_is_ready_while_the_request_is_held_is_returned_at_once(call: Call, world: World) -> None:
    delivered_after(world, looks=3)
    answer = call("submit_job", preferring("wait=20"))
    job = body_of(answer)
    assert (answer["statusCode"], answer["headers"]["Preference-Applied"]) == (200, "wait=20")
    assert (answer["headers"]["Location"], "Retry-After" in answer["headers"]) == (job["urls"]["self"], False)
    assert (job["status"], job["tracks"][0]["url"][:19]) == ("succeeded", "https://audio.test/")
    assert world.clock.now == NOON + timedelta(seconds=2)


def test_an_order_whose_song_takes_longer_than_the_wait_is_accepted_as_without_it(call: Call, world: World) -> None:
    plain = call("submit_job", http_event("POST", "/v1/jobs", json.dumps(BODY).encode()))
    answer = call("submit_job", preferring("wait=600"))
    assert (answer["statusCode"], body_of(answer)["status"]) == (202, "queued")
    assert answer["headers"].pop("Preference-Applied") == "wait=25"
    assert set(answer["headers"]) == set(plain["headers"])
    assert world.clock.now == NOON + timedelta(seconds=25)


@pytest.mark.parametrize("nonsense", ["wait=x", "wait=-1", "respond-async", "wait"])
def test_a_senseless_preference_is_ignored(call: Call, world: World, nonsense: str) -> None:
    answer = call("submit_job", preferring(nonsense))
    assert (answer["statusCode"], "Preference-Applied" in answer["headers"]) == (202, False)
    assert (world.jobs.looks, world.clock.now) == (0, NOON)


def test_a_replay_that_waits_returns_the_end_and_one_that_does_not_the_first_answer(call: Call, world: World) -> None:
    first = call("submit_job", preferring("wait=0", key="k"))
    delivered_after(world, looks=3)
    waited = call("submit_job", preferring("wait=9", key="k"))
    assert (waited["statusCode"], body_of(waited)["status"]) == (200, "succeeded")
    assert waited["headers"]["Idempotency-Replayed"] == "true"
    plain = http_event("POST", "/v1/jobs", json.dumps(BODY).encode())
    plain["headers"]["idempotency-key"] = "k"
    replayed = call("submit_job", plain)
    assert (replayed["statusCode"], replayed["body"]) == (first["statusCode"], first["body"]) == (202, first["body"])
    assert "Preference-Applied" not in replayed["headers"]
    assert len(world.jobs) == 1


def test_a_key_that_may_not_read_jobs_does_not_learn_their_end(call: Call, world: World) -> None:
    event = preferring("wait=9")
    event["requestContext"]["authorizer"]["lambda"]["scopes"] = "jobs:write"
    answer = call("submit_job", event)
    assert (answer["statusCode"], "Preference-Applied" in answer["headers"], world.jobs.looks) == (202, False, 0)


def test_a_wait_that_fails_is_an_accepted_order(call: Call, world: World) -> None:
    def fail() -> None:
        raise TransientError("the job table could not be read: ThrottlingException")

    world.jobs.before_look = fail
    answer = call("submit_job", preferring("wait=9"))
    assert (answer["statusCode"], body_of(answer)["charged"]) == (202, "held")


def test_a_machine_that_does_not_start_is_a_retryable_error(call: Call, world: World) -> None:
    world.machine.failure = TransientError("the job's state machine could not be started: ThrottlingException")
    answer = call("submit_job", http_event("POST", "/v1/jobs", json.dumps(BODY).encode()))
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "2")
    assert (body_of(answer)["retryable"], body_of(answer)["charged"]) == (True, "no")


def test_a_job_is_read_with_links_and_without_being_cached(call: Call, world: World) -> None:
    world.jobs.create(delivered_job())
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (200, "no-store")
    assert "Retry-After" not in answer["headers"]
    assert body_of(answer)["tracks"][0]["url"].startswith("https://audio.test/")


def test_an_open_job_says_when_to_poll_again(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    world.clock.pass_seconds(60)
    assert call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))["headers"]["Retry-After"] == "10"


def test_an_open_job_of_a_provider_that_takes_two_seconds_is_polled_again_in_two(call: Call, world: World) -> None:
    for number in range(5):
        world.estimates.learn(queued_job().candidate.model, SongTime(f"job_{number}", 56 if number < 4 else 2, 1))
    world.jobs.create(queued_job())
    assert call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))["headers"]["Retry-After"] == "2"


def test_an_unchanged_job_that_the_caller_has_is_not_sent_again(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    event = http_event("GET", f"/v1/jobs/{JOB_ID}")
    first = call("read_jobs", event)
    event["headers"]["if-none-match"] = first["headers"]["ETag"]
    again = call("read_jobs", event)
    assert (again["statusCode"], again["body"]) == (304, "")
    assert {name: again["headers"][name] for name in ("ETag", "Cache-Control", "Retry-After")} == {
        name: first["headers"][name] for name in ("ETag", "Cache-Control", "Retry-After")
    }
    world.jobs.save(submitting_job())
    assert (call("read_jobs", event)["statusCode"], body_of(call("read_jobs", event))["status"]) == (200, "submitting")


def test_an_entity_tag_reveals_nothing_about_another_tenants_job(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    event = http_event("GET", f"/v1/jobs/{JOB_ID}", tenant_id="other")
    event["headers"]["if-none-match"] = "*"
    assert call("read_jobs", event)["statusCode"] == 404


@pytest.mark.parametrize("path", [f"/v1/jobs/{JOB_ID}", f"/v1/jobs/{JOB_ID}/audio", f"/v1/jobs/{JOB_ID}/attempts"])
def test_another_tenants_job_is_not_found(call: Call, world: World, path: str) -> None:
    world.jobs.create(delivered_job())
    answer = call("read_jobs", http_event("GET", path, tenant_id="other"))
    assert (answer["statusCode"], body_of(answer)["type"]) == (404, "urn:fermata:problem:not_found")
    missing = call("read_jobs", http_event("GET", path.replace(JOB_ID, "job_01JD0ABCDEFGHJKMNPQRSTVWXZ")))
    assert body_of(missing) == body_of(answer)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/v2"), ("PUT", "/v1/jobs"), ("POST", "/v1/jobs/x")]
)
def test_an_unknown_route_is_a_problem(call: Call, method: str, path: str) -> None:
    event = http_event(method, path)
    del event["requestContext"]["authorizer"]
    answer = call("read_jobs", event)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (404, "application/problem+json")
    assert f"{method} {path}" in body_of(answer)["detail"]


def test_a_tenants_jobs_are_listed_page_by_page(call: Call, world: World) -> None:
    world.jobs.create(queued_job(id="job_01JD0ABCDEFGHJKMNPQRSTVWXZ"))
    world.jobs.create(delivered_job())
    world.jobs.create(queued_job(id="job_01JD0ABCDEFGHJKMNPQRSTVWX0", tenant_id="other"))
    first = body_of(call("list_jobs", http_event("GET", "/v1/jobs", query="limit=1")))
    answer = call("list_jobs", http_event("GET", "/v1/jobs", query=f"limit=1&cursor={first['next_cursor']}"))
    assert [job["id"] for job in first["data"]] == ["job_01JD0ABCDEFGHJKMNPQRSTVWXZ"]
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (200, "no-store")
    assert body_of(answer)["next_cursor"] is None
    [job] = body_of(answer)["data"]
    assert (job["id"], job["tracks"][0]["url"][:19]) == (JOB_ID, "https://audio.test/")


@pytest.mark.parametrize("wrong", ["status=done", "limit=0", "cursor=x"])
def test_a_senseless_list_query_is_a_problem(call: Call, wrong: str) -> None:
    answer = call("list_jobs", http_event("GET", "/v1/jobs", query=wrong))
    assert (answer["statusCode"], body_of(answer)["type"]) == (422, "urn:fermata:problem:invalid_request")
    assert body_of(answer)["errors"][0]["pointer"] == "/" + wrong.partition("=")[0]


def test_another_tenants_cursor_leads_nowhere(call: Call, world: World) -> None:
    for last in "YZ":
        world.jobs.create(queued_job(id=f"job_01JD0ABCDEFGHJKMNPQRSTVWX{last}"))
    cursor = body_of(call("list_jobs", http_event("GET", "/v1/jobs", query="limit=1")))["next_cursor"]
    answer = call("list_jobs", http_event("GET", "/v1/jobs", query=f"cursor={cursor}", tenant_id="other"))
    assert (answer["statusCode"], body_of(answer)["errors"][0]["pointer"]) == (422, "/cursor")


def test_health_is_returned_to_any_caller_without_settings_or_ports() -> None:
    event = http_event("GET", "/healthz")
    del event["requestContext"]["authorizer"]
    answer = load_app("read_jobs").lambda_handler(event, FakeContext())
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": "ok"})
    assert answer["headers"]["Cache-Control"] == "no-store"


def test_audio_is_a_redirect_to_a_fresh_link(call: Call, world: World) -> None:
    world.jobs.create(delivered_job())
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio"))
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (302, "no-store")
    assert answer["headers"]["Location"].startswith("https://audio.test/tracks/")


def test_the_second_song_has_an_address_of_its_own(call: Call, world: World) -> None:
    world.jobs.create(delivered_job().model_copy(update={"tracks": (stored_track(1), stored_track(2))}))
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query="track=2"))
    assert (answer["statusCode"], "/2.mp3" in answer["headers"]["Location"]) == (302, True)


def test_the_providers_own_file_of_a_marked_song_is_a_redirect_as_well(call: Call, world: World) -> None:
    marked = stored_track().model_copy(update={"edits": (Edit(at=0, length=9),), "source_sha256": "cd" * 32})
    world.jobs.create(delivered_job().model_copy(update={"tracks": (marked,)}))
    asked = http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query="track=1&original=true")
    answer = call("read_jobs", asked)
    assert (answer["statusCode"], "/originals/" in answer["headers"]["Location"]) == (302, True)
    world.clock.now += timedelta(days=30)
    assert call("read_jobs", asked)["statusCode"] == 404
    world.originals.restored.clear()
    plain = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query="original=false"))
    assert (plain["statusCode"], "/originals/" in plain["headers"]["Location"]) == (302, False)


@pytest.mark.parametrize("value", ["", "1", "yes", "TRUE"])
def test_a_wish_for_the_original_that_is_neither_true_nor_false_is_refused_and_restores_nothing(
    call: Call, world: World, value: str
) -> None:
    world.jobs.create(delivered_job())
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query=f"original={value}"))
    assert (answer["statusCode"], body_of(answer)["errors"][0]["pointer"]) == (422, "/original")
    assert world.originals.restored == set()


@pytest.mark.parametrize("query", ["track=2", "track=99"])
def test_a_track_that_is_not_there_is_a_conflict(call: Call, world: World, query: str) -> None:
    world.jobs.create(delivered_job())
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query=query))
    assert (answer["statusCode"], body_of(answer)["type"]) == (409, "urn:fermata:problem:no_such_track")


@pytest.mark.parametrize("job", [queued_job(), submitting_job(), generating_job(), ready_job()])
@pytest.mark.parametrize("query", ["", "track=1"])
def test_the_audio_of_an_open_job_is_retryable_and_says_when(call: Call, world: World, job: Job, query: str) -> None:
    world.jobs.create(job)
    world.clock.pass_seconds(60)
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query=query))
    assert (answer["statusCode"], body_of(answer)["retryable"]) == (409, True)
    shown = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))
    assert answer["headers"]["Retry-After"] == shown["headers"]["Retry-After"]


@pytest.mark.parametrize("job", [delivered_job(), failed_job(rate_limited()).settled(rate_limited(), NOON)])
def test_the_audio_that_an_ended_job_does_not_have_is_not_retryable(call: Call, world: World, job: Job) -> None:
    world.jobs.create(job)
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query="track=7"))
    assert (answer["statusCode"], body_of(answer)["retryable"], "Retry-After" in answer["headers"]) == (
        409,
        False,
        False,
    )


def test_audio_leads_to_the_only_song_that_is_there(call: Call, world: World) -> None:
    world.jobs.create(suno_job(2).settled(None, NOON))
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio"))
    assert (answer["statusCode"], "/2.mp3" in answer["headers"]["Location"]) == (302, True)


def test_a_missing_track_is_not_found_and_the_answer_says_why_and_what_is_there(call: Call, world: World) -> None:
    stored = suno_job(2, 3, made=3)
    world.jobs.create(stored.with_tracks(stored.tracks, NOON, (missing_track(1),)).settled(None, NOON))
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query="track=1"))
    assert (answer["statusCode"], body_of(answer)["type"]) == (404, "urn:fermata:problem:not_found")
    assert body_of(answer)["detail"] == (
        "track 1 is missing: no audio was found behind the link; tracks of this job: 2, 3"
    )


def test_audio_of_an_open_job_says_to_poll_later(call: Call, world: World) -> None:
    world.jobs.create(generating_job())
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio"))
    assert answer["statusCode"] == 409
    assert "look again" in body_of(answer)["detail"]


@pytest.mark.parametrize("track", ["0", "-1", "x", "1.0", "", "²", "100"])
def test_a_track_is_a_number(call: Call, world: World, track: str) -> None:
    world.jobs.create(delivered_job())
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/audio", query=f"track={track}"))
    assert (answer["statusCode"], body_of(answer)["errors"][0]["pointer"]) == (422, "/track")


def test_an_upload_of_a_reference_is_offered_to_its_tenant(call: Call, world: World) -> None:
    world.catalogue = catalogue()
    answer = call(
        "create_reference", http_event("POST", "/v1/references", b'{"content_type": "audio/wav", "bytes": 5000}')
    )
    offer = body_of(answer)
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (201, "no-store")
    assert offer["upload"]["fields"]["key"] == f"references/acme/{offer['id']}"


def test_an_upload_that_no_model_could_use_is_a_problem(call: Call, world: World) -> None:
    world.catalogue = catalogue()
    event = http_event("POST", "/v1/references", b'{"content_type": "audio/wav", "bytes": 999999999999}')
    answer = call("create_reference", event)
    assert (answer["statusCode"], body_of(answer)["errors"][0]["pointer"]) == (422, "/bytes")


def test_attempts_are_listed(call: Call, world: World) -> None:
    world.jobs.create(failed_job(rate_limited()))
    answer = call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/attempts"))
    assert body_of(answer)["data"][0]["error_class"] == "rate_limited"
    assert body_of(answer)["next_cursor"] is None


@pytest.mark.parametrize(("units", "shown"), [(None, None), (Decimal(29), 29), (Decimal("12.5"), 12.5)])
def test_an_attempt_shows_its_trace_id_and_what_the_provider_counted(
    call: Call, world: World, units: Decimal | None, shown: float | None
) -> None:
    attempt = ready_job().attempts[0].model_copy(update={"trace_id": "04ed", "provider_units": units})
    world.jobs.create(ready_job().model_copy(update={"attempts": (attempt,)}))
    (told,) = body_of(call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/attempts")))["data"]
    assert (told["trace_id"], told["provider_units"]) == ("04ed", shown)


def test_an_attempt_from_before_it_kept_trace_ids_shows_that_of_its_failure(call: Call, world: World) -> None:
    failed = failed_job(rate_limited().model_copy(update={"trace_id": "04ed"}))
    attempt = failed.attempts[0].model_copy(update={"trace_id": None})
    world.jobs.create(failed.model_copy(update={"attempts": (attempt,)}))
    (told,) = body_of(call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}/attempts")))["data"]
    assert told["trace_id"] == "04ed"


def test_an_account_shows_the_tenants_own_credits(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    mine = body_of(call("read_account", http_event("GET", "/v1/account")))
    theirs = body_of(call("read_account", http_event("GET", "/v1/account", tenant_id="other")))
    assert (mine["object"], mine["tenant_id"], mine["plan"], mine["held_credits"]) == ("account", "acme", "prepaid", 30)
    assert (theirs["tenant_id"], theirs["held_credits"], theirs["balance_credits"]) == ("other", 0, 1_000_000)
    assert mine["balance_credits"] == theirs["balance_credits"] - 30


def test_a_tenant_without_a_wallet_is_an_internal_error(call: Call) -> None:
    assert call("read_account", http_event("GET", "/v1/account", tenant_id="nobody"))["statusCode"] == 500


def test_a_queued_job_says_where_to_cancel_it_and_is_canceled_there(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    address = body_of(call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}")))["urls"]["cancel"]
    assert address == f"https://api.example.com/v1/jobs/{JOB_ID}/cancel"
    answer = call("cancel_job", http_event("POST", f"/v1/jobs/{JOB_ID}/cancel"))
    job = body_of(answer)
    assert (answer["statusCode"], job["status"], job["charged"]) == (200, "canceled", "refunded")
    assert (job["urls"]["cancel"], job["estimate"], job["error"]) == (None, None, None)
    assert body_of(call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))) == job


@pytest.mark.parametrize(
    ("job", "slug"), [(generating_job(), "already_ordered"), (delivered_job(), "already_finished")]
)
def test_a_cancel_that_comes_too_late_is_a_conflict(call: Call, world: World, job: Job, slug: str) -> None:
    world.jobs.create(job)
    assert body_of(call("read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}")))["urls"]["cancel"] is None
    answer = call("cancel_job", http_event("POST", f"/v1/jobs/{JOB_ID}/cancel"))
    assert (answer["statusCode"], body_of(answer)["type"]) == (409, f"urn:fermata:problem:{slug}")
    assert f"is {job.status}" in body_of(answer)["detail"]


def test_another_tenants_job_cannot_be_canceled(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    event = http_event("POST", f"/v1/jobs/{JOB_ID}/cancel", tenant_id="other")
    assert call("cancel_job", event)["statusCode"] == 404
    assert world.stored(JOB_ID) == queued_job()


def test_a_deleted_job_is_gone_for_every_caller(call: Call, world: World) -> None:
    world.jobs.create(delivered_job())
    path = f"/v1/jobs/{JOB_ID}"
    assert call("delete_job", http_event("DELETE", path, tenant_id="other"))["statusCode"] == 404
    answer = call("delete_job", http_event("DELETE", path))
    assert (answer["statusCode"], answer.get("body")) == (204, "")
    for below in ("", "/audio", "/attempts"):
        assert call("read_jobs", http_event("GET", path + below))["statusCode"] == 404
    assert call("cancel_job", http_event("POST", f"{path}/cancel"))["statusCode"] == 404
    assert call("delete_job", http_event("DELETE", path))["statusCode"] == 204


def test_an_open_job_is_not_deleted(call: Call, world: World) -> None:
    world.jobs.create(generating_job())
    answer = call("delete_job", http_event("DELETE", f"/v1/jobs/{JOB_ID}"))
    assert (answer["statusCode"], body_of(answer)["type"]) == (409, "urn:fermata:problem:not_finished")
    assert "is generating" in body_of(answer)["detail"]


# ---- the providers' callbacks


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="empty"),
        pytest.param(b'{"status": "complete", "audio_url": "https://evil.example/a.mp3"}', id="a_claim"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"\xff\x00" * 500_000, id="a_megabyte"),
    ],
)
def test_a_callback_wakes_the_machine_whatever_its_body_says(call: Call, world: World, body: bytes | None) -> None:
    token, record = callback()
    world.jobs.create(called_back_job())
    world.callbacks.create(record)
    call("await_callback", {"job_id": JOB_ID, "attempt": 1, "task_token": "task-1"})
    answer = call("receive_callback", callback_event(token, body))
    assert (answer["statusCode"], answer.get("body")) == (204, "")
    assert world.waits.ended == ["task-1"]
    assert world.stored(JOB_ID) == called_back_job()


def test_a_known_address_is_answered_like_an_unknown_or_a_dead_one(call: Call, world: World) -> None:
    token, record = callback()
    world.jobs.create(called_back_job())
    world.callbacks.create(record)
    known = call("receive_callback", callback_event(token))
    unknown = call("receive_callback", callback_event("a" * 43))
    call("settle_job", {"job_id": JOB_ID})
    assert known == unknown == call("receive_callback", callback_event(token))


@pytest.mark.parametrize("token", ["x", "a" * 44, "%2e%2e", "a b"])
def test_a_malformed_token_is_not_found(call: Call, token: str) -> None:
    answer = call("receive_callback", callback_event(token))
    assert (answer["statusCode"], body_of(answer)["type"]) == (404, "urn:fermata:problem:not_found")


def test_a_callback_that_could_not_be_kept_is_a_retryable_error(call: Call, world: World) -> None:
    token, record = callback()
    world.jobs.create(called_back_job())
    world.callbacks.create(record.awaited_by("task-1"))
    world.waits.failure = TransientError("the waiting state machine could not be woken: ThrottlingException")
    answer = call("receive_callback", callback_event(token))
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "2")


# ---- the authorizer


@pytest.mark.parametrize("header", [None, "", "Bearer nonsense", "Bearer fk_aaaaaaaa_" + "b" * 32, f"Basic {KEY}"])
def test_a_missing_or_wrong_key_is_not_authorized(call: Call, world: World, header: str | None) -> None:
    world.tenants.add_key(RECORD)
    assert call("authorize_request", authorizer_event(header)) == {"isAuthorized": False}


def test_a_known_key_hands_tenant_key_and_scopes_on(call: Call, world: World) -> None:
    world.tenants.add_key(RECORD)
    assert call("authorize_request", authorizer_event(f"Bearer {KEY}")) == {
        "isAuthorized": True,
        "context": {"tenant_id": "acme", "key_id": RECORD.key_id, "scopes": "account:read jobs:read jobs:write"},
    }


# ---- the states


def test_start_generation_buys_a_song_only_when_its_input_allows_it(call: Call, world: World) -> None:
    world.upstream = FakeUpstream(hex_answer(b"ID3" + bytes(2000)))
    world.jobs.create(queued_job())
    assert call("start_generation", {"job_id": JOB_ID, "may_post": False})["verdict"] == "retry_later"
    assert world.upstream.posts == 0
    answer = call("start_generation", {"job_id": JOB_ID, "may_post": True})
    assert answer == {
        "verdict": "ready",
        "attempt": 1,
        "wait_seconds": 1,
        "not_before": "2026-11-21T12:00:00Z",
    }


@pytest.mark.parametrize("may_post", ["true", 1, None, {}])
def test_nothing_but_true_lets_a_run_post(call: Call, world: World, may_post: object) -> None:
    world.jobs.create(queued_job())
    call("start_generation", {"job_id": JOB_ID, "may_post": may_post})
    assert world.upstream.posts == 0


def test_a_run_whose_input_does_not_say_whether_it_may_post_fails(call: Call, world: World) -> None:
    world.jobs.create(queued_job())
    with pytest.raises(KeyError):
        call("start_generation", {"job_id": JOB_ID})
    assert world.upstream.posts == 0


def test_every_run_claims_under_a_name_of_its_own(call: Call, world: World) -> None:
    refusal = json_answer({"base_resp": {"status_code": 1002}})
    world.upstream = FakeUpstream(refusal, refusal)
    world.jobs.create(queued_job())
    for _ in range(2):
        call("start_generation", {"job_id": JOB_ID, "may_post": True})
    claims = {attempt.claim_id for attempt in world.stored(JOB_ID).attempts}
    assert len(claims) == 2
    assert all(len(claim) == 32 for claim in claims)


def test_poll_generation_answers_with_a_verdict(call: Call, world: World) -> None:
    world.upstream = FakeUpstream(json_answer({"message": "no such task"}, 404))
    world.jobs.create(generating_job())
    answer = call("poll_generation", {"job_id": JOB_ID, "attempt": 1})
    assert (answer["verdict"], answer["wait_seconds"]) == ("generating", 1)


@pytest.mark.parametrize(
    ("handed_over", "kept"), [("2026-11-21T12:00:50Z", 50), ("noon", None), (None, None), ({}, None)]
)
def test_poll_generation_keeps_the_last_not_yet_of_its_input_and_ignores_any_other_value(
    call: Call, world: World, handed_over: object, kept: int | None
) -> None:
    world.upstream = FakeUpstream(
        json_answer({"status": "completed", "audio_file": {"url": "https://cdn.aimlapi.com/x.mp3"}})
    )
    world.jobs.create(generating_job())
    world.clock.pass_seconds(60)
    call("poll_generation", {"job_id": JOB_ID, "attempt": 1, "not_yet_at": handed_over})
    (attempt,) = world.stored(JOB_ID).attempts
    assert attempt.not_yet_at == (None if kept is None else NOON + timedelta(seconds=kept))


def test_prepare_reference_answers_with_a_verdict(call: Call, world: World) -> None:
    world.jobs.create(job_with())
    world.reference_links.files[AUDIO_URL] = b"ID3" + bytes(2000)
    needed = call("start_generation", {"job_id": JOB_ID, "may_post": True})
    assert (needed["verdict"], needed["attempt"]) == ("needs_reference", 0)
    assert call("prepare_reference", {"job_id": JOB_ID, "attempt": needed["attempt"]})["verdict"] == "reference_ready"


def test_store_audio_settles_the_job_whose_songs_it_stored(call: Call, world: World) -> None:
    world.jobs.create(ready_job())
    world.answers.keep(JOB_ID, 1, hex_answer(b"ID3" + bytes(2000)))
    assert call("store_audio", storing(may_store=True)) == {"status": "succeeded"}
    assert world.stored(JOB_ID).status is JobStatus.SUCCEEDED


def test_store_audio_raises_where_a_song_is_not_there_yet_and_then_says_how_long_to_wait(
    call: Call, world: World
) -> None:
    world.jobs.create(ready_job(LINK))
    world.links.files[LINK] = LinkTroubleError("cdn.test answered 503", 503, retry_after_s=7)
    with pytest.raises(SongsOutstandingError):
        call("store_audio", storing(may_store=True))
    said = call("store_audio", storing(may_store=False))
    assert (said["verdict"], said["attempt"], said["wait_seconds"]) == ("storing", 1, 7)


def storing(*, may_store: bool) -> Event:
    return {"job_id": JOB_ID, "attempt": 1, "may_store": may_store}


def test_measure_tracks_measures_the_songs_of_a_delivered_job(call: Call, world: World) -> None:
    advanced_to(delivered_job(), world.jobs)
    assert call("measure_tracks", {"job_id": JOB_ID, "status": "succeeded"}) == {"measured": 0, "not_measured": 1}
    assert world.stored(JOB_ID).sounds[0].unmeasured is Unmeasured.GONE


def test_settle_job_ends_a_job_of_the_machine(call: Call, world: World) -> None:
    world.jobs.create(ready_job().with_tracks((stored_track(),), NOON))
    state = {"job_id": JOB_ID, "generation": {"verdict": "ready", "attempt": 1}}
    assert call("settle_job", state) == {"status": "succeeded"}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"failure": {"Error": "States.Timeout", "Cause": "canary"}}, "States.Timeout"),
        ({"failure": {"Error": "Execution.ABORTED"}}, "Execution.ABORTED"),
    ],
)
def test_settle_job_ends_a_job_whose_machine_was_stopped(call: Call, world: World, event: Event, code: str) -> None:
    world.jobs.create(submitting_job())
    assert call("settle_job", {"job_id": JOB_ID, **event}) == {"status": "failed"}
    job = world.stored(JOB_ID)
    assert job.failure is not None
    assert (job.status, job.failure.code) == (JobStatus.FAILED, code)


def test_reap_jobs_says_what_it_did(call: Call, world: World) -> None:
    world.jobs.create(queued_job(check_at=NOON))
    done = call("reap_jobs", {"source": "aws.events", "detail-type": "Scheduled Event"})
    assert done == {
        "due": 1,
        "started": 1,
        "settled": 0,
        "put_off": 0,
        "rescued": 0,
        "erased": 0,
        "skipped": 0,
        "lost": 0,
    }


def test_the_status_rule_names_the_execution_and_settles_its_job(call: Call, world: World) -> None:
    job = queued_job(restored_at=NOON)
    world.jobs.create(job)
    assert job.execution_name != JOB_ID
    stopped = {"job_id": job.execution_name, "failure": {"Error": "Execution.FAILED"}}
    assert call("settle_job", stopped) == {"status": "failed"}
    assert world.stored(JOB_ID).status.is_terminal


def stack_event(request_type: str, settings: str, before: str = "") -> Event:
    return {
        "RequestType": request_type,
        "RequestId": "request-1",
        "ResponseURL": "https://answers.example/1?signature=canary",
        "StackId": "stack-1",
        "LogicalResourceId": "OperatorSettings",
        "ResourceType": "Custom::OperatorSettings",
        "PhysicalResourceId": before,
        "ResourceProperties": {
            "ProviderSettings": settings,
            "ModelLatencyPriors": "{}",
            "PriceOverrides": "{}",
            "SingleSettings": {},
        },
    }


def test_validate_settings_answers_cloudformation_with_the_version_or_the_reason(call: Call, world: World) -> None:
    assert call("validate_settings", stack_event("Create", '{"minimax":{"rpm":7}}')) is None
    assert call("validate_settings", stack_event("Update", '{"minimax":{"rpm":0}}', "before")) is None

    (_, kept), (asked, failed) = world.stack_answers.sent
    assert kept.attributes == {"Version": kept.physical_id}
    assert set(world.settings_store.rows) == {kept.physical_id}
    assert (asked.request_id, failed.physical_id, failed.attributes) == ("request-1", "before", {})
    assert (failed.refusal or "").startswith("ProviderSettings.minimax.rpm ")


def test_validate_settings_answers_whatever_goes_wrong_and_reveals_no_address(
    call: Call, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.settings_store.failure = ZeroDivisionError("canary")
    call("validate_settings", stack_event("Create", '{"minimax":{"rpm":7}}'))
    call("validate_settings", stack_event("Delete", "{}", "before"))

    told = [(answer.physical_id, answer.refusal) for _, answer in world.stack_answers.sent]
    why = "the deployment could not be answered (ZeroDivisionError); see the function's log"
    assert told == [("refused", why), ("before", None)]
    assert "signature" not in caplog.text


def test_an_answer_that_did_not_arrive_is_sent_by_another_run(call: Call, world: World) -> None:
    world.stack_answers.failure = TransientError("away")
    with pytest.raises(TransientError):
        call("validate_settings", stack_event("Create", "{}"))


def test_audit_wallets_names_who_drifted_and_by_how_much(
    call: Call, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for tenant_id in ("acme", "new"):
        call("manage_tenants", {"action": "create_tenant", "tenant_id": tenant_id})
    call("manage_tenants", {"action": "grant", "tenant_id": "new", "credits": 5})
    # The wallet that tests begin with was filled without an entry.
    with caplog.at_level("INFO"):
        found = call("audit_wallets", {"source": "aws.events", "detail-type": "Scheduled Event"})
    assert found == {"tenants": 2, "drifting": 1, "skipped": 0, "drift_credits": 1_000_000}
    assert world.metrics.in_credits == [("WalletDriftCredits", 1_000_000)]
    (line,) = [vars(record) for record in caplog.records if record.levelname == "ERROR"]
    assert (line["tenant_id"], line["granted"], line["balance"], line["held"]) == ("acme", 1_000_000, 1_000_000, 0)


@pytest.mark.parametrize("job", [delivered_job(), queued_job().canceled(NOON)], ids=["delivered", "canceled"])
def test_a_redriven_state_of_a_finished_job_ends_at_once_without_effect(call: Call, world: World, job: Job) -> None:
    world.jobs.create(job.published())
    assert call("start_generation", {"job_id": JOB_ID, "may_post": True})["verdict"] == "failed"
    assert call("start_generation", {"job_id": JOB_ID, "may_post": False})["verdict"] == "failed"
    assert call("poll_generation", {"job_id": JOB_ID, "attempt": 1})["verdict"] == "failed"
    assert call("store_audio", storing(may_store=True)) == {"status": job.status.value}
    assert call("store_audio", storing(may_store=False))["verdict"] == "failed"
    assert call("settle_job", {"job_id": JOB_ID}) == {"status": job.status.value}
    assert world.stored(JOB_ID) == job.published()
    assert (world.upstream.posts, world.jobs.saves, world.events.published) == (0, 0, [])


def test_a_state_for_an_unknown_job_fails(call: Call) -> None:
    for name, more in (
        ("start_generation", {"may_post": True}),
        ("await_callback", {"attempt": 1, "task_token": "task-1"}),
        ("prepare_reference", {"attempt": 0}),
        ("poll_generation", {"attempt": 1}),
        ("store_audio", {"attempt": 1, "may_store": True}),
        ("store_audio", {"attempt": 1, "may_store": False}),
        ("settle_job", {}),
    ):
        with pytest.raises(NotFoundError):
            call(name, {"job_id": JOB_ID, **more})


# ---- the operator


def test_manage_tenants_creates_and_issues(call: Call, world: World) -> None:
    call("manage_tenants", {"action": "create_tenant", "tenant_id": "acme"})
    key = call("manage_tenants", {"action": "issue_key", "tenant_id": "acme"})["api_key"]
    assert call("authorize_request", authorizer_event(f"Bearer {key}"))["isAuthorized"]
    with pytest.raises(InvalidRequestError):
        call("manage_tenants", {"action": "create_tenant", "tenant_id": "acme"})
    assert world.tenants.find_tenant("acme") is not None


def test_manage_tenants_grants_and_changes_plans(call: Call) -> None:
    granted = call("manage_tenants", {"action": "grant", "tenant_id": "acme", "credits": 5})
    assert granted["balance_credits"] == 1_000_005
    postpaid = call("manage_tenants", {"action": "set_plan", "tenant_id": "acme", "plan": "postpaid", "cap_credits": 9})
    assert (postpaid["plan"], postpaid["available_credits"]) == ("postpaid", 9)


@pytest.mark.parametrize("name", NAMES)
def test_a_handler_is_short_and_reaches_the_outside_only_through_the_wiring(name: str) -> None:
    source = (ROOT / "functions" / name / "app.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 45
    for foreign in ("import boto3", "import httpx", "import os", "environ", "fermata.adapters"):
        assert foreign not in source


def test_a_claims_run_is_bounded_by_the_invocations_own_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app = wired_app("start_generation", world)
    clocks: list[Callable[[], int]] = []

    def start_ports(clock: Callable[[], int]) -> StartPorts:
        clocks.append(clock)
        return generation.start_ports(clock)

    monkeypatch.setattr(app, "start_ports", start_ports)
    world.upstream = FakeUpstream(hex_answer(b"ID3"))
    world.jobs.create(queued_job())
    context = FakeContext(remaining_ms=123_000)
    app.lambda_handler({"job_id": JOB_ID, "may_post": True}, context)
    assert clocks[0]() == 123_000


def test_the_list_of_models_is_of_one_kind_and_sorted_where_the_caller_asks() -> None:
    world = World()
    event = http_event("GET", "/v1/models", query="kind=song&sort=price")
    answer = wired_app("read_jobs", world).lambda_handler(event, FakeContext())
    prices = [model["price_credits"] for model in json.loads(answer["body"])["data"]]
    assert (answer["statusCode"], prices) == (200, sorted(prices))


def test_models_of_an_unknown_kind_or_order_are_refused_naming_what_is_allowed() -> None:
    world = World()
    event = http_event("GET", "/v1/models", query="kind=noise&sort=fame")
    answer = wired_app("read_jobs", world).lambda_handler(event, FakeContext())
    errors = [(each["pointer"], each["message"]) for each in json.loads(answer["body"])["errors"]]
    assert answer["statusCode"] == 422
    assert errors == [("/kind", "must be one of song, speech"), ("/sort", "must be one of price, p50_s")]
