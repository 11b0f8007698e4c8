"""Every end of a job is one line of the log, and usage adds up in whatever groups it is asked for."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.attempt import StagedAt
from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import EntryKind
from fermata.domain.money.reports import usage_groups
from fermata.domain.money.reports.day_pages import DayList, DayPage
from fermata.domain.money.reports.usage_groups import UsageGroup, UsageRequest, parse_usage_request
from fermata.domain.money.reports.usage_log import LIST_NAME, UsageLine, booked_for, costs_of, line_of
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.failures import ProviderCharged, unknown_outcome
from fermata.errors import InvalidRequestError
from fermata.use_cases.accounts.read_usage import read_usage, read_usage_log
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_in_memory
from tests.fakes.money.orders import created, funded
from tests.fakes.world import World
from tests.functions import FakeContext, http_event, wired_app
from tests.songs import claimed_attempt, delivered_job, queued_job, rate_limited, ready_job, stored_track, suno_job
from tests.support.cloud import dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TODAY: date = NOON.date()
MODEL = "minimax/music-2.5"
DURATION_MS: int = stored_track().duration_ms


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return funded(
        ledger_in_memory() if request.param == "in_memory" else ledger_in_dynamodb(request.getfixturevalue("dynamodb")),
        10_000,
    )


def ended(ledger: Ledger, number: int, at: datetime = NOON, *, well: bool = True, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    """A job that ended, with a song or without one."""
    metadata = changes.pop("metadata", {})
    request = queued_job().request.model_copy(update={"metadata": metadata})
    job = created(ledger, id=new_job_id(NOON, bytes([number] * 10)), request=request, **changes)
    if well:
        for step in (
            job.claimed(claimed_attempt(), NOON),
            job.claimed(claimed_attempt(), NOON).with_outcome(ready_job().attempts[0], NOON),
        ):
            ledger.jobs.save(step)
        job = step.with_tracks((stored_track(),), NOON)
        ledger.jobs.save(job)
    end = job.settled(None if well else rate_limited(), at)
    ledger.jobs.settle(end)
    return end


def log(ledger: Ledger, limit: int = 100, first: date = TODAY, last: date = TODAY) -> list[UsageLine]:
    lines: list[UsageLine] = []
    page = DayPage(DayList("acme", first, last, LIST_NAME), limit)
    while True:
        found, cursor = read_usage_log(page, ledger.usage)
        lines += found
        if cursor is None:
            return lines
        page = DayPage(page.of, limit, page.of.place_of(cursor))


def groups(ledger: Ledger, *names: str, first: date = TODAY, last: date = TODAY) -> list[UsageGroup]:
    found, cursor = read_usage(UsageRequest(DayPage(DayList("acme", first, last)), names), ledger.usage)
    assert cursor is None
    return [group for group in found if isinstance(group, UsageGroup)]


# ---- the log


def test_an_end_is_one_line_with_key_model_units_credits_status_and_times(ledger: Ledger) -> None:
    end = ended(ledger, 1, NOON + timedelta(minutes=2), api_key_id="abcdefgh", metadata={"project": "spring"})
    assert log(ledger) == [
        UsageLine(
            tenant_id="acme",
            job_id=end.id,
            key_id="abcdefgh",
            model=MODEL,
            status=end.status,
            credits=30,
            unit="song",
            unit_thousandths=1000,
            audio_ms=DURATION_MS,
            created_at=NOON,
            finished_at=NOON + timedelta(minutes=2),
            metadata={"project": "spring"},
            cost_micro_usd=end.attempts[0].cost_micro_usd,
            booked_micro_usd=150_000,
        )
    ]


def test_the_log_stands_by_the_end_of_jobs_and_each_page_leads_to_the_next(ledger: Ledger) -> None:
    ends = [ended(ledger, number, NOON + timedelta(minutes=9 - number), well=number % 2 == 0) for number in range(5)]
    for limit in (1, 2, 5, 100):
        assert [line.job_id for line in log(ledger, limit)] == [end.id for end in reversed(ends)]


def test_the_log_has_the_days_that_are_asked_for_to_their_last_moment(ledger: Ledger) -> None:
    midnight = datetime.fromisoformat("2026-11-22T00:00:00Z")
    first, second = ended(ledger, 1, midnight - timedelta(milliseconds=1)), ended(ledger, 2, midnight)
    assert [line.job_id for line in log(ledger)] == [first.id]
    assert [line.job_id for line in log(ledger, first=midnight.date(), last=midnight.date())] == [second.id]


def test_a_deleted_job_keeps_its_line_without_its_metadata(ledger: Ledger) -> None:
    end = ended(ledger, 1, metadata={"customer": "Ada Lovelace"})
    ledger.jobs.save(end.published())
    ledger.jobs.forget(tombstone_of(end.published(), NOON))
    (line,) = log(ledger)
    assert (line.metadata, line.credits, int(line.units), line.audio_ms) == (None, 30, 1, DURATION_MS)
    assert "Ada" not in line.model_dump_json()


def test_deleting_a_job_that_ended_before_there_was_a_log_adds_no_line(dynamodb: "DynamoDBClient") -> None:
    ledger = funded(ledger_in_dynamodb(dynamodb), 100)
    end = ended(ledger, 1)
    ledger.jobs.save(end.published())
    key = {"pk": {"S": "USAGE#acme"}, "sk": {"S": f"LOG#{line_of(end).place}"}}
    dynamodb.delete_item(TableName="jobs", Key=key)
    ledger.jobs.forget(tombstone_of(end.published(), NOON))
    assert log(ledger) == []


def test_log_usage_and_ledger_say_the_same_credits(ledger: Ledger) -> None:
    for number in range(6):
        ended(ledger, number, NOON + timedelta(days=number % 3), well=number != 4)
    last = TODAY + timedelta(days=2)
    spent = sum(entry.credits for entry in ledger.entries("acme") if entry.kind is EntryKind.SETTLE)
    lines = log(ledger, last=last)
    assert sum(line.credits for line in lines) == sum(row.credits for row in ledger.used()) == spent == 150
    assert sum(line.units for line in lines) == sum(row.units for row in ledger.used()) == 5


# ---- what the operator's side of a line says


def test_a_bill_changes_the_costs_of_a_line_and_nothing_else(ledger: Ledger) -> None:
    claimed = created(ledger).claimed(claimed_attempt(cost_micro_usd=150_000), NOON)
    ledger.jobs.save(claimed)
    end = claimed.settled(unknown_outcome("cut"), NOON)
    ledger.jobs.settle(end)
    (before,) = log(ledger)
    assert (before.cost_micro_usd, before.unknown_micro_usd) == (0, end.attempts[0].cost_micro_usd)
    ledger.jobs.reconcile(end.with_bills({1: ProviderCharged.YES}, NOON), ())
    (after,) = log(ledger)
    assert (after.cost_micro_usd, after.unknown_micro_usd) == (end.attempts[0].cost_micro_usd, 0)
    assert after.model_copy(update={"cost_micro_usd": 0, "unknown_micro_usd": before.unknown_micro_usd}) == before


def test_a_bill_without_an_attempt_takes_what_was_booked_for_it_from_the_line(ledger: Ledger) -> None:
    claimed = created(ledger).claimed(claimed_attempt(cost_micro_usd=150_000), NOON)
    ledger.jobs.save(claimed)
    end = claimed.settled(unknown_outcome("cut"), NOON)
    ledger.jobs.settle(end)
    (before,) = log(ledger)
    ledger.jobs.reconcile(end.with_bills({1: ProviderCharged.NO}, NOON), ())
    (after,) = log(ledger)
    assert (before.booked_micro_usd, after.booked_micro_usd, after.unknown_micro_usd) == (150_000, 0, 0)


def test_an_attempt_that_another_job_bought_books_and_costs_nothing() -> None:
    bought = claimed_attempt(cost_micro_usd=150_000, provider_charged=ProviderCharged.YES)
    carried = bought.carried_over(StagedAt(job_id="job_first", attempt=1), NOON).found_kept(NOON)
    job = queued_job(attempts=(carried,))
    assert (booked_for(job), costs_of(job)) == (0, (0, 0))


def test_a_refund_lowers_a_cost_and_an_unpaid_attempt_has_none() -> None:
    attempt = claimed_attempt(cost_micro_usd=150_000, provider_charged=ProviderCharged.YES)
    job = queued_job(attempts=(attempt, attempt.model_copy(update={"refunded_micro_usd": 50_000})))
    assert costs_of(job) == (250_000, 0)
    assert costs_of(queued_job(attempts=(claimed_attempt(provider_charged=ProviderCharged.NO),))) == (0, 0)


# ---- groups


def test_usage_is_grouped_by_key_and_jobs_without_a_key_are_their_own_group(ledger: Ledger) -> None:
    for number, key in enumerate(("aaaaaaaa", None, "bbbbbbbb", "aaaaaaaa")):
        ended(ledger, number, api_key_id=key)
    told = [(group.key_id, group.jobs, group.credits, int(group.units)) for group in groups(ledger, "key")]
    assert told == [("aaaaaaaa", 2, 60, 2), ("bbbbbbbb", 1, 30, 1), (None, 1, 30, 1)]


def test_usage_is_grouped_by_a_field_of_the_metadata_and_a_deleted_job_moves_to_null(ledger: Ledger) -> None:
    ends = [ended(ledger, n, metadata={"project": each}) for n, each in enumerate(("spring", "autumn", "spring"))]
    ended(ledger, 9, metadata={"else": "spring"})
    by = "metadata.project"
    told = [(group.metadata, group.credits) for group in groups(ledger, by)]
    assert told == [(("project", "autumn"), 30), (("project", "spring"), 60), (("project", None), 30)]
    ledger.jobs.save(ends[0].published())
    ledger.jobs.forget(tombstone_of(ends[0].published(), NOON))
    told = [(group.metadata, group.credits) for group in groups(ledger, by)]
    assert told == [(("project", "autumn"), 30), (("project", "spring"), 30), (("project", None), 60)]


def test_usage_is_grouped_by_day_or_model_alone_and_by_several_at_once(ledger: Ledger) -> None:
    for number in range(4):
        ended(ledger, number, NOON + timedelta(days=number // 2), api_key_id="aaaaaaaa", well=number != 3)
    last = TODAY + timedelta(days=1)
    assert [(each.day, each.jobs) for each in groups(ledger, "day", last=last)] == [(TODAY, 2), (last, 2)]
    (all_,) = groups(ledger, "model", last=last)
    assert (all_.model, all_.day, all_.jobs, all_.succeeded, all_.credits) == (MODEL, None, 4, 3, 90)
    told = [(each.day, each.key_id, each.credits) for each in groups(ledger, "key", "day", last=last)]
    assert told == [(TODAY, "aaaaaaaa", 60), (last, "aaaaaaaa", 30)]


def test_units_of_different_kinds_are_never_added_up() -> None:
    line = line_of(delivered_job())
    other = line.model_copy(update={"unit": "minute", "unit_thousandths": 2500})
    found = usage_groups.grouped(("key",), [line, other, other])
    assert [(group.unit, group.units) for group in found] == [("minute", 5), ("song", 1)]


def test_too_many_groups_or_jobs_are_refused(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        ended(ledger, number, metadata={"n": str(number)})
    monkeypatch.setattr(usage_groups, "MOST_GROUPS", 3)
    monkeypatch.setattr(usage_groups, "MOST_JOBS", 3)
    assert len(groups(ledger, "metadata.n")) == 3
    monkeypatch.setattr(usage_groups, "MOST_GROUPS", 2)
    with pytest.raises(InvalidRequestError, match=r"/group_by.* at most 2 groups"):
        groups(ledger, "metadata.n")
    monkeypatch.setattr(usage_groups, "MOST_JOBS", 2)
    with pytest.raises(InvalidRequestError, match=r"/from.* at most 2 jobs"):
        groups(ledger, "key")


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ({"group_by": ""}, ["/group_by"]),
        ({"group_by": "tenant"}, ["/group_by"]),
        ({"group_by": "day,day"}, ["/group_by"]),
        ({"group_by": "metadata."}, ["/group_by"]),
        ({"group_by": "metadata." + "x" * 41}, ["/group_by"]),
        ({"group_by": "metadata.a,metadata.b"}, ["/group_by"]),
        ({"group_by": "key", "limit": "5"}, ["/limit"]),
        ({"group_by": "metadata.a", "from": "2026-08-21"}, ["/from"]),
    ],
)
def test_groups_that_make_no_sense_are_refused_by_name(query: dict[str, str], pointers: list[str]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_usage_request("acme", query, NOON)
    assert [field.pointer for field in caught.value.fields] == pointers


@pytest.mark.parametrize(
    ("group_by", "names"),
    [
        ("metadata.a\\,b", ("metadata.a,b",)),
        ("day,metadata.a\\,b,key", ("day", "metadata.a,b", "key")),
        ("metadata.a\\b", ("metadata.a\\b",)),
    ],
)
def test_a_backslash_before_a_comma_makes_it_part_of_a_name(group_by: str, names: tuple[str, ...]) -> None:
    assert parse_usage_request("acme", {"group_by": group_by}, NOON).group_by == names


@pytest.mark.parametrize("group_by", ["day,model", "model,day"])
def test_the_usual_list_keeps_its_pages(group_by: str) -> None:
    asked = parse_usage_request("acme", {"group_by": group_by, "limit": "5"}, NOON)
    assert (asked.is_by_day_and_model, asked.page.limit) == (True, 5)


# ---- over HTTP


def ask(world: World, path: str, query: str = "", **headers: str) -> dict[str, Any]:
    event = http_event("GET", path, query=query)
    event["headers"] |= headers
    answer: dict[str, Any] = wired_app("list_usage", world).lambda_handler(event, FakeContext())
    return answer


def used_world() -> World:
    world = World()
    for job in (
        delivered_job(api_key_id="abcdefgh"),
        suno_job(1, 2).settled(None, NOON).model_copy(update={"id": new_job_id(NOON, bytes(10))}),
    ):
        world.jobs.usage.count(line_of(job).usage)
        world.jobs.usage.write(line_of(job))
    return world


def test_groups_show_what_was_asked_for_and_nothing_else_over_http() -> None:
    world = used_world()
    by_key = json.loads(ask(world, "/v1/usage", "group_by=key")["body"])["data"]
    assert [(entry["key_id"], entry["units"]) for entry in by_key] == [("abcdefgh", 1), (None, 1)]
    assert not {"day", "model", "metadata"} & set(by_key[0])
    (mine, other) = json.loads(ask(world, "/v1/usage", "group_by=model,metadata.project")["body"])["data"]
    assert set(mine) == {"model", "metadata", "jobs", "succeeded", "credits", "audio_ms", "units", "unit"}
    assert mine["metadata"] == other["metadata"] == {"project": None}


def test_the_log_never_shows_what_the_operator_paid() -> None:
    body = ask(used_world(), "/v1/usage/log")["body"]
    assert len(json.loads(body)["data"]) == 2
    assert "usd" not in body
    assert "cost" not in body
    assert "booked" not in body


def test_the_log_in_csv_keeps_metadata_as_json() -> None:
    world = World()
    line = line_of(delivered_job()).model_copy(update={"metadata": {"a": "=1+1"}, "model": "=cmd"})
    world.jobs.usage.write(line)
    (row,) = csv.DictReader(io.StringIO(ask(world, "/v1/usage/log", accept="text/csv")["body"]))
    assert (json.loads(row["metadata"]), row["model"], float(row["units"])) == ({"a": "=1+1"}, "'=cmd", 1)
