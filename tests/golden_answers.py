"""The answers of the API in one settled world, byte for byte. `python -m tests.golden_answers` writes them anew after a
change of what callers are told; `tests/unit/api/test_golden_answers.py` holds the handlers against what was written.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from fermata.domain.catalogue.models import Catalogue, Estimate, Model, read_catalogue
from fermata.domain.catalogue.text_rule import TextRule
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import MissingTrack
from fermata.domain.money.usage import Usage
from fermata.domain.money.wallet import Plan
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.webhooks.delivery import Answered, NoAnswer, NotAnswered, Try
from fermata.domain.webhooks.message import message_of
from fermata.use_cases.webhooks.deliver_webhook import deliver_webhook
from fermata.wiring.webhooks import deliver_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World, leave_active_world
from tests.functions import Event, FakeContext, http_event, wired_app
from tests.references import IDS_RULE
from tests.songs import (
    JOB_ID,
    claimed_attempt,
    delivered_job,
    failed_job,
    generating_job,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    stored_track,
)
from tests.webhooks import listening_world

ANSWERS: Final = Path(__file__).parent / "fixtures" / "answers.json"
JOB: Final = f"/v1/jobs/{JOB_ID}"
ORDER: Final = {
    "model": "minimax/music-2.5",
    "fallbacks": ["aimlapi/minimax/music-2.0"],
    "prompt": "indie folk, rainy evening",
    "lyrics": "la la la la la la",
    "title": 'Rain & "雨" 🎵',
    "metadata": {"order": "42", "größe": "ü"},
    "finish_by": "2026-11-21T18:30:00.25Z",
}
Told = dict[str, object]


_NAMES_BY_CHANCE: Final = frozenset({"create_reference", "submit_job"})
"""The functions that give names by chance."""


class Caller:
    """Asks functions that are wired to one world, whose chance is settled."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch) -> None:
        self._world = world
        self._patch = patch

    def __call__(self, function: str, method: str, path: str, body: object = None, **more: str) -> Told:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        event = http_event(method, path, raw, query=more.pop("query", ""), tenant_id=more.pop("tenant_id", "acme"))
        event["headers"].update(more)
        if not path.startswith("/v1/"):
            del event["requestContext"]["authorizer"]
        answer: Event = self._app(function).lambda_handler(event, FakeContext())
        return {"status": answer["statusCode"], "headers": answer["headers"], "body": answer.get("body", "")}

    def _app(self, function: str) -> ModuleType:
        app = wired_app(function, self._world)
        if function in _NAMES_BY_CHANCE:
            self._patch.setattr(app, "job_randomness", lambda: bytes(10))
        return app


def shown_jobs() -> dict[str, Job]:
    """A job in each state that callers can see, with everything that a body may hold."""
    told = song_request(title=ORDER["title"], metadata=ORDER["metadata"])
    refused = Failure(
        failure_class=FailureClass.CONTENT_REFUSED, provider_charged=ProviderCharged.UNKNOWN, message='"no" says 雨'
    )
    flac = stored_track(2).model_copy(update={"content_type": "audio/flac", "object_key": f"tracks/{JOB_ID}/2.flac"})
    two_songs = ready_job().with_tracks((stored_track(1), flac), NOON).settled(None, NOON)
    return {
        "queued": queued_job(request=told),
        "recovered": queued_job(recovered_from="job_01JD0ABCDEFGHJKMNPQRSTVWXZ"),
        "submitting": queued_job().claimed(claimed_attempt(started_at=NOON + timedelta(microseconds=1_234_999)), NOON),
        "generating": generating_job(),
        "storing": ready_job().with_tracks((stored_track(),), NOON),
        "succeeded": delivered_job(request=told),
        "two_songs": two_songs,
        "one_song_of_two": half_delivered_job(),
        "failed": failed_job(rate_limited()).settled(rate_limited(), NOON),
        "failed_without_a_code": failed_job(refused).settled(refused, NOON),
        "canceled": queued_job().canceled(NOON),
        "expired": generating_job().expired(refused, NOON + timedelta(hours=1)),
    }


