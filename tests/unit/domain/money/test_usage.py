"""Usage equals the ledger: counted with a job's end, listed by day and model, and published once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import EntryKind, grant_of
from fermata.domain.money.reports.day_pages import LONGEST_SPAN_DAYS, DayList, DayPage, parse_day_page
from fermata.domain.money.reports.usage_groups import UsageRequest
from fermata.domain.money.usage import (
    Usage,
    usage_event,
    usage_of,
)
from fermata.domain.money.wallet import empty_wallet
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.failures import Failure
from fermata.errors import InvalidRequestError, StaleRecordError, TransientError
from fermata.use_cases.accounts.read_usage import read_usage
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.wiring.generation import settle_ports
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_in_memory
from tests.fakes.money.orders import delivered
from tests.fakes.world import World
from tests.songs import JOB_ID, candidate, delivered_job, queued_job, rate_limited, ready_job, stored_track, suno_job
from tests.support.cloud import AnswersInstead, aws_error, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LATE: datetime = datetime(2026, 11, 21, 23, 59, 59, 999000, tzinfo=UTC)
DURATION_MS: int = stored_track().duration_ms


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    made = (
        ledger_in_memory() if request.param == "in_memory" else ledger_in_dynamodb(request.getfixturevalue("dynamodb"))
    )
    made.wallets.open(empty_wallet("acme", NOON))
    made.wallets.grant(grant_of("acme", 10_000, "0000-grant", NOON))
    return made


def job_id(number: int) -> str:
    return new_job_id(NOON, bytes([number] * 10))


def failed(ledger: Ledger, number: int, at: datetime = NOON, failure: Failure | None = None) -> Job:
    job = queued_job(id=job_id(number))
    ledger.jobs.create(job)
    end = job.settled(failure or rate_limited(), at)
    ledger.jobs.settle(end)
    return end


def sang(ledger: Ledger, number: int, at: datetime = NOON) -> Job:
    end = delivered(ledger, id=job_id(number)).model_copy(update={"finished_at": at})
    ledger.jobs.settle(end)
    return end


def listed(ledger: Ledger, first: date, last: date, **page: object) -> tuple[list[Usage], str | None]:
    return ledger.usage.find(DayPage(DayList("acme", first, last), **page))  # type: ignore[arg-type]


# ---- what is counted


def test_a_delivered_job_counts_its_price_and_the_length_of_its_songs() -> None:
    chain = (candidate("minimax"), candidate("aimlapi"))
    ready = ready_job(candidate=1).model_copy(update={"candidates": chain})
    two = (stored_track(), stored_track().model_copy(update={"number": 2}))
    usage = usage_of(ready.with_tracks(two, NOON).settled(None, NOON))
    assert usage == Usage(
        tenant_id="acme",
        day=NOON.date(),
        model=chain[1].model,
        jobs=1,
        succeeded=1,
        credits=chain[1].price_credits,
        unit_thousandths=1000,
        audio_ms=2 * DURATION_MS,
    )


@pytest.mark.parametrize(
    "end",
    [
        queued_job().settled(rate_limited(), NOON),
        queued_job().canceled(NOON),
        ready_job().with_tracks((stored_track(),), NOON).expired(rate_limited(), NOON),
    ],
    ids=["failed", "canceled", "expired with a song"],
)
def test_any_other_end_counts_a_job_that_costs_nothing(end: Job) -> None:
    usage = usage_of(end)
    assert (usage.jobs, usage.succeeded, usage.credits, usage.audio_ms) == (1, 0, 0, 0)


def test_a_part_of_the_songs_counts_its_share_and_its_length() -> None:
    end = suno_job(2).settled(None, NOON)
    assert (usage_of(end).credits, usage_of(end).audio_ms, usage_of(end).succeeded) == (10, DURATION_MS, 1)
    assert usage_event(end).detail["credits"] == usage_event(tombstone_of(end, NOON)).detail["credits"] == 10


def test_an_open_job_counts_nothing() -> None:
    with pytest.raises(AssertionError, match="queued job has not ended"):
        usage_of(queued_job())


def test_usage_adds_up_by_day_and_model_and_equals_the_ledger(ledger: Ledger) -> None:
    sang(ledger, 1, LATE)
    sang(ledger, 2, LATE + timedelta(milliseconds=1))
    sang(ledger, 3, LATE + timedelta(milliseconds=1))
    failed(ledger, 4, LATE)
    ledger.jobs.create(queued_job(id=job_id(5)))
    used = ledger.used()
    figures = [(str(row.day), row.model, row.jobs, row.succeeded, row.credits, row.audio_ms) for row in used]
    assert figures == [
        ("2026-11-21", "minimax/music-2.5", 2, 1, 30, DURATION_MS),
        ("2026-11-22", "minimax/music-2.5", 2, 2, 60, 2 * DURATION_MS),
    ]
    settled = [entry.credits for entry in ledger.entries("acme") if entry.kind is EntryKind.SETTLE]
    assert sum(row.credits for row in used) == sum(settled) == ledger.wallet().spent == 90


def test_a_job_that_is_settled_again_is_counted_once(ledger: Ledger) -> None:
    end = sang(ledger, 1)
    for again in (end, end.model_copy(update={"version": end.version + 1})):
        with pytest.raises(StaleRecordError):
            ledger.jobs.settle(again)
    ledger.jobs.save(end.published())
    assert [(row.jobs, row.credits) for row in ledger.used()] == [(1, 30)]


def test_a_deleted_job_stays_counted(ledger: Ledger) -> None:
    end = sang(ledger, 1)
    ledger.jobs.save(end.published())
    ledger.jobs.forget(tombstone_of(end.published(), NOON))
    assert [(row.jobs, row.credits) for row in ledger.used()] == [(1, 30)]


def test_a_tenant_sees_its_own_usage_of_the_requested_days(ledger: Ledger) -> None:
    for number in range(4):
        failed(ledger, number, NOON + timedelta(days=number))
    days = [row.day.day for row in listed(ledger, date(2026, 11, 22), date(2026, 11, 23))[0]]
    assert days == [22, 23]
    assert ledger.used("other") == []


def test_each_page_leads_to_the_next(ledger: Ledger) -> None:
    for number in range(5):
        failed(ledger, number, NOON + timedelta(days=number))
    of = DayList("acme", date(2026, 11, 1), date(2026, 11, 30))
    days: list[int] = []
    cursor: str | None = None
    for _ in range(9):
        page = DayPage(of, 2, None if cursor is None else of.place_of(cursor))
        found, cursor = read_usage(UsageRequest(page), ledger.usage)
        days += [row.day.day for row in found if row.day]
        if cursor is None:
            break
    assert days == [21, 22, 23, 24, 25]


def test_usage_that_cannot_be_read_is_transient(dynamodb: "DynamoDBClient") -> None:
    AnswersInstead(dynamodb, "Query", aws_error("InternalServerError", "canary"))
    with pytest.raises(TransientError) as caught:
        ledger_in_dynamodb(dynamodb).used()
    assert "canary" not in str(caught.value)


# ---- what is requested


def test_without_days_it_is_this_month_until_today() -> None:
    assert parse_day_page("acme", "", {}, NOON) == DayPage(DayList("acme", date(2026, 11, 1), date(2026, 11, 21)))
    in_may = parse_day_page("acme", "", {"to": "2026-05-03"}, NOON)
    assert (in_may.of.first, in_may.of.last) == (date(2026, 5, 1), date(2026, 5, 3))


def test_the_longest_span_is_allowed() -> None:
    first = date(2026, 11, 21) - timedelta(days=LONGEST_SPAN_DAYS - 1)
    assert parse_day_page("acme", "", {"from": str(first)}, NOON).of.first == first


@pytest.mark.parametrize(
    ("parameters", "pointers"),
    [
        ({"from": "yesterday"}, ["/from"]),
        ({"to": "2026-02-30"}, ["/to"]),
        ({"from": "20261101"}, ["/from"]),
        ({"from": "2026-W47-1"}, ["/from"]),
        ({"from": "2026-11-01T00:00:00Z"}, ["/from"]),
        ({"from": "٢٠٢٦-١١-٠١"}, ["/from"]),  # noqa: RUF001 - digits that are not ASCII
        ({"from": "", "to": ""}, ["/to", "/from"]),
        ({"from": "2026-11-22"}, ["/from"]),
        ({"from": "2026-11-02", "to": "2026-11-01"}, ["/from"]),
        ({"from": "2026-08-21"}, ["/from"]),
        ({"from": "0001-01-01", "to": "9999-12-31"}, ["/from"]),
        ({"limit": "0"}, ["/limit"]),
        ({"limit": "1001"}, ["/limit"]),
        ({"limit": "ten"}, ["/limit"]),
        ({"cursor": "x"}, ["/cursor"]),
        ({"cursor": "é"}, ["/cursor"]),
        ({"cursor": ""}, ["/cursor"]),
    ],
)
def test_a_range_of_days_that_makes_no_sense_is_refused_by_name(
    parameters: dict[str, str], pointers: list[str]
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_day_page("acme", "", parameters, NOON)
    assert [field.pointer for field in caught.value.fields] == pointers


def test_a_cursor_belongs_to_its_tenant_and_days() -> None:
    of = DayList("acme", date(2026, 11, 1), date(2026, 11, 21))
    cursor = of.cursor_after("2026-11-05#minimax/music-2.5+")
    assert parse_day_page("acme", "", {"cursor": cursor}, NOON).after == "2026-11-05#minimax/music-2.5+"
    for tenant_id, more in (("other", {}), ("acme", {"from": "2026-11-02"})):
        with pytest.raises(InvalidRequestError, match="/cursor"):
            parse_day_page(tenant_id, "", {"cursor": cursor, **more}, NOON)


# ---- what is published


def test_a_settled_job_publishes_its_usage_beside_its_end() -> None:
    world = World()
    world.jobs.create(ready_job().with_tracks((stored_track(),), NOON))
    settle_job(JOB_ID, None, settle_ports(), NOON)
    settle_job(JOB_ID, None, settle_ports(), NOON)
    (event,) = world.events.usage
    assert event.detail == {
        "event_id": f"{JOB_ID}.usage",
        "job_id": JOB_ID,
        "tenant_id": "acme",
        "day": "2026-11-21",
        "model": "minimax/music-2.5",
        "status": "succeeded",
        "charged": "yes",
        "credits": 30,
        "unit": "song",
        "units": 1,
        "audio_ms": DURATION_MS,
        "key_id": None,
        "finished_at": "2026-11-21T12:00:00.000Z",
    }
    assert len(world.events.published) == 1


def test_the_events_of_a_tenant_add_up_to_its_usage() -> None:
    world = World()
    for number in range(3):
        world.jobs.create(ready_job().model_copy(update={"id": job_id(number)}).with_tracks((stored_track(),), NOON))
    world.jobs.create(queued_job(id=job_id(3)))
    for number in range(4):
        settle_job(job_id(number), "Execution.ABORTED", settle_ports(), NOON)
    (row,) = world.jobs.usage.find(DayPage(DayList("acme", NOON.date(), NOON.date())))[0]
    told = [event.detail for event in world.events.usage]
    assert (row.jobs, row.credits) == (len(told), sum(int(str(detail["credits"])) for detail in told)) == (4, 90)
    assert row.audio_ms == sum(int(str(detail["audio_ms"])) for detail in told)


def test_a_job_that_was_deleted_before_publishes_usage_without_a_length() -> None:
    detail = usage_event(tombstone_of(delivered_job(), NOON)).detail
    assert (detail["credits"], detail["audio_ms"], detail["units"]) == (30, None, None)
    assert detail["event_id"] == f"{JOB_ID}.usage"
