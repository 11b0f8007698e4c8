"""A ledger is read in the order in which credits moved, and its last balance is the account's."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.items import typed
from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import LedgerEntry, grant_of, hold_on, note_on, settlement_of
from fermata.domain.money.reports.day_pages import DayList, DayPage, parse_day_page
from fermata.domain.money.reports.ledger import LIST_NAME, DayBalance, LedgerLine, Start
from fermata.domain.money.wallet import empty_wallet
from fermata.domain.orders.job_id import new_job_id, sortable_id
from fermata.domain.tenants.tenant import Tenant
from fermata.errors import InvalidRequestError, StaleRecordError, TransientError
from fermata.use_cases.accounts.audit_wallets import AuditPorts, audit_wallets
from fermata.use_cases.accounts.read_ledger import read_ledger
from tests.fakes.clock import NOON
from tests.fakes.metrics import RecordingMetrics
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_in_memory
from tests.fakes.money.orders import created, delivered, funded
from tests.fakes.tenants.tenant_store import InMemoryTenantStore
from tests.fakes.world import World
from tests.functions import FakeContext, http_event, wired_app
from tests.songs import queued_job, rate_limited
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SOON: datetime = NOON + timedelta(seconds=11)
TODAY: date = NOON.date()
MINUTE = timedelta(minutes=1)


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return funded(
        ledger_in_memory() if request.param == "in_memory" else ledger_in_dynamodb(request.getfixturevalue("dynamodb")),
        1000,
    )


def page(first: date = TODAY, last: date = TODAY, limit: int = 100) -> DayPage:
    return DayPage(DayList("acme", first, last, LIST_NAME), limit)


def read(ledger: Ledger, of: DayPage | None = None, now: datetime = SOON) -> list[LedgerLine]:
    """Every line of a list, over all of its pages."""
    lines: list[LedgerLine] = []
    this = of or page()
    while True:
        found, cursor = read_ledger(this, ledger.by_time, now)
        lines += found
        if cursor is None:
            return lines
        this = DayPage(this.of, this.limit, this.of.place_of(cursor))


def told(lines: list[LedgerLine]) -> list[tuple[str, int, int]]:
    return [(line.entry.kind.value, line.entry.credits, line.balance) for line in lines]


def job_id(number: int, at: datetime = NOON) -> str:
    return new_job_id(at, bytes([number] * 10))


def ordered(ledger: Ledger, number: int, at: datetime) -> Job:
    return created(ledger, id=job_id(number, at), created_at=at)


def gave_up(ledger: Ledger, job: Job, at: datetime) -> None:
    ledger.jobs.settle(job.settled(rate_limited(), at))


# ---- order and balance


def test_entries_stand_in_the_order_in_which_they_happened_whatever_their_jobs_are_called(ledger: Ledger) -> None:
    early, late = ordered(ledger, 1, NOON + MINUTE), ordered(ledger, 2, NOON + 2 * MINUTE)
    gave_up(ledger, late, NOON + 3 * MINUTE)
    gave_up(ledger, early, NOON + 4 * MINUTE)
    lines = read(ledger, now=NOON + 5 * MINUTE)
    assert told(lines) == [
        ("grant", 1000, 1000),
        ("hold", 30, 970),
        ("hold", 30, 940),
        ("refund", 30, 970),
        ("refund", 30, 1000),
    ]
    assert [line.entry.job_id for line in lines] == [None, early.id, late.id, late.id, early.id]


def test_what_is_spent_left_the_balance_when_it_was_held(ledger: Ledger) -> None:
    ledger.jobs.settle(delivered(ledger))
    assert told(read(ledger)) == [("grant", 1000, 1000), ("hold", 30, 970), ("settle", 30, 970)]
    assert read(ledger)[-1].balance == ledger.wallet().balance


def test_a_page_ends_ten_seconds_before_now_because_younger_entries_may_still_be_written(ledger: Ledger) -> None:
    ordered(ledger, 1, NOON + timedelta(seconds=1))
    assert len(read(ledger, now=NOON + timedelta(seconds=10))) == 0
    assert len(read(ledger, now=NOON + timedelta(seconds=11))) == 1
    assert len(read(ledger, now=NOON + timedelta(milliseconds=11_001))) == 2


def test_each_page_goes_on_with_the_balance_of_the_one_before(ledger: Ledger) -> None:
    for number in range(7):
        ordered(ledger, number, NOON + number * MINUTE)
    whole = read(ledger, now=NOON + 10 * MINUTE)
    assert [line.balance for line in whole] == [1000, *(1000 - 30 * number for number in range(1, 8))]
    for limit in (1, 2, 3, 7, 8):
        assert read(ledger, page(limit=limit), NOON + 10 * MINUTE) == whole


def test_a_list_of_days_starts_with_the_balance_of_the_days_before_and_ends_with_its_last_day(ledger: Ledger) -> None:
    for day in range(4):
        ordered(ledger, day, NOON + timedelta(days=day))
    lines = read(ledger, page(date(2026, 11, 22), date(2026, 11, 23)), NOON + timedelta(days=9))
    assert told(lines) == [("hold", 30, 940), ("hold", 30, 910)]


def test_a_span_in_the_future_or_before_all_time_is_empty(ledger: Ledger) -> None:
    for day in (date(2027, 1, 1), date.max, date.min):
        assert read(ledger, page(day, day)) == []


def test_a_tenant_reads_its_own_ledger(ledger: Ledger) -> None:
    other = DayPage(DayList("other", NOON.date(), NOON.date(), LIST_NAME))
    assert read_ledger(other, ledger.by_time, SOON) == ([], None)


def test_an_entry_names_the_key_that_ordered(ledger: Ledger) -> None:
    job = created(ledger, api_key_id="abcdefgh")
    gave_up(ledger, job, NOON)
    assert [line.entry.key_id for line in read(ledger)] == [None, "abcdefgh", "abcdefgh"]
    assert note_on(job, 1, "why", NOON).key_id == "abcdefgh"


def test_a_job_ends_once_however_late_and_under_whatever_version_another_end_comes(ledger: Ledger) -> None:
    end = delivered(ledger)
    ledger.jobs.settle(end)
    for later in (end, end.model_copy(update={"finished_at": NOON + MINUTE})):
        with pytest.raises(StaleRecordError):
            ledger.jobs.settle(later.model_copy(update={"version": end.version + 1}))
    assert (len(read(ledger, now=NOON + 5 * MINUTE)), ledger.wallet().spent) == (3, 30)


# ---- the stored balance of a day


def audited(ledger: Ledger, now: datetime) -> None:
    tenants = InMemoryTenantStore()
    tenants.create_tenant(Tenant(tenant_id="acme", created_at=NOON))
    drifts: list[object] = []
    ports = AuditPorts(
        tenants, ledger.wallets, ledger.by_time, RecordingMetrics(), lambda *told: drifts.append(told), print
    )
    assert audit_wallets(ports, now)["skipped"] == 0
    assert drifts == []


def test_the_audit_keeps_the_balance_at_the_beginning_of_its_day(ledger: Ledger) -> None:
    for day in range(3):
        ordered(ledger, day, NOON + timedelta(days=day))
    audited(ledger, NOON + timedelta(days=2))
    today = date(2026, 11, 23)
    assert ledger.by_time.balance("acme", today) == DayBalance(today, 940)
    assert ledger.by_time.balance("acme", date(2027, 1, 1)) == DayBalance(today, 940)
    assert ledger.by_time.balance("acme", date(2026, 11, 22)) is None
    assert ledger.by_time.balance("other", today) is None
    audited(ledger, NOON + timedelta(days=3))
    tomorrow = date(2026, 11, 24)
    assert ledger.by_time.balance("acme", tomorrow) == DayBalance(tomorrow, 910)
    assert ledger.by_time.balance("acme", today) == DayBalance(today, 940)


def test_a_day_that_has_just_ended_may_still_get_entries_and_is_kept_later(ledger: Ledger) -> None:
    audited(ledger, datetime.fromisoformat("2026-11-22T00:59:59Z"))
    assert ledger.by_time.balance("acme", date(2026, 11, 30)) == DayBalance(date(2026, 11, 21), 0)


def test_a_list_is_read_from_the_stored_balance_and_not_from_the_first_entry(ledger: Ledger) -> None:
    ordered(ledger, 1, NOON + timedelta(days=2))
    ledger.by_time.keep_balance("acme", DayBalance(date(2026, 11, 22), 5000))
    assert told(read(ledger, page(date(2026, 11, 23), date(2026, 11, 23)), NOON + timedelta(days=3))) == [
        ("hold", 30, 4970)
    ]


# ---- entries of versions that stored them by their job


def store_as_before(dynamodb: "DynamoDBClient", *entries: LedgerEntry) -> None:
    for entry in entries:
        item = {"pk": "WALLET#acme", "sk": f"LEDGER#{entry.entry_id}", **entry.model_dump(mode="json")}
        dynamodb.put_item(TableName=TABLE, Item=typed({key: each for key, each in item.items() if key != "key_id"}))


def test_older_entries_stand_among_the_others_without_a_key(dynamodb: "DynamoDBClient") -> None:
    ledger = ledger_in_dynamodb(dynamodb)
    ledger.wallets.open(empty_wallet("acme", NOON))
    one, two = (queued_job(id=job_id(n, NOON + n * MINUTE), created_at=NOON + n * MINUTE) for n in (1, 2))
    ends = [job.settled(rate_limited(), at) for job, at in ((one, NOON + 9 * MINUTE), (two, NOON + 3 * MINUTE))]
    grant = grant_of("acme", 1000, f"{sortable_id(NOON, bytes(10))}-grant", NOON)
    moves = [grant, hold_on(one), hold_on(two), *map(settlement_of, ends)]
    store_as_before(dynamodb, *(entry for move in moves for entry in move.entries))
    ledger.wallets.grant(grant_of("acme", 5, "01JZ0000000000000000000000-grant", NOON + 5 * MINUTE))
    for limit in (1, 2, 100):
        lines = read(ledger, page(limit=limit), NOON + 10 * MINUTE)
        assert [line.balance for line in lines] == [1000, 970, 940, 970, 975, 1005]
        assert [line.entry.key_id for line in lines] == [None] * 6
    later = read(ledger, page(date(2027, 3, 1), date(2027, 3, 1)), NOON + timedelta(days=200))
    assert later == []
    ledger.wallets.grant(grant_of("acme", 1, "01JZ0000000000000000000001-grant", NOON + timedelta(days=150)))
    (line,) = read(ledger, page(date(2027, 4, 20), date(2027, 4, 20)), NOON + timedelta(days=200))
    assert line.balance == 1006


def test_a_ledger_that_cannot_be_read_is_transient(dynamodb: "DynamoDBClient") -> None:
    ledger = ledger_in_dynamodb(dynamodb)
    AnswersInstead(dynamodb, "Query", aws_error("InternalServerError", "canary"))
    with pytest.raises(TransientError) as caught:
        read(ledger)
    assert "canary" not in str(caught.value)


# ---- what is asked and answered over HTTP


def ask(world: World, query: str = "", **headers: str) -> dict[str, Any]:
    event = http_event("GET", "/v1/ledger", query=query)
    event["headers"] |= headers
    answer: dict[str, Any] = wired_app("list_ledger", world).lambda_handler(event, FakeContext())
    return answer


def a_world_with_entries() -> World:
    world = World()
    job = queued_job(api_key_id="abcdefgh")
    world.jobs.create(job)
    world.jobs.reconcile(job.model_copy(update={"version": 2}), (note_on(job, 1, '=HYPERLINK("http://x")', NOON),))
    world.clock.pass_seconds(11)
    return world


def test_a_tenant_reads_its_movements_over_http() -> None:
    world = a_world_with_entries()
    answer = ask(world)
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["next_cursor"]) == (200, None)
    hold, note = body["data"]
    assert hold == {
        "at": "2026-11-21T12:00:00.000Z",
        "kind": "hold",
        "credits": 30,
        "balance_credits": -30,
        "job_id": queued_job().id,
        "key_id": "abcdefgh",
        "note": None,
    }
    assert (note["kind"], note["credits"], note["balance_credits"]) == ("note", 0, -30)


def test_a_ledger_in_csv_has_a_header_line_and_no_cell_that_a_spreadsheet_would_execute() -> None:
    answer = ask(a_world_with_entries(), "limit=2", accept="text/csv")
    assert answer["headers"]["Content-Type"] == "text/csv; charset=utf-8"
    assert "Next-Cursor" not in answer["headers"]
    hold, note = csv.DictReader(io.StringIO(answer["body"]))
    assert list(hold) == ["at", "kind", "credits", "balance_credits", "job_id", "key_id", "note"]
    assert (hold["balance_credits"], hold["note"], note["note"]) == ("-30", "", '\'=HYPERLINK("http://x")')


def test_the_next_page_of_a_csv_is_named_by_a_header() -> None:
    world = a_world_with_entries()
    first = ask(world, "limit=1", accept="text/csv")
    second = ask(world, f"limit=1&cursor={first['headers']['Next-Cursor']}", accept="text/csv")
    assert (len(first["body"].splitlines()), "Next-Cursor" in second["headers"]) == (2, False)
    assert first["body"].splitlines()[0] == second["body"].splitlines()[0]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json, text/csv;q=0", "application/json"),
        ("text/csv;q=0.0", "application/json"),
        ("*/*", "application/json"),
        ("application/json;q=0.1, TEXT/CSV", "text/csv; charset=utf-8"),
        ("text/csv; header=present; q=0.5", "text/csv; charset=utf-8"),
    ],
)
def test_csv_is_for_those_who_name_it(accept: str, kind: str) -> None:
    assert ask(a_world_with_entries(), accept=accept)["headers"]["Content-Type"] == kind


def test_a_cursor_of_another_list_or_made_by_hand_is_refused() -> None:
    of = DayList("acme", date(2026, 11, 1), date(2026, 11, 21), LIST_NAME)
    good = of.cursor_after(Start("2026-11-21T12:00:00.000Z#0000-grant", -3).as_text())
    parsed = parse_day_page("acme", LIST_NAME, {"cursor": good}, NOON)
    assert read_ledger(parsed, ledger_in_memory().by_time, SOON) == ([], None)
    for name, cursor in (("", good), (LIST_NAME, "x"), (LIST_NAME, of.cursor_after("2026#1\nten"))):
        with pytest.raises(InvalidRequestError, match="/cursor"):
            read_ledger(parse_day_page("acme", name, {"cursor": cursor}, NOON), ledger_in_memory().by_time, SOON)
