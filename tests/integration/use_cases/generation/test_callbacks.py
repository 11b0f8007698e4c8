"""A provider's callback saves polls and time, and can do nothing else."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.song import Cloud, request
from tests.integration.suno_provider import SunoProvider, suno_provider

SUNO = "apiinone/suno"
NEVER_S = 300
CLAIM = (
    b'{"code": 200, "data": {"type": "SUCCESS", "response_data": [{"audio_url": "https://forged.example.com/a.mp3"}]}}'
)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def polls(cloud: Cloud, job_id: str) -> int:
    return cloud.states(job_id).count("PollGeneration")


# ---- the simulated provider calls back by itself


@pytest.fixture(scope="module")
def patient(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud that would wait for minutes if it were not called back."""
    return start_cloud("--provider-latency", "1", "--param", f"CallbackTimeoutSeconds={NEVER_S}")


@pytest.mark.parametrize("fault", [None, "callback_twice", "callback_early", "callback_forged"])
def test_a_song_is_made_by_callback_whatever_else_is_posted(patient: Cloud, fault: str | None) -> None:
    prompt = f"called back {fault}"
    if fault:
        patient.fault("apiinone", fault, "callback", prompt)
    begun = time.monotonic()
    job = patient.made(request(prompt, model=SUNO))

    assert job["status"] == "succeeded", job["error"]
    assert time.monotonic() - begun < NEVER_S / 2
    assert len(job["tracks"]) == 2
    assert len(patient.posts("apiinone", sha256(prompt))) == 1
    entered = patient.states(job["id"])
    assert (entered[-1], entered.count("StoreAudio")) == ("StoreAudio", 1)
    assert "WaitForProvider" not in entered
    used = (Path(patient.line["logs_dir"]) / "used-rights.jsonl").read_text("utf-8")
    assert '"states:SendTaskSuccess"' in used, "the end of the wait was not judged"
    # One look for each post at most: the first stage and the end, each twice or with one more.
    assert 1 <= polls(patient, job["id"]) <= {None: 2, "callback_twice": 4}.get(fault, 3)


def test_the_same_words_become_the_same_songs_with_and_without_a_callback(patient: Cloud, cloud: Cloud) -> None:
    cloud.fault("apiinone", "callback_lost", "callback", "the same words")
    called, polled = (each.made(request("the same words", model=SUNO)) for each in (patient, cloud))
    assert [track["source_sha256"] for track in called["tracks"]] == [
        track["source_sha256"] for track in polled["tracks"]
    ]


def test_a_lost_callback_costs_one_poll_at_the_timeout(cloud: Cloud) -> None:
    cloud.fault("apiinone", "callback_lost", "callback", "a lost callback")
    job = cloud.made(request("a lost callback", model=SUNO))
    assert job["status"] == "succeeded", job["error"]
    assert cloud.states(job["id"]).count("WaitForCallback") == polls(cloud, job["id"]) == 1


# ---- a provider that calls back when the test says so


@pytest.fixture(scope="module")
def provider() -> Iterator[SunoProvider]:
    with suno_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def steered(start_cloud: Callable[..., Cloud], provider: SunoProvider) -> Cloud:
    settings = [f"CallbackTimeoutSeconds={NEVER_S}", f"GenerationTimeoutSeconds={NEVER_S}"]
    parameters = [part for setting in settings for part in ("--param", setting)]
    return start_cloud("--provider", f"apiinone={provider.origin}", "--provider-key", "apiinone=key", *parameters)


@pytest.fixture
def waiting(steered: Cloud, provider: SunoProvider, request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """The prompt and the job of an order that the provider works on, whose machine waits for a callback and slept
    through the one that says so.
    """
    prompt = f"steered by {request.node.name}"
    provider.done = False
    job = steered.submit(song(prompt))
    steered.until(lambda: steered.states_so_far(job["id"])[-1:] == ["WaitForCallback"])
    assert provider.call_back(prompt).status_code == 204
    return prompt, job


def song(prompt: str) -> dict[str, Any]:
    return request(prompt, model=SUNO)


def finish(cloud: Cloud, provider: SunoProvider, prompt: str, job_id: str) -> dict[str, Any]:
    """Let the song be done and say so until the job has ended; a post may have come before the wait."""
    provider.done = True
    provider.call_back(prompt)
    return cloud.finished(job_id)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"", "text/plain", id="empty"),
        pytest.param(b"{", "application/json", id="broken_json"),
        pytest.param(CLAIM, "application/json", id="claims_success"),
        pytest.param(b'{"data": {"type": "FAILED"}}', "application/json", id="claims_failure"),
        pytest.param(b"\xff\x00" * 524_288, "application/octet-stream", id="a_megabyte"),
    ],
)
def test_what_a_callback_says_is_ignored_and_the_poll_decides(
    steered: Cloud, provider: SunoProvider, waiting: tuple[str, dict[str, Any]], body: bytes, content_type: str
) -> None:
    prompt, job = waiting
    assert provider.call_back(prompt, body, content_type).status_code == 204
    steered.until(lambda: provider.looks(prompt) == 1)
    assert steered.job(job["id"])["status"] == "generating"
    ended = finish(steered, provider, prompt, job["id"])
    assert ended["status"] == "succeeded", ended["error"]
    assert provider.looks(prompt) == 2


