"""A second model is called only where the first one surely did not charge, or where the caller accepts both bills."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from tests.integration.song import Cloud, request
from tests.songs import candidate, claimed_attempt, queued_job, song_request

MINIMAX = "minimax/music-2.5"
AIML = "aimlapi/minimax/music-2.0"


def bill(cloud: Cloud, prompt: str) -> dict[str, list[bool]]:
    """Per provider, whether each paid request of this prompt was charged."""
    digest = hashlib.sha256(prompt.encode()).hexdigest()
    return {name: [item["charged"] for item in cloud.posts(name, digest)] for name in ("minimax", "aimlapi")}


def tried(cloud: Cloud, job: dict[str, Any]) -> list[tuple[str, str, str]]:
    keys = ("provider", "model", "provider_charged")
    return [(entry[keys[0]], entry[keys[1]], entry[keys[2]]) for entry in cloud.attempts(job["id"])]


@pytest.mark.parametrize("fault", ["code:1008", "code:2153", "code:1004", "code:1002", "http:429"])
def test_a_provider_that_refuses_without_charge_is_followed_by_the_fallback_at_once(cloud: Cloud, fault: str) -> None:
    prompt = f"refused by the first {fault}"
    cloud.fault("minimax", fault, "create", prompt, times=9)
    job = cloud.made(request(prompt, fallbacks=[AIML]))

    assert job["status"] == "succeeded", job["error"]
    assert (job["model"], job["fallbacks"], job["price_credits"]) == (MINIMAX, [AIML], 39)
    assert tried(cloud, job) == [("minimax", "music-2.5", "no"), ("aimlapi", "minimax/music-2.0", "yes")]
    assert bill(cloud, prompt) == {"minimax": [False], "aimlapi": [True]}


def test_a_task_provider_falls_back_to_a_blocking_one(cloud: Cloud) -> None:
    prompt = "the other way round"
    cloud.fault("aimlapi", "http:403", "create", prompt)
    job = cloud.made(request(prompt, model=AIML, fallbacks=[MINIMAX]))
    assert job["status"] == "succeeded", job["error"]
    assert job["price_credits"] == 30
    assert bill(cloud, prompt) == {"minimax": [True], "aimlapi": [False]}


def test_the_price_of_an_open_job_is_the_highest_it_may_come_to(cloud: Cloud) -> None:
    job = cloud.submit(request("which price", fallbacks=[AIML]))
    assert job["price_credits"] == 39
    assert cloud.finished(job["id"])["price_credits"] == 30


@pytest.mark.parametrize("fault", ["html", "cut:50", "http:500:charged"])
def test_an_unknown_outcome_is_followed_by_the_fallback_only_where_the_caller_requested_it(
    cloud: Cloud, fault: str
) -> None:
    cautious, hurried = f"unknown, end {fault}", f"unknown, go on {fault}"
    cloud.fault("minimax", fault, "create", cautious, times=9)
    cloud.fault("minimax", fault, "create", hurried, times=9)
    ended = cloud.made(request(cautious, fallbacks=[AIML]))
    went_on = cloud.made(request(hurried, fallbacks=[AIML], on_unknown="fallback"))

    assert (ended["status"], ended["error"]["class"]) == ("failed", "unknown_outcome")
    assert bill(cloud, cautious)["aimlapi"] == []
    assert went_on["status"] == "succeeded", went_on["error"]
    assert [charged for _, _, charged in tried(cloud, went_on)] == ["unknown", "yes"]
    assert [len(posts) for posts in bill(cloud, hurried).values()] == [1, 1]


@pytest.mark.parametrize(("code", "error_class"), [(1026, "content_refused"), (2013, "invalid_request")])
def test_a_refused_content_or_request_is_not_taken_elsewhere(cloud: Cloud, code: int, error_class: str) -> None:
    prompt = f"refused everywhere {code}"
    cloud.fault("minimax", f"code:{code}", "create", prompt)
    job = cloud.made(request(prompt, fallbacks=[AIML], on_unknown="fallback"))
    assert (job["status"], job["error"]["class"], job["attempt_count"]) == ("failed", error_class, 1)
    assert bill(cloud, prompt) == {"minimax": [False], "aimlapi": []}


def test_a_job_that_every_provider_refuses_fails_with_the_last_refusal_and_records_every_attempt(cloud: Cloud) -> None:
    prompt = "refused by everybody"
    cloud.fault("minimax", "code:1008", "create", prompt, times=9)
    cloud.fault("aimlapi", "http:401", "create", prompt, times=9)
    job = cloud.made(request(prompt, fallbacks=["minimax/music-2.6", AIML]))

    assert (job["status"], job["error"]["class"], job["error"]["provider_charged"]) == ("failed", "auth", "no")
    assert [model for _, model, _ in tried(cloud, job)] == ["music-2.5", "music-2.6", "minimax/music-2.0"]
    assert bill(cloud, prompt) == {"minimax": [False, False], "aimlapi": [False]}


def test_the_last_model_of_a_chain_is_ordered_from_again_up_to_four_attempts_in_all(cloud: Cloud) -> None:
    prompt = "busy everywhere"
    cloud.fault("minimax", "http:429", "create", prompt, times=9)
    cloud.fault("aimlapi", "http:429", "create", prompt, times=9)
    job = cloud.made(request(prompt, fallbacks=[AIML]))
    assert (job["status"], job["error"]["class"]) == ("failed", "rate_limited")
    assert bill(cloud, prompt) == {"minimax": [False], "aimlapi": [False] * 3}


@pytest.fixture(scope="module")
def cloud_with_defaults(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud that falls back by itself, and that has no key for the first provider."""
    defaults = json.dumps({MINIMAX: [AIML], "minimax/music-2.6": ["minimax/music-1.5", AIML]})
    cloud = start_cloud("--provider-latency", "0.1", "--param", f"DefaultFallbacks={defaults}")
    secret, secrets = cloud.line["outputs"]["ProviderKeysSecretArn"], cloud.aws("secretsmanager")
    keys = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
    secrets.put_secret_value(SecretId=secret, SecretString=json.dumps({"aimlapi": keys["aimlapi"]}))
    return cloud


