"""Fields that providers address to software agents stop at the staged answer.

`staging/` keeps a paid answer byte for byte, because it is the evidence of what was bought; it is private, nothing
reads it but the dialects' lists of known fields, and it goes after 30 days. Beyond it the fields are found nowhere.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from local.simulators.hints import HINT_CANARY, HINTS
from tests.integration.song import Cloud, request

MODELS = {
    "minimax": "minimax/music-2.5",
    "skillboss": "skillboss/music-2.5",
    "apiinone": "apiinone/minimax-music",
    "aimlapi": "aimlapi/minimax/music-2.0",
}
PLACES = [*((name, "create") for name in MODELS), ("apiinone", "poll"), ("aimlapi", "poll")]


@pytest.fixture(scope="module")
def jobs(cloud: Cloud) -> list[dict[str, Any]]:
    """A delivered job for every place at which a provider has such fields in its answer."""
    submitted = []
    for provider, place in PLACES:
        prompt = f"a song with a hint {provider} {place}"
        cloud.fault(provider, "hint", place, prompt)
        submitted.append(cloud.submit(request(prompt, model=MODELS[provider])))
    finished = [cloud.finished(job["id"]) for job in submitted]
    assert {job["status"] for job in finished} == {"succeeded"}
    return finished


def assert_free_of_hints(text: str) -> None:
    assert HINT_CANARY not in text
    assert not [name for name in HINTS if name in text]


def staged(cloud: Cloud, job_id: str) -> str:
    bucket = cloud.line["outputs"]["AudioBucketName"]
    body: bytes = cloud.aws("s3").get_object(Bucket=bucket, Key=f"staging/{job_id}/1")["Body"].read()
    return body.decode()


def test_the_hints_were_in_the_answers_and_are_in_the_staged_ones(cloud: Cloud, jobs: list[dict[str, Any]]) -> None:
    held = {place: HINT_CANARY in staged(cloud, job["id"]) for place, job in zip(PLACES, jobs, strict=True)}
    assert held == {(provider, place): place == "create" for provider, place in PLACES}


def test_no_answer_to_a_caller_has_them(cloud: Cloud, jobs: list[dict[str, Any]]) -> None:
    assert_free_of_hints(json.dumps([jobs, [cloud.attempts(job["id"]) for job in jobs]]))


def test_no_record_has_them(cloud: Cloud, jobs: list[dict[str, Any]]) -> None:
    pages = cloud.aws("dynamodb").get_paginator("scan").paginate(TableName=cloud.line["outputs"]["TableName"])
    items = [item for page in pages for item in page["Items"]]
    assert {f"JOB#{job['id']}" for job in jobs} <= {item["pk"]["S"] for item in items}
    assert_free_of_hints(json.dumps(items, default=str))


def test_no_event_of_an_execution_has_them(cloud: Cloud, jobs: list[dict[str, Any]]) -> None:
    stepfunctions = cloud.aws("stepfunctions")
    for job in jobs:
        events = stepfunctions.get_execution_history(executionArn=cloud.ended_execution(job["id"]))["events"]
        assert job["id"] in json.dumps(events, default=str)
        assert_free_of_hints(json.dumps(events, default=str))


def test_no_log_has_them(cloud: Cloud, jobs: list[dict[str, Any]]) -> None:
    logs = "".join(path.read_text("utf-8") for path in Path(cloud.line["logs_dir"]).glob("*.jsonl"))
    assert all(job["id"] in logs for job in jobs)
    assert_free_of_hints(logs)


def test_no_song_and_no_name_of_an_object_has_them(cloud: Cloud, jobs: list[dict[str, Any]]) -> None:
    s3, bucket = cloud.aws("s3"), cloud.line["outputs"]["AudioBucketName"]
    for job in jobs:
        [track] = s3.list_objects_v2(Bucket=bucket, Prefix=f"tracks/{job['id']}/")["Contents"]
        stored = s3.get_object(Bucket=bucket, Key=track["Key"])
        assert HINT_CANARY.encode() not in stored["Body"].read()
        assert_free_of_hints(json.dumps([track["Key"], stored["Metadata"], stored["ResponseMetadata"]], default=str))
