"""What players get: a playlist and its pieces at an address that alone gives the right, and the same 404 otherwise."""

import json
from datetime import timedelta

import pytest

from fermata.domain.jobs.job import Job
from fermata.domain.live.stream import LiveStream
from fermata.domain.live.token import live_sha256, live_token
from fermata.errors import TransientError
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.functions import Event, FakeContext, http_event, live_event, wired_app
from tests.songs import (
    JOB_ID,
    candidate,
    delivered_job,
    failed_job,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    submitting_job,
)

TOKEN = live_token(b"the deployment's secret", JOB_ID, 1)
LIVE = (candidate().model_copy(update={"live": True}),)
URL = f"https://live.example.com/v1/live/{TOKEN}/playlist.m3u8"


def live_world(job: Job, pieces: int = 2) -> World:
    world = World()
    world.jobs.create(job.model_copy(update={"candidates": LIVE, "request": song_request(live=True)}))
    stream = LiveStream.new(live_sha256(TOKEN), JOB_ID, 1, NOON)
    for _ in range(pieces):
        stream = stream.with_piece(3997)
        world.live_streams.save(stream)
    return world


def call(world: World, name: str, event: Event) -> Event:
    answer: Event = json.loads(json.dumps(wired_app(name, world).lambda_handler(event, FakeContext())))
    return answer


def play(world: World, token: str = TOKEN, name: str = "playlist.m3u8", query: str = "") -> Event:
    return call(world, "read_live", live_event(token, name, query))


def headers_of(answer: Event) -> dict[str, str]:
    return {name.lower(): value for name, value in answer["headers"].items()}


def test_a_player_gets_a_growing_playlist_without_a_key() -> None:
    answer = play(live_world(submitting_job()))
    assert answer["statusCode"] == 200
    headers = headers_of(answer)
    assert (headers["content-type"], headers["cache-control"]) == ("application/vnd.apple.mpegurl", "no-store")
    assert headers["access-control-allow-origin"] == "*"
    assert answer["body"].count("#EXTINF:3.997,") == 2
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in answer["body"]
    assert "#EXT-X-ENDLIST" not in answer["body"]


def test_a_piece_is_a_redirect_to_a_link_minted_then() -> None:
    answer = play(live_world(submitting_job()), name="2.mp3")
    headers = headers_of(answer)
    assert answer["statusCode"] == 302
    assert headers["location"] == f"https://bucket.example.com/live/{JOB_ID}/1/2.mp3?for=900"
    assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("name", ["0.mp3", "3.mp3", "02.mp3", "1.wav", "mp3", "-1.mp3", "\u0661.mp3", "1.mp3.mp3"])
def test_only_a_name_in_the_playlist_is_a_piece(name: str) -> None:
    assert play(live_world(submitting_job()), name=name)["statusCode"] == 404


@pytest.mark.parametrize("name", ["playlist.m3u8", "1.mp3"])
def test_players_may_add_query_parameters(name: str) -> None:
    answer = play(live_world(submitting_job()), name=name, query="_HLS_msn=3&x=y")
    assert answer["statusCode"] in (200, 302)


def test_the_end_of_the_stream_ends_the_playlist() -> None:
    world = live_world(ready_job())
    stream = world.live_streams.load(live_sha256(TOKEN))
    assert stream is not None
    world.live_streams.save(stream.at_its_end())
    assert play(world)["body"].endswith("#EXT-X-ENDLIST\n")


def test_the_end_of_the_job_ends_the_playlist_whatever_its_publisher_did() -> None:
    assert play(live_world(delivered_job()))["body"].endswith("#EXT-X-ENDLIST\n")


def test_an_address_answers_for_the_grace_after_success_and_no_longer() -> None:
    world = live_world(delivered_job())
    world.clock.now = NOON + timedelta(seconds=900)
    assert play(world)["statusCode"] == 200
    world.clock.now = NOON + timedelta(seconds=901)
    assert play(world)["statusCode"] == play(world, name="1.mp3")["statusCode"] == 404


@pytest.mark.parametrize(
    "job",
    [
        submitting_job().settled(rate_limited(), NOON),
        submitting_job().expired(rate_limited(), NOON),
        queued_job().canceled(NOON),
        failed_job(rate_limited()),
        delivered_job(deleted_at=NOON),
    ],
    ids=["failed", "expired", "canceled", "attempt_failed", "deleted"],
)
def test_any_other_end_ends_the_address_at_once_and_all_endings_are_alike(job: Job) -> None:
    with live_world(submitting_job(), pieces=0) as other:
        guessed = [play(other), play(other, "a" * 43), play(other, "short"), play(other, name="1.mp3")]
    world = live_world(job)
    ended = [play(world), play(world, name="1.mp3")]
    bodies = {json.dumps({**json.loads(each["body"]), "request_id": ""}) for each in (*guessed, *ended)}
    assert {each["statusCode"] for each in (*guessed, *ended)} == {404}
    assert len(bodies) == 1
    assert all(headers_of(each)["access-control-allow-origin"] == "*" for each in (*guessed, *ended))


def test_trouble_of_the_table_is_a_problem_that_pages_may_read() -> None:
    world = live_world(submitting_job())
    world.live_streams.failure = TransientError("no table")
    answer = play(world)
    assert (answer["statusCode"], headers_of(answer)["access-control-allow-origin"]) == (503, "*")


def test_no_log_has_the_token_or_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    world = live_world(submitting_job())
    for name in ("playlist.m3u8", "1.mp3", "9.mp3"):
        play(world, name=name)
    play(world, "b" * 43)
    call(world, "read_jobs", http_event("GET", f"/v1/jobs/{JOB_ID}"))
    said = "".join(capsys.readouterr())
    assert TOKEN not in said
    assert "b" * 43 not in said
    assert "/v1/live" not in said


# ---- what the job says


def urls(world: World, path: str = f"/v1/jobs/{JOB_ID}") -> Event:
    body = json.loads(call(world, "read_jobs", http_event("GET", path))["body"])
    found: Event = body["urls"]
    return found


def test_a_job_says_where_its_song_is_heard_the_same_each_time() -> None:
    world = live_world(submitting_job())
    assert urls(world)["live"] == urls(world)["live"] == URL


def test_a_list_of_jobs_says_it_too() -> None:
    world = live_world(submitting_job())
    (job,) = json.loads(call(world, "list_jobs", http_event("GET", "/v1/jobs"))["body"])["data"]
    assert job["urls"]["live"] == URL


@pytest.mark.parametrize(
    ("job", "pieces"),
    [
        (submitting_job(), 0),
        (queued_job(), 2),
        (delivered_job(), 2),
        (submitting_job().settled(rate_limited(), NOON), 2),
        (failed_job(rate_limited()), 2),
    ],
    ids=["no_piece_yet", "not_ordered", "delivered", "failed", "attempt_failed"],
)
def test_a_song_that_cannot_be_heard_has_no_live_address(job: Job, pieces: int) -> None:
    assert urls(live_world(job, pieces))["live"] is None


def test_a_song_that_is_not_live_asks_for_no_secret() -> None:
    world = World()
    world.jobs.create(submitting_job())
    assert urls(world)["live"] is None
    assert world.live_secret.reads == 0


def test_a_job_is_shown_without_its_address_while_the_secret_cannot_be_read() -> None:
    world = live_world(submitting_job())
    world.live_secret.failure = TransientError("no secret")
    assert urls(world)["live"] is None
