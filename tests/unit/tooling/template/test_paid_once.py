"""What the machine and the template have to say so that no error and no stopped execution pays twice, or hangs."""

import json
from typing import Any

import pytest

pytestmark = pytest.mark.check

NEVER_RAN = ["Lambda.TooManyRequestsException"]
"""The error by which Lambda says that it did not start the function."""


@pytest.fixture
def states(machines: dict[str, dict[str, Any]]) -> dict[str, Any]:
    written: dict[str, Any] = machines["statemachine/music_job.asl.json"]["States"]
    return written


def test_one_state_may_order_and_it_is_never_repeated_after_it_ran(states: dict[str, Any]) -> None:
    may_post = [name for name, state in states.items() if '"may_post": true' in json.dumps(state)]
    assert may_post == ["StartGeneration"]
    assert [retry["ErrorEquals"] for retry in states["StartGeneration"]["Retry"]] == [NEVER_RAN]


def test_every_error_of_an_order_leads_to_the_resume_which_cannot_order(states: dict[str, Any]) -> None:
    caught = {(*catch["ErrorEquals"], catch["Next"]) for catch in states["StartGeneration"]["Catch"]}
    assert caught == {("States.ALL", "ResumeGeneration")}
    assert states["ResumeGeneration"]["Parameters"]["Payload"]["may_post"] is False


def test_a_call_that_lambda_did_not_run_is_sent_again_for_an_hour_whatever_else_the_function_may_fail(
    states: dict[str, Any],
) -> None:
    """Lambda refuses calls while an account is busy: of a paid song's steps, too, and that is no failure of theirs."""
    for name, state in states.items():
        if state["Type"] == "Task" and name != "WaitForCallback":
            (patience,) = [retry for retry in state["Retry"] if retry["ErrorEquals"] == NEVER_RAN]
            assert patience["JitterStrategy"] == "FULL"
            # With full jitter a pause is half of its length in the mean.
            assert patience["MaxAttempts"] * patience["MaxDelaySeconds"] / 2 >= 3600, name
            assert state["Retry"].index(patience) == len(state["Retry"]) - (1 if name == "StartGeneration" else 2), name


def test_every_way_in_which_an_execution_can_stop_by_force_leads_to_settle_job(
    resources: dict[str, dict[str, Any]],
) -> None:
    events = resources["SettleJobFunction"]["Properties"]["Events"].values()
    (rule,) = [event["Properties"] for event in events if event["Type"] == "EventBridgeRule"]
    assert sorted(rule["Pattern"]["detail"]["status"]) == ["ABORTED", "FAILED", "TIMED_OUT"]
    assert "DeadLetterConfig" in rule
