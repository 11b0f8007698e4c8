"""The verdicts of the functions and the choices of the state machine agree."""

import json
from pathlib import Path
from typing import Any

import pytest

from fermata.domain.jobs.next_step import StepKind
from fermata.errors import SongsOutstandingError, UnreadableRecordError

MACHINE = Path(__file__).resolve().parents[3] / "statemachine" / "music_job.asl.json"


def states() -> dict[str, Any]:
    return dict(json.loads(MACHINE.read_text("utf-8"))["States"])


def next_of(choice_state: str, word: str) -> str:
    state = states()[choice_state]
    found = [rule["Next"] for rule in state["Choices"] if rule["StringEquals"] == word]
    return str(found[0] if found else state["Default"])


@pytest.mark.check
@pytest.mark.parametrize("word", StepKind)
def test_every_verdict_has_its_choice_and_only_failed_settles(word: StepKind) -> None:
    assert (next_of("DecideNext", word) == "SettleJob") is (word is StepKind.FAILED)


@pytest.mark.check
def test_every_choice_is_a_verdict() -> None:
    assert {rule["StringEquals"] for rule in states()["DecideNext"]["Choices"]} == {*StepKind}


@pytest.mark.check
def test_a_word_of_another_release_ends_no_job_and_is_asked_for_again() -> None:
    waits = states()[next_of("DecideNext", "a word of another release")]
    assert (waits["Type"], waits["Next"]) == ("Wait", "ResumeGeneration")


@pytest.mark.check
def test_songs_that_are_not_stored_yet_are_no_failure_and_cost_other_jobs_no_state() -> None:
    store, error = states()["StoreAudio"], SongsOutstandingError.__name__
    first, *_ = store["Retry"]
    caught, *_ = store["Catch"]
    assert (first["ErrorEquals"], first["MaxAttempts"]) == ([error], 0)
    assert (caught["ErrorEquals"], caught["Next"]) == ([error], "ResumeStorage")
    assert store["End"] is True


@pytest.mark.check
def test_one_state_stores_and_the_one_that_reads_the_record_does_not() -> None:
    stores = {name: state["Parameters"]["Payload"] for name, state in states().items() if "may_store" in str(state)}
    assert {name: payload["may_store"] for name, payload in stores.items()} == {
        "StoreAudio": True,
        "ResumeStorage": False,
    }


@pytest.mark.check
def test_an_unreadable_record_is_read_again_until_the_machine_times_out_and_settles_nothing() -> None:
    reads = {name: state for name, state in states().items() if state["Type"] == "Task" and "Retry" in state}
    # The paid call is never repeated; whatever happened to it is read from the record by the next state.
    paid = reads.pop("StartGeneration")
    assert {rule["Next"] for rule in paid["Catch"]} == {"ResumeGeneration"}
    for name, state in reads.items():
        (rule,) = [rule for rule in state["Retry"] if rule["ErrorEquals"] == [UnreadableRecordError.__name__]]
        assert state["Retry"].index(rule) < state["Retry"].index(last_of(state)), name
        pauses = [
            min(rule["MaxDelaySeconds"], rule["IntervalSeconds"] * rule["BackoffRate"] ** number)
            for number in range(rule["MaxAttempts"])
        ]
        assert sum(pauses) >= json.loads(MACHINE.read_text("utf-8"))["TimeoutSeconds"], name


def last_of(state: dict[str, Any]) -> dict[str, Any]:
    """The rule for every other error, which must come last."""
    return dict(next(rule for rule in state["Retry"] if rule["ErrorEquals"] == ["States.ALL"]))


@pytest.mark.check
def test_the_next_provider_is_called_without_a_wait() -> None:
    assert next_of("DecideNext", "next_provider") == "StartGeneration"


@pytest.mark.check
def test_only_a_verdict_without_an_attempt_or_about_an_unpaid_one_leads_back_to_the_paid_call() -> None:
    to_the_call = {word for word in StepKind if next_of("DecideNext", word) == "StartGeneration"}
    waiting = {word for word in StepKind if next_of("DecideNext", word) == "WaitForTurn"}
    back = {word for word in waiting if next_of("TakeTurn", word) == "StartGeneration"}
    assert to_the_call | back == {
        StepKind.NEXT_PROVIDER,
        StepKind.RETRY_LATER,
        StepKind.WAIT_SLOT,
        StepKind.REFERENCE_READY,
    }


def wait_for_callback() -> dict[str, Any]:
    return dict(states()["WaitForCallback"])


@pytest.mark.check
def test_a_wait_for_a_callback_ends_in_a_poll_whether_or_not_one_comes() -> None:
    caught = {error: rule["Next"] for rule in wait_for_callback()["Catch"] for error in rule["ErrorEquals"]}
    assert next_of("DecideNext", "awaiting_callback") == "WaitForCallback"
    assert (wait_for_callback()["Next"], caught["States.Timeout"]) == ("PollGeneration", "PollGeneration")


@pytest.mark.check
def test_trouble_of_the_wait_itself_leads_to_a_poll_after_the_same_time_and_not_at_once() -> None:
    caught = {error: rule["Next"] for rule in wait_for_callback()["Catch"] for error in rule["ErrorEquals"]}
    assert states()[caught["States.ALL"]]["Type"] == "Wait"
    assert states()[caught["States.ALL"]]["SecondsPath"] == wait_for_callback()["TimeoutSecondsPath"]
    assert states()[caught["States.ALL"]]["Next"] == "PollGeneration"


@pytest.mark.check
def test_what_ends_a_wait_for_a_callback_leaves_nothing_in_the_state() -> None:
    assert wait_for_callback()["ResultPath"] is None
    assert "Retry" not in wait_for_callback()


@pytest.mark.check
def test_every_state_says_what_has_been_paid_when_it_is_entered() -> None:
    silent = [name for name, state in states().items() if "aid so far" not in state["Comment"]]
    assert silent == []


def test_a_link_that_kept_a_run_waiting_is_fetched_once_more_and_then_settled() -> None:
    prepare = states()["PrepareReference"]
    first = next(each for each in prepare["Retry"] if {"SlowLinkError", "States.ALL"} & set(each["ErrorEquals"]))
    assert (first["ErrorEquals"], first["MaxAttempts"]) == (["SlowLinkError"], 1)
    assert [each["Next"] for each in prepare["Catch"] if each["ErrorEquals"] == ["States.ALL"]] == ["SettleJob"]