def half_delivered_job() -> Job:
    """A job of two songs of which the second could not be had."""
    ordered = ready_job()
    two = ordered.model_copy(update={"candidates": (ordered.candidate.model_copy(update={"songs": 2}),)})
    missing = MissingTrack(number=2, reason=rate_limited())
    return two.with_tracks((stored_track(1),), NOON, (missing,)).settled(None, NOON)


def models_of_each_kind() -> Catalogue:
    """Models with every rule that a model may have, and with none, whatever is on offer."""
    text, none = TextRule(min=1, max=400, required=True), TextRule(min=0, max=0, required=False)
    plain = Model(
        id="minimax/plain",
        provider="minimax",
        upstream_model="plain",
        prompt=text,
        lyrics=none,
        instrumental=False,
        auto_lyrics=False,
        formats=("mp3",),
        sample_rates=(),
        bitrates=(),
        delivery={"mp3": "hex"},
        estimate=Estimate(p50_s=70, p80_s=120),
        price_credits=30,
        cost_usd="0.15",
    )
    everything = {
        "id": "aimlapi/everything-*",
        "provider": "aimlapi",
        "prompt_beside_lyrics": text.model_copy(update={"max": 200, "required": False}),
        "lyrics": text,
        "title": text.model_copy(update={"required": False}),
        "instrumental": True,
        "auto_lyrics": True,
        "formats": ("mp3", "wav"),
        "sample_rates": (16000, 44100),
        "bitrates": (64000, 256000),
        "reference": IDS_RULE,
    }
    return read_catalogue().model_copy(update={"models": (plain, plain.model_copy(update=everything))})


def told_answers(patch: pytest.MonkeyPatch) -> dict[str, Told]:
    """Every answer by a name of its own."""
    parts: tuple[Callable[[pytest.MonkeyPatch], Iterator[tuple[str, Told]]], ...] = (
        _reads,
        _lists,
        _orders,
        _accounts,
        _webhooks,
        _the_rest,
        _problems,
    )
    told: dict[str, Told] = {}
    for part in parts:
        told |= part(patch)
        leave_active_world()
    return told


def _world_of(*jobs: Job) -> World:
    world = World()
    for job in jobs:
        world.jobs.create(job)
    return world


def _reads(patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Told]]:
    for name, job in shown_jobs().items():
        with _world_of(job) as world:
            ask = Caller(world, patch)
            read = ask("read_jobs", "GET", JOB)
            yield f"read_{name}", read
            yield f"attempts_{name}", ask("read_jobs", "GET", f"{JOB}/attempts")
            yield f"timeline_{name}", ask("read_timeline", "GET", f"{JOB}/timeline")
            headers = read["headers"]
            assert isinstance(headers, dict)
            yield f"unchanged_{name}", ask("read_jobs", "GET", JOB, **{"if-none-match": headers["ETag"]})

    with _world_of(delivered_job()) as world:
        yield "read_with_request", Caller(world, patch)("read_jobs", "GET", JOB, query="include=request")


def _lists(patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Told]]:
    world = _world_of(delivered_job(), queued_job(id="job_01JD0ABCDEFGHJKMNPQRSTVWXZ"))
    ask = Caller(world, patch)
    yield "list", ask("list_jobs", "GET", "/v1/jobs")
    yield "list_first_page", ask("list_jobs", "GET", "/v1/jobs", query="limit=1")
    yield "list_empty", ask("list_jobs", "GET", "/v1/jobs", query="status=failed")


def _orders(patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Told]]:
    world = World()
    world.estimates.known["minimax/music-2.5"] = Estimate(p50_s=10, p80_s=20)
    ask = Caller(world, patch)
    yield "quote", ask("submit_job", "POST", "/v1/quote", ORDER)
    yield "order", ask("submit_job", "POST", "/v1/jobs", ORDER, **{"idempotency-key": "k"})
    yield "order_again", ask("submit_job", "POST", "/v1/jobs", ORDER, **{"idempotency-key": "k"})
    [job_id] = world.jobs.rows
    world.jobs.rows[job_id] = delivered_job(id=job_id).model_dump_json()
    waited = {"idempotency-key": "k", "prefer": "wait=9"}
    yield "order_waited", ask("submit_job", "POST", "/v1/jobs", ORDER, **waited)
    world.leave()
    with _world_of(queued_job()) as other:
        yield "cancel", Caller(other, patch)("cancel_job", "POST", f"{JOB}/cancel")