def test_a_callback_after_settlement_changes_nothing(
    steered: Cloud, provider: SunoProvider, waiting: tuple[str, dict[str, Any]]
) -> None:
    prompt, job = waiting
    ended = finish(steered, provider, prompt, job["id"])
    entered, looks = steered.states(job["id"]), provider.looks(prompt)
    for body in (b"", CLAIM):
        assert provider.call_back(prompt, body).status_code == 204
    after = steered.job(job["id"])
    assert {**after, "tracks": []} == {**ended, "tracks": []}
    assert [track["sha256"] for track in after["tracks"]] == [track["sha256"] for track in ended["tracks"]]
    assert (steered.states(job["id"]), provider.looks(prompt)) == (entered, looks)


def test_a_job_that_was_stopped_is_not_woken(
    steered: Cloud, provider: SunoProvider, waiting: tuple[str, dict[str, Any]]
) -> None:
    prompt, job = waiting
    steered.aws("stepfunctions").stop_execution(executionArn=steered.execution(job["id"]))
    ended = steered.finished(job["id"])
    provider.done = True
    assert provider.call_back(prompt).status_code == 204
    assert (steered.job(job["id"]), ended["status"], provider.looks(prompt)) == (ended, "failed", 0)


def test_an_address_is_in_no_log_and_in_no_record(
    steered: Cloud, provider: SunoProvider, waiting: tuple[str, dict[str, Any]]
) -> None:
    prompt, job = waiting
    token = provider.address(prompt).rpartition("/")[2]
    assert len(token) == 43
    finish(steered, provider, prompt, job["id"])
    provider.call_back(prompt, CLAIM)
    logs = {path: path.read_bytes() for path in Path(steered.line["logs_dir"]).iterdir()}
    assert any(b"callback received" in text for text in logs.values())
    assert any(b"/v1/callbacks/{token}" in text for text in logs.values())
    assert [path.name for path, text in logs.items() if token.encode() in text or b"forged.example.com" in text] == []
    table = steered.line["outputs"]["TableName"]
    assert token not in str(steered.aws("dynamodb").scan(TableName=table)["Items"])
    assert token not in str(steered.attempts(job["id"])) + str(steered.job(job["id"]))


def test_an_address_needs_no_key_and_a_wrong_one_reveals_nothing(steered: Cloud) -> None:
    with steered.http(api_key="fk_none") as http:
        unknown, malformed = (http.post(f"/v1/callbacks/{token}") for token in ("a" * 43, "a"))
        other_method = http.get(f"/v1/callbacks/{'a' * 43}")
    assert (unknown.status_code, unknown.content) == (204, b"")
    assert (malformed.status_code, other_method.status_code) == (404, 404)
    assert "a" * 43 not in unknown.text


def test_functions_and_callers_know_the_same_address(steered: Cloud) -> None:
    name = steered.line["outputs"]["ApiUrlParameterName"]
    assert steered.aws("ssm").get_parameter(Name=name)["Parameter"]["Value"] == steered.line["api_url"]


def test_without_an_address_to_hand_out_the_song_is_polled_for(steered: Cloud, provider: SunoProvider) -> None:
    name = steered.line["outputs"]["ApiUrlParameterName"]
    address = steered.aws("ssm").get_parameter(Name=name)["Parameter"]
    provider.done = True
    steered.aws("ssm").delete_parameter(Name=name)
    # A running function remembers the address.
    steered.start_anew("StartGenerationFunction")
    job = steered.made(song("without an address"))
    steered.aws("ssm").put_parameter(Name=name, Value=address["Value"], Type=address["Type"])
    assert job["status"] == "succeeded", job["error"]
    assert "WaitForCallback" not in steered.states(job["id"])
    assert "callback_url" not in provider.order("without an address")
