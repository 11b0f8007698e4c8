"""What is counted in a cloud's logs, and what AWS asks for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.cost.meter import Meter
from tests.benchmarks.cost.prices import ASSUMED, FINE, USD, Use, used
from tests.integration.song import Cloud


class NoMachines:
    """Step Functions without a state machine."""

    def list_state_machines(self) -> dict[str, list[Any]]:
        return {"stateMachines": []}


@pytest.fixture
def meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Meter:
    monkeypatch.setattr(Cloud, "aws", lambda _self, _service: NoMachines())
    return Meter(Cloud({"logs_dir": str(tmp_path)}), memory_mb={"SubmitJobFunction": 512, "SubmitLineFunction": 512})


def call(action: str, function: str | None = "SubmitJobFunction", **units: float) -> str:
    took = {f"{name}_units": units.get(name, 0) for name in ("write", "index", "read")}
    return json.dumps({"function": function, "action": action, "resource": "x", **took}) + "\n"


def report(milliseconds: float) -> str:
    return json.dumps({"type": "platform.report", "record": {"metrics": {"durationMs": milliseconds}}}) + "\n"


@pytest.mark.parametrize(
    ("line", "used"),
    [
        (call("dynamodb:TransactWriteItems", write=6, index=2), {"write units": 8}),
        (call("dynamodb:Query", read=1.5), {"read units": 1.5 * FINE}),
        (call("s3:PutObject"), {"S3 writes": 1}),
        (call("s3:ListObjects"), {"S3 writes": 1}),
        (call("s3:HeadObject"), {"S3 reads": 1}),
        (call("s3:DeleteObject"), {}),
        (call("events:PutEvents"), {"events": 1}),
        (call("secretsmanager:GetSecretValue"), {"secrets": 1}),
        (call("states:StartExecution"), {}),
        (call("dynamodb:GetItem", None, read=1), {}),
        (call("dynamodb:GetItem", "ReapJobsFunction", read=1), {}),
    ],
)
def test_a_call_costs_its_units_and_that_of_the_operator_nothing(
    meter: Meter, tmp_path: Path, line: str, used: dict[str, int]
) -> None:
    (tmp_path / "aws.jsonl").write_text(line, encoding="utf-8")
    assert +meter.read() == used


def test_a_function_costs_its_runs_their_time_by_memory_and_what_it_logs(meter: Meter, tmp_path: Path) -> None:
    (tmp_path / "SubmitJobFunction.jsonl").write_text('{"message": "x"}\n' + report(9.1) * 2, encoding="utf-8")
    found = meter.read()
    assert found["invocations"] == 2
    assert found["GB logged"] == 16 + ASSUMED["line_bytes"] + 2 * ASSUMED["invocation_log_bytes"]
    assert found.amount("GB-s") == pytest.approx(2 * 0.010 / 2)


def test_a_line_of_a_file_is_a_child_execution_of_one_state(meter: Meter, tmp_path: Path) -> None:
    (tmp_path / "SubmitLineFunction.jsonl").write_text(report(1) * 3, encoding="utf-8")
    assert meter.read()["transitions"] == 3


def test_what_was_read_is_not_counted_again_and_half_a_line_is_left_for_later(meter: Meter, tmp_path: Path) -> None:
    log, line = tmp_path / "aws.jsonl", call("dynamodb:GetItem", read=1)
    log.write_text(line + line[:20], encoding="utf-8")
    assert meter.read().amount("read units") == 1
    log.write_text(line * 2, encoding="utf-8")
    assert meter.read().amount("read units") == 1
    assert meter.read()["read units"] == 0


def test_the_sum_is_the_price_of_each_thing_times_its_amount() -> None:
    found = Use({"requests": 1_000_000, "GB-s": 3_000_000_000, "transitions": 1_000})
    assert found.usd == pytest.approx(1.00 + 3 * USD["GB-s"] + 0.025)


def test_amounts_are_given_in_the_units_that_have_a_price() -> None:
    found = used({"requests": 2, "GB-s": 0.5, "read units": 1.5})
    assert found.amount("GB-s") == 0.5
    assert found.usd == pytest.approx(2 * USD["requests"] + 0.5 * USD["GB-s"] + 1.5 * USD["read units"])
