"""One screen says what would be alarming now, as far as the records tell, and what waits for a person."""

from itertools import count
from typing import Any

import pytest

from fermata.domain.operator.status import MOST_OVERDUE, SEEN_BY_CLOUDWATCH_ALONE
from fermata.domain.providers.circuit import Circuit
from fermata.domain.providers.queue import epoch_ms
from fermata.domain.providers.spending import Booking
from fermata.domain.providers.state import ProviderState
from fermata.use_cases.generation.finish.rescue_audio import rescue_audio
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.wiring.generation import rescue_ports, settle_ports
from fermata.wiring.operator import manage_ports
from local.deploy.transform import read_template
from tests.fakes.clock import NOON
from tests.fakes.jobs.due_jobs import InMemoryDueJobs
from tests.fakes.settings import budget
from tests.fakes.world import World
from tests.functions import ROOT
from tests.songs import JOB_ID, LINK, queued_job, ready_job, submitting_job

OLDER = {"MinimaxBudgetAlarm", "SkillbossBudgetAlarm", "ApiinoneBudgetAlarm", "AimlapiBudgetAlarm"}
FOUND = {
    *("ReaperSilentAlarm", "SongsToRedeliverAlarm", "ProviderDisabledAlarm", "CircuitOpenAlarm"),
    *("ProviderBudgetAlarm", "UnknownOutcomesAlarm"),
}


def status(world: World) -> dict[str, Any]:
    return manage_tenants({"action": "status"}, manage_ports(), world.clock(), bytes(25))


def alarming(world: World) -> list[tuple[str, str | None]]:
    return [(each["alarm"], each["provider"]) for each in status(world)["alarming"]]


def test_every_alarm_is_found_in_the_records_or_named_as_one_that_only_cloudwatch_sees() -> None:
    resources = read_template(ROOT / "template.yaml")["Resources"]
    alarms = {name for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm"} - OLDER
    # These speak to a deployment that is under way, which they roll back.
    lasting = {name for name in alarms if not name.endswith("ReleaseAlarm")}

    assert FOUND | {*SEEN_BY_CLOUDWATCH_ALONE} == lasting
    assert not FOUND & {*SEEN_BY_CLOUDWATCH_ALONE}


def test_nothing_is_alarming_at_rest_and_every_provider_has_a_line() -> None:
    world = World()
    world.jobs.create(queued_job())
    told = status(world)

    assert told["alarming"] == []
    assert told["providers"][0] == {
        "provider": "minimax",
        "paused_by": [],
        "circuit": "closed",
        "budget_used_percent": 0,
        "running": 0,
        "waiting": 0,
        "unknown_outcomes": 0,
    }
    assert {line["provider"] for line in told["providers"]} == set(world.catalogue.provider_ids())
    assert (told["to_redeliver"]["songs_kept"], told["overdue_jobs"], told["at"]) == (0, 0, "2026-11-21T12:00:00.000Z")


@pytest.mark.parametrize(
    ("circuit", "alarm"),
    [
        (Circuit(open_until_ms=epoch_ms(NOON) + 1), "CircuitOpenAlarm"),
        (Circuit(open_until_ms=epoch_ms(NOON) - 1), "CircuitOpenAlarm"),
        (Circuit(disabled_at_ms=1, disabled_by="2153"), "ProviderDisabledAlarm"),
    ],
)
def test_a_provider_that_takes_no_orders_is_alarming(circuit: Circuit, alarm: str) -> None:
    world = World()
    world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=circuit))

    assert alarming(world) == [(alarm, "minimax")]


def test_a_pause_is_shown_and_not_alarming() -> None:
    world = World()
    world.brakes.pause("minimax", NOON)

    assert alarming(world) == []
    assert status(world)["providers"][0]["paused_by"] == ["minimax"]


@pytest.mark.parametrize(("micro_usd", "percent"), [(800_000, 80), (799_999, 79)])
def test_four_fifths_of_a_budget_are_alarming(micro_usd: int, percent: int) -> None:
    world = World(operator=budget("minimax", "1"))
    world.brakes.book(Booking("minimax", NOON.date(), micro_usd))

    assert alarming(world) == ([("ProviderBudgetAlarm", "minimax")] if percent >= 80 else [])
    assert status(world)["providers"][0]["budget_used_percent"] == percent


@pytest.mark.parametrize("jobs", [2, 3])
def test_three_unknown_outcomes_are_alarming(jobs: int) -> None:
    world = World()
    for number in range(jobs):
        job_id = f"{JOB_ID[:-1]}{number}"
        world.jobs.create(submitting_job().model_copy(update={"id": job_id}))
        settle_job(job_id, "States.Timeout", settle_ports(), world.clock())

    assert alarming(world) == ([("UnknownOutcomesAlarm", "minimax")] if jobs == 3 else [])
    assert status(world)["providers"][0]["unknown_outcomes"] == jobs


def test_a_song_that_lies_ready_is_alarming_and_says_how_to_deliver_it() -> None:
    world = World()
    world.jobs.create(ready_job(LINK))
    settle_job(JOB_ID, "States.Timeout", settle_ports(), world.clock())
    world.links.files = {LINK: b"ID3" + bytes(5000)}
    rescue_audio(JOB_ID, rescue_ports(world.remaining_ms))
    (finding,) = status(world)["alarming"]

    assert finding["alarm"] == "SongsToRedeliverAlarm"
    assert (finding["says"], finding["do"]) == (
        "1 bought songs were not delivered and lie ready",
        "list-recoverable, then redeliver JOB",
    )


def test_jobs_that_are_due_for_a_quarter_of_an_hour_are_alarming() -> None:
    world = World()
    world.jobs.create(queued_job(check_at=NOON))
    world.clock.pass_seconds(899)
    assert alarming(world) == []
    world.clock.pass_seconds(1)
    assert alarming(world) == [("ReaperSilentAlarm", None)]
    assert status(world)["overdue_jobs"] == 1


def test_no_more_overdue_jobs_are_counted_than_a_screen_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InMemoryDueJobs, "find", lambda *_: (f"job_{number}" for number in count()))
    told = status(World())

    assert told["overdue_jobs"] == MOST_OVERDUE
    assert told["alarming"][0]["says"] == "100 or more jobs are due for a check for more than 15 minutes"
