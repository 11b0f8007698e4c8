"""What the operator sees of tenants, jobs, providers and spending, and that tenants see none of the costs."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.money.reports import spend
from fermata.domain.money.reports.spend import spend_of
from fermata.domain.money.reports.usage_log import UsageLine, line_of
from fermata.domain.money.wallet import empty_wallet
from fermata.domain.operator.provider_view import provider_view
from fermata.domain.providers.circuit import Circuit
from fermata.domain.providers.failures import ProviderCharged
from fermata.domain.providers.queue import Lease, ProviderQueue, Reservation, epoch_ms
from fermata.domain.providers.spending import Booking, PauseAndBudget
from fermata.domain.providers.state import ProviderState
from fermata.domain.tenants.tenant import Tenant
from fermata.errors import InvalidRequestError, NotFoundError
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.wiring.operator import manage_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import JOB_ID, PROMPT, claimed_attempt, delivered_job, failed_job, queued_job, rate_limited, suno_job

Answer = dict[str, object]


@dataclass
class Desk:
    """The operator's function over a world with two tenants."""

    world: World = field(default_factory=World)
    now: datetime = NOON

    def __post_init__(self) -> None:
        for tenant_id in ("acme", "other"):
            self.world.tenants.create_tenant(Tenant(tenant_id=tenant_id, created_at=NOON))

    def ask(self, action: str, **more: object) -> Answer:
        return dict(manage_tenants({"action": action, **more}, manage_ports(), self.now, bytes(25)))

    def ended(self, line: UsageLine, **changes: object) -> None:
        self.world.jobs.usage.write(line.model_copy(update=changes))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def line(cost: int = 150_000, unknown: int = 0, **changes: object) -> UsageLine:
    costs = {"cost_micro_usd": cost, "unknown_micro_usd": unknown}
    return line_of(delivered_job()).model_copy(update={**costs, **changes})


# ---- tenants


def test_tenants_are_listed_with_their_credits_page_by_page(desk: Desk) -> None:
    desk.world.jobs.create(queued_job())
    first = desk.ask("list_tenants", limit=1)
    assert first == {
        "tenants": [
            {
                "tenant_id": "acme",
                "plan": "prepaid",
                "balance_credits": 999_970,
                "held_credits": 30,
                "spent_credits": 0,
                "in_flight_jobs": 1,
                "suspended_at": None,
            }
        ],
        "next_cursor": "acme",
    }
    second = desk.ask("list_tenants", limit=1, cursor=first["next_cursor"])
    (other,) = json.loads(json.dumps(second))["tenants"]
    assert (other["tenant_id"], second["next_cursor"]) == ("other", None)


def test_a_tenant_whose_wallet_is_missing_is_listed_without_credits(desk: Desk) -> None:
    desk.world.tenants.create_tenant(Tenant(tenant_id="poor", created_at=NOON))
    tenants = json.loads(json.dumps(desk.ask("list_tenants")))["tenants"]
    assert tenants[-1] == {"tenant_id": "poor", "plan": None}


def test_a_tenant_is_shown_with_its_account_keys_and_triggers_but_no_secret(desk: Desk) -> None:
    issued = desk.ask("issue_key", tenant_id="acme", scopes=["jobs:read"])
    desk.ask("set_triggers", tenant_id="acme", inbox=True)
    shown = desk.ask("show_tenant", tenant_id="acme")
    assert (shown["tenant_id"], shown["balance_credits"]) == ("acme", 1_000_000)
    assert shown["triggers"] == {"inbox": True, "events": False, "sources": []}
    (key,) = json.loads(json.dumps(shown))["keys"]
    assert (key["key_id"], key["scopes"], key["valid"]) == (issued["key_id"], ["jobs:read"], True)
    text = json.dumps(shown)
    assert str(issued["api_key"]).rpartition("_")[2] not in text
    assert "sha256" not in text