def test_a_request_without_fallbacks_takes_those_of_the_deployment_and_a_missing_key_is_a_refusal(
    cloud_with_defaults: Cloud,
) -> None:
    cloud = cloud_with_defaults
    job = cloud.made(request("no key for the first"))
    assert job["status"] == "succeeded", job["error"]
    assert tried(cloud, job) == [("minimax", "music-2.5", "no"), ("aimlapi", "minimax/music-2.0", "yes")]
    assert cloud.attempts(job["id"])[0]["error_class"] == "auth"
    assert bill(cloud, "no key for the first") == {"minimax": [], "aimlapi": [True]}


def test_an_empty_list_of_fallbacks_overrides_those_of_the_deployment(cloud_with_defaults: Cloud) -> None:
    job = cloud_with_defaults.made(request("no fallback wanted", fallbacks=[]))
    assert (job["status"], job["error"]["class"], job["attempt_count"]) == ("failed", "auth", 1)


def test_a_default_fallback_that_cannot_fulfil_the_request_is_left_out(cloud_with_defaults: Cloud) -> None:
    long_prompt = "x" * 301
    job = cloud_with_defaults.made(request(long_prompt, model="minimax/music-2.6"))
    assert job["status"] == "succeeded", job["error"]
    assert job["fallbacks"] == [AIML]


def test_the_record_keeps_the_chain_and_an_answer_that_came_late_after_the_job_went_on(cloud: Cloud) -> None:
    store = DynamoJobStore(DynamoTransactions(cloud.aws("dynamodb"), cloud.line["outputs"]["TableName"]))
    asked = song_request(fallbacks=[AIML], on_unknown="fallback")
    chain = (candidate(), candidate("aimlapi"))
    job = queued_job(
        id="job_01M7YH6Z0CE2E33SRX04YCHA1N", tenant_id=cloud.line["tenant"], request=asked, candidates=chain
    )
    store.create(job)
    first = job.claimed(claimed_attempt(), job.created_at)
    second = first.model_copy(update={"attempts": (claimed_attempt(), claimed_attempt("aimlapi", 2, candidate=1))})
    store.save(first)
    store.save(second.model_copy(update={"version": first.version + 1}))
    stored = store.load(job.id)
    assert stored is not None
    store.save(stored.with_late_answer(1, job.created_at))

    late = store.load(job.id)
    assert late is not None
    assert (late.candidates, late.request) == (job.candidates, asked)
    assert [attempt.late for attempt in late.attempts] == [True, False]
