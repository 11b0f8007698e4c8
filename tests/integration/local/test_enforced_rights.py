"""The laptop enforces the template's policies: what no statement allows fails as on AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration import cloud_process as processes
from tests.integration.song import Cloud, request

LACKING = ("KeepToPauses", "dynamodb:BatchGetItem")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud whose StartGenerationFunction lacks one right."""
    scratch = tmp_path_factory.mktemp("lacking")
    arguments = ["--port", "0", "--in-memory", "--state-dir", str(scratch / "state"), "--time-scale", "20"]
    command = ("-m", "tests.integration.local.rights_main", *LACKING)
    with processes.cloud_process([*arguments, *processes.testing_parameters()], scratch, command) as process:
        yield Cloud(process.line())


def _log(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    lines = (Path(cloud.line["logs_dir"]) / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_job_fails_where_its_function_lacks_a_right_and_a_log_names_it(cloud: Cloud) -> None:
    job = cloud.made(request("a right is missing"))
    assert job["status"] == "failed"
    errors = {line.get("errorMessage") for line in _log(cloud, "StartGenerationFunction")}
    assert "the table could not be read: AccessDeniedException" in errors
    refusals = _log(cloud, "refusals")
    assert {refusal["action"] for refusal in refusals} == {LACKING[1]}
    role = "assumed-role/fermata-StartGenerationFunctionRole/fermata-StartGenerationFunction"
    assert refusals[0]["message"] == (
        f"User: arn:aws:sts::123456789012:{role} is not authorized to perform: dynamodb:BatchGetItem on "
        f"resource: arn:aws:dynamodb:eu-west-1:123456789012:table/{cloud.line['outputs']['TableName']} because no "
        "identity-based policy allows the dynamodb:BatchGetItem action"
    )


def test_each_used_right_is_written_down_once(cloud: Cloud) -> None:
    used = [(line["role"], line["statement"], line["action"]) for line in _log(cloud, "used-rights")]
    assert ("fermata-SubmitJobFunctionRole", "fermata-StartJobsPolicy/StartJobs", "states:StartExecution") in used
    assert len(used) == len(set(used))
    given = {(line["role"], line["statement"], line["action"]) for line in _log(cloud, "given-rights")}
    # What a resource's own policy gives stands in no role.
    assert {use for use in used if not use[1].startswith("resource ")} <= given
    assert not any(LACKING[0] in statement and action == LACKING[1] for _, statement, action in used)
    machine = "fermata-MusicJobMachineRole"
    assert (machine, "MusicJobMachineRolePolicy0/RunTheJobsFunctions", "lambda:InvokeFunction") in used


def test_the_administrator_may_do_what_no_role_may(cloud: Cloud) -> None:
    table = cloud.line["outputs"]["TableName"]
    assert cloud.aws("dynamodb").scan(TableName=table, Limit=1)["Count"] == 1
