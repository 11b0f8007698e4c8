"""A tenant sees its own jobs page by page, each as it would be shown alone."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from moto import mock_aws
from pydantic import JsonValue

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.jobs.tenant_jobs import DynamoTenantJobs
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.api.responses import job as responses
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.lists.job_list import JobList
from fermata.domain.lists.page import PageOfIds, PageOfJobs, PageRequest, parse_page_request
from fermata.domain.orders.job_id import new_job_id
from fermata.log import logger
from fermata.use_cases.orders.list_jobs import ListPorts, list_jobs
from fermata.use_cases.orders.read_jobs import show_job
from fermata.wiring.orders import list_ports, read_ports
from tests.fakes.clock import NOON
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.fakes.world import World
from tests.songs import PROMPT, delivered_job, queued_job
from tests.support.cloud import TABLE, dynamodb_with_table

API = "https://api.example.com"
LAMBDA_ANSWERS_BYTES = 6_291_456


def submitted(world: World, minute: int, **changes: object) -> Job:
    now = NOON + timedelta(minutes=minute)
    job = queued_job(now=now).model_copy(update={"id": new_job_id(now, bytes(10)), **changes})
    world.jobs.create(job)
    return job


def listed(parameters: dict[str, str]) -> dict[str, JsonValue]:
    found = list_jobs(parse_page_request("acme", parameters), list_ports(), NOON)
    return responses.JobList.of(found, API).as_json()


class OutdatedIndex:
    """Finds what was there a moment ago."""

    def __init__(self, *job_ids: str) -> None:
        self.job_ids = job_ids

    def find(self, _: PageRequest) -> PageOfIds:
        return PageOfIds(self.job_ids, None)


def test_every_job_is_shown_as_it_is_alone() -> None:
    world = World()
    jobs = [submitted(world, 2), delivered_job()]
    world.jobs.create(jobs[1])
    page = list_jobs(PageRequest(JobList("acme")), list_ports(), NOON)
    shown = [show_job(job, read_ports(), NOON) for job in sorted(jobs, key=lambda job: job.id, reverse=True)]
    assert page.jobs == tuple(shown)
    bodies = [responses.Job.of(view, API).as_json() for view in shown]
    assert responses.JobList.of(page, API).as_json() == {"data": bodies, "next_cursor": None}


def test_an_unreadable_record_hides_no_other_job_and_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(logger, "error", lambda message, extra: logged.append((message, extra)))
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        store, lists = (
            DynamoJobStore(DynamoTransactions(client, TABLE)),
            DynamoTenantJobs(DynamoTransactions(client, TABLE)),
        )
        broken, whole = (queued_job(id=new_job_id(NOON, bytes([number] * 10))) for number in range(2))
        for job in (broken, whole):
            store.create(job)
        client.delete_item(TableName=TABLE, Key={"pk": {"S": f"JOB#{broken.id}"}, "sk": {"S": "REQUEST"}})
        World()
        ports = list_ports()
        ports = replace(ports, show=replace(ports.show, jobs=store), lists=lists)
        page = list_jobs(PageRequest(JobList("acme")), ports, NOON)
    assert [view.job for view in page.jobs] == [whole]
    ((message, said),) = logged
    assert message == "a stored record cannot be read"
    assert (said["record"], said["reason"]) == (f"JOB#{broken.id}", "KeyError")
    assert PROMPT not in json.dumps(said)


def test_the_cursor_of_a_page_leads_to_the_next_and_the_last_has_none() -> None:
    world = World()
    jobs = [submitted(world, minute) for minute in range(3)]
    shown, parameters = [], {"limit": "2"}
    while True:
        page = listed(parameters)
        assert isinstance(page["data"], list)
        shown.append([job["id"] for job in page["data"] if isinstance(job, dict)])
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = str(page["next_cursor"])
    assert shown == [[jobs[2].id, jobs[1].id], [jobs[0].id]]


def test_a_page_is_cut_at_the_response_limit_of_lambda_and_the_next_continues_there() -> None:
    world = World()
    words = {"\U0001f600" * 39 + chr(ord("a") + n): "\U0001f600" * 500 for n in range(16)}
    request = queued_job().request.model_copy(update={"metadata": words})
    jobs = [submitted(world, minute, request=request) for minute in range(60)]
    shown, parameters, pages = [], {"limit": "100"}, 0
    while True:
        page = listed(parameters)
        assert len(json.dumps({"body": json.dumps(page)})) < LAMBDA_ANSWERS_BYTES
        assert isinstance(page["data"], list)
        shown += [job["id"] for job in page["data"] if isinstance(job, dict)]
        pages += 1
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = str(page["next_cursor"])
    assert (shown, pages) == ([job.id for job in reversed(jobs)], 2)


@pytest.mark.parametrize(
    ("of", "changes"),
    [
        pytest.param(JobList("acme"), {"tenant_id": "other"}, id="another_tenants"),
        pytest.param(JobList("acme", JobStatus.FAILED), {}, id="moved_on_to_another_status"),
        pytest.param(JobList("acme"), {"deleted_at": NOON}, id="deleted"),
    ],
)
def test_what_the_index_still_names_is_shown_only_if_it_belongs_to_the_list(
    of: JobList, changes: dict[str, object]
) -> None:
    world = World()
    job = submitted(world, 1, **changes)
    ports = ListPorts(read_ports(), OutdatedIndex(job.id, "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"))
    assert list_jobs(PageRequest(of), ports, NOON) == PageOfJobs(of, (), None)