@pytest.mark.parametrize("action", ["show_tenant", "spend"])
def test_an_unknown_tenant_is_not_found(desk: Desk, action: str) -> None:
    with pytest.raises(NotFoundError, match="there is no tenant nobody"):
        desk.ask(action, tenant_id="nobody")


# ---- jobs


def test_a_job_is_shown_with_real_codes_trace_ids_and_costs_and_without_what_its_caller_wrote(desk: Desk) -> None:
    failure = rate_limited().model_copy(update={"code": "1002", "trace_id": "trace-7", "http_status": 200})
    unpaid = claimed_attempt(cost_micro_usd=150_000, provider_charged=ProviderCharged.NO, failure=failure)
    paid = claimed_attempt(
        number=2, cost_micro_usd=70_000, refunded_micro_usd=20_000, provider_charged=ProviderCharged.YES
    )
    paid = paid.model_copy(update={"trace_id": "trace-8", "provider_units": Decimal("1.5")})
    job = queued_job(attempts=(unpaid, paid), api_key_id="abcdefgh")
    desk.world.jobs.rows[JOB_ID] = job.model_dump_json()
    shown = json.loads(json.dumps(desk.ask("show_job", job_id=JOB_ID)))
    assert (shown["tenant_id"], shown["key_id"], shown["hold_credits"]) == ("acme", "abcdefgh", 30)
    assert (shown["cost_usd"], shown["unknown_usd"], shown["booked_usd"]) == ("0.050000", "0.000000", "0.150000")
    one, two = shown["attempts"]
    assert one["error"] == {"class": failure.failure_class.value, "code": "1002", "http_status": 200}
    assert (one["trace_id"], one["cost_usd"], one["provider_charged"]) == ("trace-7", "0.150000", "no")
    assert (two["booked_usd"], two["cost_usd"], two["refunded_usd"]) == ("0.150000", "0.070000", "0.020000")
    assert two["error"] is None
    assert (two["trace_id"], two["provider_units"], one["provider_units"]) == ("trace-8", "1.5", None)
    assert (shown["unit"], shown["units"]) == ("song", 1)
    assert PROMPT not in json.dumps(shown)


@pytest.mark.parametrize("job", [delivered_job(), failed_job(rate_limited()), suno_job(1).settled(None, NOON)])
def test_every_job_can_be_shown_deleted_or_not(desk: Desk, job: object) -> None:
    for each in (job, tombstone_of(job, NOON)):  # type: ignore[arg-type]  # any job
        desk.world.jobs.rows[JOB_ID] = each.model_dump_json()  # type: ignore[attr-defined]
        shown = desk.ask("show_job", job_id=JOB_ID)
        assert (shown["job_id"], shown["deleted_at"] is None) == (each.id, each.deleted_at is None)  # type: ignore[attr-defined]


def test_a_job_that_is_not_there_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="there is no job job_x"):
        desk.ask("show_job", job_id="job_x")


# ---- providers


def provider(desk: Desk, name: str = "minimax") -> dict[str, object]:
    views = json.loads(json.dumps(desk.ask("providers")))["providers"]
    (found,) = [view for view in views if view["provider"] == name]
    return dict(found)


def test_a_provider_at_rest_is_closed_unpaused_and_empty(desk: Desk) -> None:
    settings = desk.world.operator.applied_to(desk.world.catalogue).settings_of("minimax")
    assert provider(desk) == {
        "provider": "minimax",
        "paused": False,
        "paused_by": [],
        "circuit": {
            "state": "closed",
            "open_until": None,
            "recent_failures": 0,
            "disabled_by": None,
            "lacking": [],
        },
        "budget": {"day": "2026-11-21", "spent_usd": "0.000000", "limit_usd": "50.000000", "set": False},
        "queue": {
            "running": 0,
            "waiting": 0,
            "next_start_at": None,
            "typical_call_s": 0.0,
            "rpm": settings.rpm,
            "concurrency": settings.concurrency,
        },
    }


