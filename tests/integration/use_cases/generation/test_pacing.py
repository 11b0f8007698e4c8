"""Jobs share a limited or failing provider: none is refused, none comes before its turn, none is forgotten."""

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fermata.adapters.dynamodb.providers.provider_states import DynamoProviderStates
from fermata.domain.providers.queue import EPOCH, ONE_MS, Lease, Limits
from tests.integration.song import Cloud, request

JOBS = 20
AT_ONCE = 2
PER_MINUTE = 600
ORDER_SLACK = timedelta(seconds=2)
# Many jobs keep a small machine busy, and a late function is not what is tested here.
PATIENT = {"ReadGapSeconds": 40, "StartTimeoutSeconds": 90, "PostReserveSeconds": 10, "StartBySeconds": 600}
AIML = "aimlapi/minimax/music-2.0"


def parameters(**values: object) -> list[str]:
    return [part for name, value in values.items() for part in ("--param", f"{name}={value}")]


def asked(cloud: Cloud, ids: list[str]) -> dict[str, list[tuple[datetime, datetime]]]:
    """Per job, when it requested a slot and had to wait, and until when."""
    lines = Path(cloud.line["logs_dir"], "StartGenerationFunction.jsonl").read_text("utf-8").splitlines()
    found: dict[str, list[tuple[datetime, datetime]]] = {job_id: [] for job_id in ids}
    for line in map(json.loads, lines):
        if line.get("verdict") == "wait_slot" and line["job_id"] in found:
            asked_at = datetime.strptime(line["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z")
            found[line["job_id"]].append((asked_at, datetime.fromisoformat(line["not_before"])))
    return found


def started_at(cloud: Cloud, job_id: str) -> datetime:
    (attempt,) = cloud.attempts(job_id)
    return datetime.fromisoformat(attempt["started_at"])


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_many_jobs_at_a_limited_provider_all_have_their_turn_and_none_is_refused(
    start_cloud: Callable[..., Cloud],
) -> None:
    limits = parameters(MinimaxRpm=PER_MINUTE, MinimaxConcurrency=AT_ONCE, **PATIENT)
    cloud = start_cloud("--provider-latency", "1", "--time-scale", "1", *limits)
    cloud.limit("minimax", AT_ONCE, PER_MINUTE)
    with ThreadPoolExecutor(3) as clients:
        jobs = list(clients.map(lambda _: cloud.submit(request("one of many")), range(JOBS)))
    ids = [job["id"] for job in jobs]
    cloud.until(lambda: cloud.count("succeeded") + cloud.count("failed") == JOBS)

    assert cloud.count("succeeded") == JOBS
    counted = cloud.limits("minimax")
    assert counted["refused"] == 0
    assert counted["peak_concurrent"] <= AT_ONCE
    assert [item["charged"] for item in cloud.posts("minimax", sha256("one of many"))] == [True] * JOBS
    waits, starts = asked(cloud, ids), {job_id: started_at(cloud, job_id) for job_id in ids}
    assert any(waits.values()), "nobody had to wait, so this run proves nothing"
    for job_id in ids:
        came = [*(at for at, _ in waits[job_id][1:]), starts[job_id]]
        assert all(at >= told for at, (_, told) in zip(came, waits[job_id], strict=False))
    _assert_in_order(waits, starts)


def _assert_in_order(waits: dict[str, list[tuple[datetime, datetime]]], starts: dict[str, datetime]) -> None:
    """Starts follow the order of reservation within two seconds, not counting by how much a job came too late."""
    reserved = {name: waits[name][0][1] if waits[name] else start for name, start in starts.items()}
    for job_id, start in starts.items():
        late = _delay(waits[job_id], start)
        earliest_after = min((starts[other] for other in starts if reserved[other] > reserved[job_id]), default=None)
        if earliest_after is not None:
            assert start - earliest_after <= ORDER_SLACK + late


def _delay(waits: list[tuple[datetime, datetime]], start: datetime) -> timedelta:
    """By how much a job came after the instants that it was given, and how long it then had to wait for another; zero
    for one that was given none.
    """
    came = [*(at for at, _ in waits[1:]), start]
    lost = timedelta()
    for visit, (at, (_, told)) in enumerate(zip(came, waits, strict=False), 1):
        lost += at - told
        if at - told > ORDER_SLACK and visit < len(waits):
            lost += waits[visit][1] - at
    return lost


@pytest.fixture(scope="module")
def fragile(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud whose circuits open early and for long enough to be seen, and that calls minimax once at a time, with a
    lease that is soon over.
    """
    circuit = parameters(
        CircuitFailures=3, CircuitWindowSeconds=120, CircuitOpenSeconds=15, CircuitLongestOpenSeconds=30
    )
    lease = parameters(StartTimeoutSeconds=20, ReadGapSeconds=15, PostReserveSeconds=3, ClaimMarginSeconds=1)
    return start_cloud("--provider-latency", "0.1", *circuit, *lease, *parameters(MinimaxConcurrency=1))


def available(cloud: Cloud) -> dict[str, bool]:
    with cloud.http() as http:
        models = http.get("/v1/models").raise_for_status().json()["data"]
    return {model["provider"]: model["available"] for model in models}


def lines_of(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    lines = Path(cloud.line["logs_dir"], f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_failing_provider_is_left_alone_then_tried_once_and_then_used_again(fragile: Cloud) -> None:
    cloud = fragile
    cloud.fault("minimax", "code:1008", "create", "opens the circuit", times=3)
    for _ in range(3):
        assert cloud.made(request("opens the circuit"))["error"]["class"] == "out_of_credit"
    assert (available(cloud)["minimax"], available(cloud)["aimlapi"]) == (False, True)

    waiting = cloud.submit(request("waits for the trial"))
    falls_back = cloud.made(request("goes elsewhere", fallbacks=[AIML]))
    assert falls_back["status"] == "succeeded", falls_back["error"]
    assert [(each["provider"], each["raw_code"]) for each in cloud.attempts(falls_back["id"])] == [
        ("minimax", "circuit_open"),
        ("aimlapi", None),
    ]
    assert cloud.posts("minimax", sha256("goes elsewhere")) == []

    assert cloud.finished(waiting["id"])["status"] == "succeeded"
    assert cloud.finished(waiting["id"])["attempt_count"] == 1
    assert available(cloud)["minimax"]
    assert cloud.made(request("used again"))["status"] == "succeeded"
    opened = [line for line in lines_of(cloud, "StartGenerationFunction") if "CircuitOpened" in line]
    assert [line["provider"] for line in opened] == ["minimax"]


def test_a_provider_that_closed_the_account_is_called_once_until_the_operator_enables_it(fragile: Cloud) -> None:
    cloud = fragile
    cloud.fault("minimax", "code:2153", "create", "closes the account")
    assert cloud.made(request("closes the account"))["error"]["code"] == "2153"
    refused = cloud.made(request("not asked at all"))
    assert (refused["status"], refused["error"]["code"]) == ("failed", "provider_disabled")
    assert cloud.posts("minimax", sha256("not asked at all")) == []
    assert not available(cloud)["minimax"]
    assert cloud.enable("minimax") == {
        "provider": "minimax",
        "was": "disabled",
        "disabled_by": "2153",
        "lacking": [],
    }
    assert available(cloud)["minimax"]
    assert cloud.made(request("asked again"))["status"] == "succeeded"


def test_a_model_outside_the_plan_is_ordered_once_until_the_operator_enables_its_provider(fragile: Cloud) -> None:
    cloud = fragile
    cloud.fault("minimax", "code:2061", "create", "not in the plan")
    assert cloud.made(request("not in the plan"))["error"]["code"] == "2061"
    refused = cloud.made(request("not asked for"))
    assert (refused["status"], refused["error"]["code"]) == ("failed", "model_disabled")
    falls_back = cloud.made(request("sung by another model", fallbacks=["minimax/music-2.6"]))
    assert falls_back["status"] == "succeeded", falls_back["error"]
    assert len(cloud.posts("minimax", sha256("sung by another model"))) == 1
    assert cloud.posts("minimax", sha256("not asked for")) == []
    with cloud.http() as http:
        listed = {model["id"]: model["available"] for model in http.get("/v1/models").raise_for_status().json()["data"]}
    assert (listed["minimax/music-2.5"], listed["minimax/music-2.6"]) == (False, True)
    assert cloud.enable("minimax")["lacking"] == ["music-2.5"]
    assert cloud.made(request("in the plan again"))["status"] == "succeeded"


def test_the_slot_of_a_killed_run_is_free_at_the_end_of_its_lease_and_not_before(fragile: Cloud) -> None:
    cloud = fragile
    cloud.made(request("warms everything up"))
    cloud.fault("minimax", "hang:30", "create", "is killed")
    killed = cloud.submit(request("is killed"))
    cloud.until(lambda: cloud.posts("minimax", sha256("is killed")))
    cloud.kill_function("StartGenerationFunction")
    [lease_end] = [EPOCH + slot.until_ms * ONE_MS for slot in running(cloud, "minimax").values()]
    following = cloud.submit(request("comes next"))

    assert cloud.finished(following["id"])["status"] == "succeeded"
    assert lease_end <= started_at(cloud, following["id"])
    assert cloud.finished(killed["id"])["error"]["class"] == "unknown_outcome"


def running(cloud: Cloud, provider: str) -> Mapping[str, Lease]:
    """The slots of a provider that are taken."""
    states = DynamoProviderStates(cloud.aws("dynamodb"), cloud.line["outputs"]["TableName"])
    return states.look(provider, "", Limits(gap_ms=1, concurrent=1), now_ms=0).queue.running
