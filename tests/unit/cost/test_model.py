"""What is computed from counts: seconds, memory, logs, files and sums."""

from typing import Any

import pytest

from tests.benchmarks.cost.model import A_THOUSAND, Work, seconds_of, together
from tests.benchmarks.cost.naive import naive
from tests.benchmarks.cost.prices import ASSUMED, USD

CPU_S = {"SubmitJob": 0.01, "ReadJobs": 0.01, "StartGeneration": 0.1, "StoreAudio": 0.1, "PollGeneration": 0.02}


def counts(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 (any part of counts)
    none = dict.fromkeys(("requests", "transitions", "read units", "S3 writes", "S3 reads", "events", "secrets"), 0)
    return {**none, "states": {}, "invocations": {}, "calls": {}, "write units": {}, **changes}


def test_calls_take_their_own_time_or_that_of_their_service() -> None:
    times = ASSUMED["call_s"]
    calls = {"dynamodb:TransactWriteItems": 2, "dynamodb:Query": 1, "lambda:Invoke": 5}
    assert seconds_of(calls) == pytest.approx(2 * times["dynamodb:TransactWriteItems"] + times["dynamodb"])


def test_memory_is_held_while_a_function_works_calls_and_waits() -> None:
    done = counts(invocations={"F": 1}, calls={"F": {"dynamodb:Query": 1}})
    work = Work(done, {"F": 0.1}, {"F": 512}, {"F": 30})
    expected_s = 0.1 * ASSUMED["vcpu_mb"] / 512 + ASSUMED["call_s"]["dynamodb"] + 30
    assert work.amounts()["GB-s"] == pytest.approx(expected_s / 2)


def test_more_memory_than_a_vcpu_has_makes_no_function_faster() -> None:
    big = Work(counts(invocations={"F": 1}), {"F": 1.0}, {"F": 4096})
    assert big.amounts()["GB-s"] == 4.0


def test_logs_are_the_functions_own_lambdas_and_those_of_access() -> None:
    work = Work(counts(invocations={"F": 2}, requests=1), {}, {"F": 512}, logged_bytes=100)
    expected = 100 + 2 * ASSUMED["invocation_log_bytes"] + ASSUMED["request_log_bytes"]
    assert work.amounts()["GB logged"] == pytest.approx(expected / 1e9)


def test_a_thousand_cost_their_amounts_by_price_and_files_are_apart() -> None:
    work = Work(counts(transitions=6, **{"write units": {"JOB": 10, "of both indices": 2}}), {}, {}, song_copies=3)
    usd = work.usd()
    assert usd["transitions"] == pytest.approx(A_THOUSAND * 6 * USD["transitions"])
    assert sum(usd.values()) == pytest.approx(A_THOUSAND * (6 * USD["transitions"] + 12 * USD["write units"]))
    assert work.kept_usd() == pytest.approx(3 * 1_000 * ASSUMED["song_bytes"] / 1e9 * USD["GB-months"])


def test_a_job_and_its_read_are_added_in_all_parts() -> None:
    job = Work(counts(requests=1, invocations={"F": 1}, calls={"F": {"a": 1}}), {"F": 1}, {"F": 512, "R": 512})
    read = Work(counts(requests=1, invocations={"R": 1}, calls={"R": {"b": 1}}), {"R": 1}, {"F": 512, "R": 512})
    both = together(job, read)
    assert both.counts["requests"] == 2
    assert both.counts["invocations"] == {"F": 1, "R": 1}
    assert sum(both.usd().values()) == pytest.approx(sum(job.usd().values()) + sum(read.usd().values()))


def test_the_naive_design_pays_for_every_second_of_its_provider() -> None:
    short, long = naive(30, CPU_S).amounts()["GB-s"], naive(90, CPU_S).amounts()["GB-s"]
    assert long - short == pytest.approx(60 / 2)
    assert naive(30, CPU_S, polls=3).amounts()["GB-s"] > short