def test_a_budget_is_told_beside_what_was_spent() -> None:
    settings = read_catalogue().settings_of("minimax").model_copy(update={"daily_budget_usd": Decimal("12.5")})
    spending = PauseAndBudget("minimax", NOON.date(), spent_micro_usd=150_000)
    told = provider_view(ProviderState(provider="minimax"), spending, settings, NOON)["budget"]
    assert told == {"day": "2026-11-21", "spent_usd": "0.150000", "limit_usd": "12.500000", "set": False}


def test_a_budget_that_was_set_is_shown_as_such() -> None:
    spending = PauseAndBudget("minimax", NOON.date(), set_micro_usd=0)
    told = provider_view(ProviderState(provider="minimax"), spending, read_catalogue().settings_of("minimax"), NOON)
    assert told["budget"] == {"day": "2026-11-21", "spent_usd": "0.000000", "limit_usd": None, "set": True}


def test_a_pause_of_all_and_of_one_and_the_days_spending_are_shown(desk: Desk) -> None:
    desk.ask("pause", provider="minimax")
    desk.ask("pause", provider="all")
    desk.world.brakes.book(Booking("minimax", date(2026, 11, 21), 150_000))
    shown = provider(desk)
    assert (shown["paused"], shown["paused_by"]) == (True, ["minimax", "all"])
    assert dict(shown["budget"])["spent_usd"] == "0.150000"  # type: ignore[call-overload]
    assert provider(desk, "skillboss")["paused_by"] == ["all"]


@pytest.mark.parametrize(
    ("circuit", "state"),
    [
        (Circuit(open_until_ms=epoch_ms(NOON) + 1), "open"),
        (Circuit(open_until_ms=epoch_ms(NOON)), "half_open"),
        (Circuit(disabled_at_ms=1, disabled_by="2061"), "disabled"),
    ],
)
def test_a_circuit_is_told_by_its_state(desk: Desk, circuit: Circuit, state: str) -> None:
    desk.world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=circuit))
    told = dict(provider(desk)["circuit"])  # type: ignore[call-overload]
    assert (told["state"], told["disabled_by"]) == (state, circuit.disabled_by)


def test_a_queue_counts_those_that_run_and_those_that_wait(desk: Desk) -> None:
    now = epoch_ms(NOON)
    running = {"a": Lease(now - 1, now + 1), "dead": Lease(now - 9, now)}
    waiting = {"b": Reservation(now + 500, now + 500)}
    queue = ProviderQueue(running=running, waiting=waiting, next_go_ms=now + 500, typical_ms=61_500)
    desk.world.provider_states.set_queue("minimax", queue)
    told = dict(provider(desk)["queue"])  # type: ignore[call-overload]
    assert (told["running"], told["waiting"], told["typical_call_s"]) == (1, 1, 61.5)
    assert told["next_start_at"] == "2026-11-21T12:00:00.500Z"


# ---- spending


def test_cost_credits_and_margin_are_told_by_tenant_and_model(desk: Desk) -> None:
    desk.ended(line(150_000), job_id="job_1")
    desk.ended(line(150_000, 300_000), job_id="job_2")
    desk.ended(line(30_000, model="aimlapi/x", credits=6), job_id="job_3")
    desk.ended(line(10_000, tenant_id="other"), job_id="job_4")
    told = json.loads(json.dumps(desk.ask("spend", credit_usd="0.01")))
    assert (told["from"], told["to"], told["credit_usd"]) == ("2026-11-01", "2026-11-21", "0.01")
    places = [(row["tenant_id"], row["model"], row["jobs"], row["cost_usd"]) for row in told["tenants"]]
    assert places == [
        ("acme", "aimlapi/x", 1, "0.030000"),
        ("acme", "minimax/music-2.5", 2, "0.300000"),
        ("other", "minimax/music-2.5", 1, "0.010000"),
    ]
    minimax = told["models"][1]
    assert (minimax["credits"], minimax["unknown_usd"]) == (90, "0.300000")
    assert (minimax["revenue_usd"], minimax["margin_usd"]) == ("0.900000", "0.590000")
    assert told["total"]["margin_usd"] == "0.620000"


