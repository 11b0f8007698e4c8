"""An operator's pauses and budgets on the whole cloud: the simulator's bill never goes beyond them."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.song import Cloud, request

SONGS_IN_THE_BUDGET = 3
JOBS = 10
PRICE_USD = 0.15
AIML = "aimlapi/minimax/music-2.0"


@pytest.fixture(scope="module")
def braked(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud with a small budget, where an order has 40 s to start: time for a busy machine to resume a provider."""
    budget = f"MinimaxDailyBudgetUsd={SONGS_IN_THE_BUDGET * PRICE_USD:.2f}"
    return start_cloud("--provider-latency", "0.2", "--param", budget, "--param", "StartBySeconds=40")


def available(cloud: Cloud, model_id: str) -> bool:
    with cloud.http() as http:
        models = http.get("/v1/models").raise_for_status().json()["data"]
    return any(model["id"] == model_id and model["available"] for model in models)


def posts(cloud: Cloud, provider: str, prompt: str) -> int:
    return len(cloud.posts(provider, hashlib.sha256(prompt.encode()).hexdigest()))


def test_paused_providers_get_no_order_until_they_are_resumed(braked: Cloud) -> None:
    cloud, prompt = braked, "waits for the operator"
    assert cloud.admin("pause", "all").code == 0
    assert not available(cloud, AIML)
    waiting = cloud.submit(request(prompt, model=AIML))
    log = Path(cloud.line["logs_dir"], "StartGenerationFunction.jsonl")
    cloud.until(lambda: log.exists() and log.read_text("utf-8").count("wait_slot") >= 3)
    assert (cloud.job(waiting["id"])["status"], posts(cloud, "aimlapi", prompt)) == ("queued", 0)
    assert cloud.admin("resume", "all").code == 0
    assert cloud.finished(waiting["id"])["status"] == "succeeded"
    assert (posts(cloud, "aimlapi", prompt), available(cloud, AIML)) == (1, True)


@pytest.fixture
def paused(braked: Cloud) -> Iterator[Cloud]:
    """The cloud while minimax is paused."""
    assert braked.admin("pause", "minimax").code == 0
    yield braked
    assert braked.admin("resume", "minimax").code == 0


def test_a_pause_that_outlasts_the_orders_time_refunds_it_and_buys_nothing(paused: Cloud) -> None:
    cloud, prompt = paused, "not made in time"
    job = cloud.made(request(prompt))
    assert (job["status"], job["charged"], job["attempt_count"]) == ("failed", "refunded", 0)
    assert (job["error"]["code"], job["error"]["provider_charged"]) == ("provider_paused", "no")
    assert posts(cloud, "minimax", prompt) == 0
    elsewhere = cloud.made(request(prompt, fallbacks=[AIML]))
    assert elsewhere["status"] == "succeeded"
    assert [attempt["raw_code"] for attempt in cloud.attempts(elsewhere["id"])] == ["provider_paused", None]
    assert (posts(cloud, "minimax", prompt), posts(cloud, "aimlapi", prompt)) == (0, 1)


def test_a_budget_for_three_songs_buys_three_of_ten(braked: Cloud) -> None:
    cloud, prompt = braked, "one of ten"
    with ThreadPoolExecutor(JOBS) as clients:
        jobs = list(clients.map(lambda _: cloud.submit(request(prompt)), range(JOBS)))
    ends: list[dict[str, Any]] = [cloud.finished(job["id"]) for job in jobs]
    assert sorted(job["status"] for job in ends) == ["failed"] * 7 + ["succeeded"] * SONGS_IN_THE_BUDGET
    assert posts(cloud, "minimax", prompt) == SONGS_IN_THE_BUDGET
    refused = [job for job in ends if job["status"] == "failed"]
    assert {(job["error"]["code"], job["charged"]) for job in refused} == {("budget_spent", "refunded")}
    # An order that did not reach its provider counts as an attempt, and its next one is beyond the budget.
    assert {attempt["provider_charged"] for job in refused for attempt in cloud.attempts(job["id"])} <= {"no"}
    assert not available(cloud, "minimax/music-2.5")
    log = Path(cloud.line["logs_dir"], "StartGenerationFunction.jsonl").read_text("utf-8")
    assert '"ProviderBudgetUsed":[100' in log.replace(" ", "")


def test_a_budget_that_is_set_on_a_running_cloud_holds_at_once_and_until_it_is_reset(braked: Cloud) -> None:
    cloud, prompt = braked, "beyond what was deployed"
    assert cloud.admin("set-budget", "aimlapi", "0.01").code == 0
    assert not available(cloud, AIML)
    refused = cloud.made(request(prompt, model=AIML))
    assert (refused["error"]["code"], posts(cloud, "aimlapi", prompt)) == ("budget_spent", 0)
    (shown,) = [each for each in cloud.admin("providers").answer["providers"] if each["provider"] == "aimlapi"]
    assert (shown["budget"]["limit_usd"], shown["budget"]["set"]) == ("0.010000", True)
    assert cloud.admin("set-budget", "aimlapi", "--reset").answer["set"] is False
    assert cloud.made(request(prompt, model=AIML))["status"] == "succeeded"


@pytest.mark.parametrize(
    "words",
    [("nobody", "5"), ("all", "5"), ("aimlapi",), ("aimlapi", "5", "--reset"), ("aimlapi", "-1"), ("aimlapi", "much")],
    ids=" ".join,
)
def test_a_budget_for_nobody_or_of_no_amount_is_refused(braked: Cloud, words: tuple[str, ...]) -> None:
    assert braked.admin("set-budget", *words).code == 2
    assert {each["budget"]["set"] for each in braked.admin("providers").answer["providers"]} == {False}


def test_a_provider_that_does_not_exist_cannot_be_paused(braked: Cloud) -> None:
    assert braked.admin("pause", "nobody").code == 2
