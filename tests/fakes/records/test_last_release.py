"""This release reads what the last one stored, whatever its items look like."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.domain.jobs.status import JobStatus
from tests.fakes.records.stored import RELEASES, items_of, lists_with, name_of, put, reads_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_every_record_of_a_release_is_read(
    dynamodb: "DynamoDBClient", release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = items_of(release)
    stored = put(dynamodb, items)
    for item in items:
        rest = item["pk"]["S"].partition("#")[2]
        assert all(reader(stored, rest) is not None for reader in reads_of(item)), name_of(item)
        for reader in lists_with(item):
            reader(stored, rest)
    jobs = {item["pk"]["S"].removeprefix("JOB#"): item["status"]["S"] for item in items if item["sk"]["S"] == "JOB"}
    found = {job.id: job.status.value for job in DynamoJobStore(stored).load_all([*jobs])}
    assert found == jobs
    assert {JobStatus.SUCCEEDED, JobStatus.FAILED} <= {*map(JobStatus, jobs.values())}
    assert "UnreadableRecords" not in capsys.readouterr().out