def _accounts(patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Told]]:
    world = _world_of(queued_job())
    yield "account_prepaid", Caller(world, patch)("read_account", "GET", "/v1/account")
    wallet = world.wallets.find("acme")
    assert wallet is not None
    limits = wallet.limits.model_copy(update={"monthly_credits": 5000})
    world.wallets.set_plan("acme", Plan.POSTPAID, 900, limits)
    yield "account_postpaid", Caller(world, patch)("read_account", "GET", "/v1/account")
    for day, model in ((20, "minimax/music-2.5"), (21, "aimlapi/minimax/music-2.0")):
        figures = dict(zip(("jobs", "succeeded", "credits", "audio_ms"), (3, 2, 60, 121_068), strict=True))
        world.jobs.usage.count(Usage(tenant_id="acme", day=date(2026, 11, day), model=model, **figures))
    ask = Caller(world, patch)
    yield "usage", ask("list_usage", "GET", "/v1/usage")
    world.clock.pass_seconds(11)
    yield "ledger", ask("list_ledger", "GET", "/v1/ledger")
    yield "usage_first_page", ask("list_usage", "GET", "/v1/usage", query="limit=1")


def _webhooks(patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Told]]:
    world = listening_world()
    world.sender.script = [NotAnswered(NoAnswer.TIMEOUT), Answered(503, 60), Answered(204)]
    for number in (1, 2, 3):
        deliver_webhook(JOB_ID, Try(0, number), deliver_ports(), world.clock())
    ask = Caller(world, patch)
    yield "webhook_tries", ask("replay_webhook", "GET", f"{JOB}/webhooks")
    yield "webhook_replay", ask("replay_webhook", "POST", f"{JOB}/webhooks/replay")
    for name, job in shown_jobs().items():
        if job.status.is_terminal:
            yield f"webhook_{name}", {"body": message_of(job).body.decode()}


def _the_rest(patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Told]]:
    upload = {"content_type": "audio/wav", "bytes": 5000}
    with World(catalogue=models_of_each_kind()) as world:
        yield "models", Caller(world, patch)("read_jobs", "GET", "/v1/models")
    with World() as world:
        ask = Caller(world, patch)
        yield "reference", ask("create_reference", "POST", "/v1/references", upload)
        yield "health", ask("read_jobs", "GET", "/healthz")


def _problems(patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Told]]:
    world = _world_of(generating_job())
    ask = Caller(world, patch)
    yield "problem_body", ask("submit_job", "POST", "/v1/jobs", b"{")
    yield "problem_fields", ask("submit_job", "POST", "/v1/jobs", {"model": "minimax/music-2.5", "tempo": 9})
    yield "problem_route", ask("read_jobs", "GET", "/v2")
    yield "problem_job", ask("read_jobs", "GET", JOB, tenant_id="other")
    yield "problem_track", ask("read_jobs", "GET", f"{JOB}/audio")
    yield "problem_cancel", ask("cancel_job", "POST", f"{JOB}/cancel")
    yield "problem_wallet", ask("read_account", "GET", "/v1/account", tenant_id="nobody")
    wallet = world.wallets.find("acme")
    assert wallet is not None
    world.wallets.set_plan("acme", Plan.POSTPAID, 30, wallet.limits)
    yield "problem_credit", ask("submit_job", "POST", "/v1/jobs", ORDER)
    world.wallets.set_plan("acme", Plan.POSTPAID, 900, wallet.limits.model_copy(update={"concurrent_jobs": 1}))
    yield "problem_limit", ask("submit_job", "POST", "/v1/jobs", ORDER)


def main() -> None:
    """Write what the API answers now."""
    with pytest.MonkeyPatch.context() as patch:
        answers = told_answers(patch)
    ANSWERS.write_text(json.dumps(answers, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
