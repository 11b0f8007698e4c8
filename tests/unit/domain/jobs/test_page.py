"""What may be requested of a list of jobs, and cursors that lead nowhere but to the next page of the same list."""

import pytest

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.page import JobList, PageRequest, parse_page_request
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.job_id import new_job_id
from fermata.errors import InvalidRequestError
from tests.fakes.clock import NOON
from tests.songs import JOB_ID, delivered_job, queued_job

MINE = JobList("acme")
CURSOR = MINE.cursor_after(JOB_ID)


def wrong(**parameters: str) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        parse_page_request("acme", parameters)
    return {field.pointer: field.message for field in caught.value.fields}


def test_without_parameters_a_page_has_the_newest_twenty_jobs() -> None:
    assert parse_page_request("acme", {}) == PageRequest(MINE, 20, None)


@pytest.mark.parametrize("limit", [1, 20, 100])
def test_a_page_has_one_to_a_hundred_jobs(limit: int) -> None:
    assert parse_page_request("acme", {"limit": str(limit)}).limit == limit


@pytest.mark.parametrize("limit", ["0", "101", "-1", "+1", "1.0", "", " 1", "x", "²", "٣", "1" * 5000])
def test_any_other_limit_is_refused_with_the_bounds(limit: str) -> None:
    assert wrong(limit=limit) == {"/limit": "must be a whole number from 1 to 100"}


@pytest.mark.parametrize("status", JobStatus)
def test_a_list_can_be_filtered_by_every_status(status: JobStatus) -> None:
    assert parse_page_request("acme", {"status": status.value}).of == JobList("acme", status)


@pytest.mark.parametrize("status", ["", "SUCCEEDED", "done", "queued,failed", "queued "])
def test_any_other_status_is_refused_with_the_list(status: str) -> None:
    message = wrong(status=status)["/status"]
    assert message.startswith("must be one of queued, submitting, generating")


def test_every_wrong_parameter_is_named_at_once() -> None:
    assert set(wrong(status="x", limit="x")) == {"/status", "/limit"}


def test_a_cursor_leads_to_the_place_where_it_was_created() -> None:
    assert parse_page_request("acme", {"cursor": CURSOR}) == PageRequest(MINE, 20, JOB_ID)


def test_a_cursor_fits_into_a_query_as_it_is() -> None:
    for number in range(64):
        job_id = new_job_id(NOON, bytes([number * 4] * 10))
        cursor = MINE.cursor_after(job_id)
        assert cursor.isascii()
        assert cursor.replace("-", "").replace("_", "").isalnum()
        assert MINE.place_of(cursor) == job_id


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("", id="empty"),
        pytest.param("x", id="too_short_for_base64"),
        pytest.param(JOB_ID, id="a_job_id"),
        pytest.param(CURSOR + "=", id="padded"),
        pytest.param(CURSOR[:-1], id="cut"),
        pytest.param(CURSOR + "A", id="longer"),
        pytest.param(CURSOR + "\n", id="a_line_more"),
        pytest.param("B" + CURSOR[1:], id="changed_at_its_beginning"),
        pytest.param(CURSOR[:-2] + ("AA" if CURSOR[-2:] != "AA" else "BB"), id="changed_at_its_end"),
        pytest.param("雨" * 9, id="not_ascii"),
        pytest.param("_" * 51, id="bytes_that_are_no_text"),
        pytest.param(JobList("other").cursor_after(JOB_ID), id="of_another_tenant"),
        pytest.param(JobList("acme", JobStatus.FAILED).cursor_after(JOB_ID), id="of_another_status"),
        pytest.param("A" * 100_000, id="endless"),
    ],
)
def test_a_cursor_that_was_not_made_for_this_list_is_refused(cursor: str) -> None:
    expected = "must be the next_cursor of a page of this list: the same tenant's, with the same status"
    assert wrong(cursor=cursor) == {"/cursor": expected}


def test_a_list_has_the_tenants_jobs_of_its_status_and_no_deleted_ones() -> None:
    assert MINE.has(queued_job())
    assert JobList("acme", JobStatus.QUEUED).has(queued_job())
    assert not JobList("acme", JobStatus.FAILED).has(queued_job())
    assert not JobList("other").has(queued_job())
    assert not MINE.has(tombstone_of(delivered_job(), NOON))
