"""What may be requested of a list of jobs, and cursors that lead nowhere but to the next page of the same list."""

from datetime import date, timedelta

import pytest

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.status import JobStatus
from fermata.domain.lists.job_list import JobList
from fermata.domain.lists.page import PageRequest, parse_page_request
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
        *(
            pytest.param(of.cursor_after(JOB_ID), id=f"of_another_list_{number}")
            for number, of in enumerate(
                [
                    JobList("acme", model="minimax/music-2.5"),
                    JobList("acme", first=date(2026, 11, 1)),
                    JobList("acme", last=date(2026, 11, 1)),
                    JobList("acme", metadata=(("order", "42"),)),
                ]
            )
        ),
        pytest.param("A" * 100_000, id="endless"),
    ],
)
def test_a_cursor_that_was_not_made_for_this_list_is_refused(cursor: str) -> None:
    expected = "must be the next_cursor of a page of this list: the same tenant's, with the same filters"
    assert wrong(cursor=cursor) == {"/cursor": expected}


def test_a_list_has_the_tenants_jobs_of_its_status_and_no_deleted_ones() -> None:
    assert MINE.has(queued_job())
    assert JobList("acme", JobStatus.QUEUED).has(queued_job())
    assert not JobList("acme", JobStatus.FAILED).has(queued_job())
    assert not JobList("other").has(queued_job())
    assert not MINE.has(tombstone_of(delivered_job(), NOON))


def test_a_list_may_be_of_a_model_of_days_and_of_metadata_all_at_once() -> None:
    asked = {
        "status": "failed",
        "model": "minimax/music-2.5",
        "from": "2026-11-01",
        "to": "2026-11-30",
        "metadata.order": "42",
        "metadata.a.b": "",
    }
    of = parse_page_request("acme", asked).of
    days = (date(2026, 11, 1), date(2026, 11, 30))
    assert of == JobList("acme", JobStatus.FAILED, "minimax/music-2.5", *days, (("order", "42"), ("a.b", "")))
    assert parse_page_request("acme", {**asked, "cursor": of.cursor_after(JOB_ID)}).before == JOB_ID
    in_another_order = dict(sorted(asked.items(), reverse=True)) | {"cursor": of.cursor_after(JOB_ID)}
    assert parse_page_request("acme", in_another_order).before == JOB_ID


@pytest.mark.parametrize(
    ("parameters", "pointer", "expected"),
    [
        ({"from": "2026-13-01"}, "/from", "must be a day, such as 2026-11-21"),
        ({"to": "yesterday"}, "/to", "must be a day, such as 2026-11-21"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "/from", "must not be later than to, which is 2026-11-01"),
        ({"model": ""}, "/model", "must be a model's id of 1 to 100 characters"),
        ({"model": "m" * 101}, "/model", "must be a model's id of 1 to 100 characters"),
        ({"metadata.": "x"}, "/metadata.", "must have a name of 1 to 40 characters after `metadata.`"),
        ({"metadata." + "n" * 41: "x"}, "/metadata." + "n" * 41, "must have a name of 1 to 40 characters"),
        ({"metadata.a": "x" * 501}, "/metadata.a", "must be at most 500 characters"),
        ({f"metadata.{number}": "x" for number in range(17)}, "/metadata", "must be at most 16 names"),
    ],
)
def test_a_filter_that_no_job_could_fit_is_refused_with_what_was_expected(
    parameters: dict[str, str], pointer: str, expected: str
) -> None:
    found = wrong(**parameters)
    assert list(found) == [pointer]
    assert found[pointer].startswith(expected)


def test_no_list_of_days_is_too_long_or_too_far_away() -> None:
    for first, last in (("0001-01-01", "9999-12-31"), ("1969-12-31", "1970-01-01"), ("9999-12-31", "9999-12-31")):
        of = parse_page_request("acme", {"from": first, "to": last}).of
        assert of.has(queued_job()) is (first == "0001-01-01")


def test_texts_of_one_filter_are_never_read_as_another() -> None:
    lists = [
        JobList("acme", metadata=(("a", "1"), ("b", "2"))),
        JobList("acme", metadata=(("a", '1"], ["b", "2'),)),
        JobList("acme", model="a", metadata=(("b", "2"),)),
        JobList("acme", model='a", "b'),
    ]
    assert len({of.cursor_after(JOB_ID) for of in lists}) == len(lists)


def test_a_job_belongs_to_the_day_of_its_id_in_utc() -> None:
    day, midnight = NOON.date(), NOON.replace(hour=0)
    first, last = (
        queued_job(id=new_job_id(moment, bytes(10)))
        for moment in (midnight, midnight + timedelta(days=1) - timedelta(milliseconds=1))
    )
    of = JobList("acme", first=day, last=day)
    assert of.has(first)
    assert of.has(last)
    assert not JobList("acme", first=day + timedelta(days=1)).has(last)
    assert not JobList("acme", last=day - timedelta(days=1)).has(first)


def test_a_job_is_of_the_model_that_was_ordered_and_has_to_have_all_metadata() -> None:
    job = queued_job()
    job = job.model_copy(update={"request": job.request.model_copy(update={"metadata": {"a": "1", "b": "2"}})})
    assert JobList("acme", model=job.ordered_model, metadata=(("a", "1"), ("b", "2"))).has(job)
    for other in (JobList("acme", model="another"), JobList("acme", metadata=(("a", "1"), ("b", "3")))):
        assert not other.has(job)
    assert not JobList("acme", metadata=(("c", ""),)).has(job), "a name that a job lacks is no empty value"