def test_what_was_booked_is_told_beside_what_the_provider_counted(desk: Desk) -> None:
    desk.ended(line(30_000, booked_micro_usd=100_000), job_id="job_1")
    desk.ended(line(0, 100_000, booked_micro_usd=100_000), job_id="job_2")
    desk.ended(line(120_000, booked_micro_usd=100_000, tenant_id="other"), job_id="job_3")
    told = json.loads(json.dumps(desk.ask("spend")))
    rows = [(row["booked_usd"], row["cost_usd"], row["unknown_usd"]) for row in (*told["tenants"], told["total"])]
    assert rows == [
        ("0.200000", "0.030000", "0.100000"),
        ("0.100000", "0.120000", "0.000000"),
        ("0.300000", "0.150000", "0.100000"),
    ]


def test_a_line_from_before_bookings_were_kept_counts_its_costs_as_booked(desk: Desk) -> None:
    old = line(30_000, 20_000).model_dump(exclude={"booked_micro_usd"})
    desk.ended(UsageLine.model_validate(old))
    assert dict(desk.ask("spend")["total"])["booked_usd"] == "0.050000"  # type: ignore[call-overload]


def test_a_loss_is_a_negative_margin_and_without_a_credits_value_there_is_none(desk: Desk) -> None:
    desk.ended(line(500_000, credits=0, status="failed"))
    assert dict(desk.ask("spend", credit_usd=0)["total"])["margin_usd"] == "-0.500000"  # type: ignore[call-overload]
    total = dict(desk.ask("spend")["total"])  # type: ignore[call-overload]
    assert (total["revenue_usd"], total["margin_usd"], total["cost_usd"]) == (None, None, "0.500000")


def test_spending_is_of_the_days_and_the_tenant_that_are_asked_for(desk: Desk) -> None:
    for number in range(3):
        at = NOON - timedelta(days=number)
        desk.ended(line(finished_at=at), job_id=f"job_{number}")
        desk.ended(line(finished_at=at, tenant_id="other"), job_id=f"job_{number}")
    told = desk.ask("spend", from_day="2026-11-19", to_day="2026-11-20", tenant_id="other")
    assert dict(told["total"])["jobs"] == 2  # type: ignore[call-overload]
    assert dict(desk.ask("spend", to_day="2026-11-19")["total"])["jobs"] == 2  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "wrong",
    [
        {"from_day": "2026-11-22"},
        {"from_day": "yesterday"},
        {"from_day": "2026-08-01"},
        {"credit_usd": "-1"},
        {"credit_usd": "NaN"},
        {"credit_usd": "0.0000001"},
        {"credit_usd": "cheap"},
        {"days": 3},
    ],
)
def test_spending_that_makes_no_sense_is_refused(desk: Desk, wrong: Answer) -> None:
    with pytest.raises(InvalidRequestError):
        desk.ask("spend", **wrong)


def test_too_many_jobs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spend, "MOST_JOBS", 2)
    assert dict(spend_of([line(), line()], None)["total"])["jobs"] == 2  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="at most 2 jobs"):
        spend_of([line()] * 3, Decimal("0.01"))


def test_looking_changes_nothing(desk: Desk) -> None:
    desk.world.jobs.create(queued_job())
    desk.world.wallets.open(empty_wallet("third", NOON))
    before = (dict(desk.world.jobs.rows), desk.world.wallets.find("acme"), desk.world.jobs.saves)
    for action in ("list_tenants", "providers", "spend"):
        desk.ask(action)
    desk.ask("show_job", job_id=JOB_ID)
    desk.ask("show_tenant", tenant_id="acme")
    assert (dict(desk.world.jobs.rows), desk.world.wallets.find("acme"), desk.world.jobs.saves) == before
