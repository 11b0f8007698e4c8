"""What the functions themselves write as metrics, in the Embedded Metric Format, while something goes well or wrong."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final

from fermata.adapters.dynamodb.reading import read
from fermata.adapters.metrics import EmfMetrics
from fermata.domain.webhooks.delivery import Try
from fermata.errors import AnswerLostError, LinkTroubleError, SongsOutstandingError, UnreadableRecordError
from fermata.use_cases.accounts.audit_wallets import audit_wallets
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.use_cases.generation.finish.rescue_audio import rescue_audio
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.settle_stored import settle_stored
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.use_cases.webhooks.deliver_webhook import deliver_webhook
from fermata.wiring.accounts import audit_ports
from fermata.wiring.generation import reap_ports, rescue_ports, settle_ports, start_ports, store_ports
from fermata.wiring.operator import manage_ports
from fermata.wiring.webhooks import deliver_ports
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.settings import budget
from tests.fakes.world import World
from tests.songs import JOB_ID, LINK, hex_answer, json_answer, queued_job, ready_job
from tests.webhooks import listening_world

SONG: Final = hex_answer(b"ID3" + bytes(5000))
CLOSED: Final = json_answer({"base_resp": {"status_code": 2153, "status_msg": "closed"}}, 410)
NO_CREDIT: Final = json_answer({"base_resp": {"status_code": 1008, "status_msg": "no balance"}})
FAILURES_TO_OPEN: Final = 5


def a_job_that_goes_well() -> None:
    """A song is bought, stored and settled, and its webhook leaves two seconds after the end."""
    with _world(SONG) as world:
        _start(world)
        settle_stored(JOB_ID, 1, store_ports(world.remaining_ms), settle_ports())
    _deliver(2)


def a_song_that_is_not_there_yet() -> None:
    """The host of a finished song is busy, so that the function that fetches it ends by an error of its own choice."""
    with _speaking(World()) as world:
        world.jobs.create(ready_job(LINK))
        world.links.files = {LINK: LinkTroubleError("cdn.test answered 503", 503)}
        with suppress(SongsOutstandingError):
            settle_stored(JOB_ID, 1, store_ports(world.remaining_ms), settle_ports())


def a_run_of_the_reaper() -> None:
    """The reaper finds nothing to do."""
    with _speaking(World()) as world:
        reap_jobs(reap_ports(world.lose), world.clock())


def an_audit_without_drift() -> None:
    """Every wallet is what its ledger says, because there is none."""
    with _speaking(World()) as world:
        audit_wallets(audit_ports(print, print), world.clock())


def an_unknown_outcome() -> None:
    """The provider's answer to a paid call is lost."""
    with _world(AnswerLostError("cut")) as world:
        _start(world)


def a_closed_account() -> None:
    """The provider says that the account is closed, and is not asked for the next song."""
    with _world(CLOSED, jobs=2) as world:
        _start(world)
        _start(world, _job_id(1))


def an_open_circuit() -> None:
    """The provider refuses one order after another."""
    with _world(*[NO_CREDIT] * FAILURES_TO_OPEN, jobs=FAILURES_TO_OPEN) as world:
        for number in range(FAILURES_TO_OPEN):
            _start(world, _job_id(number))


def a_spent_budget() -> None:
    """One song takes the whole budget of the day."""
    with _speaking(World(operator=budget("minimax", "0.15"), upstream=FakeUpstream(SONG))) as world:
        world.jobs.create(queued_job())
        _start(world)


def a_drifting_wallet() -> None:
    """A wallet was filled without an entry in its ledger."""
    with _speaking(World()) as world:
        manage_tenants({"action": "create_tenant", "tenant_id": "acme"}, manage_ports(), world.clock(), bytes(25))
        audit_wallets(audit_ports(print, print), world.clock())


def a_late_webhook() -> None:
    """The first post about a job leaves five minutes after its end."""
    _deliver(300)


def an_unreadable_record() -> None:
    """A stored item lacks what its reader looks for."""
    with _speaking(World()), suppress(UnreadableRecordError):
        read({"pk": "JOB#job_1", "sk": "JOB"}, lambda item: item["status"])


def a_job_that_breaks_every_run() -> None:
    """The reaper meets an error that its next run would meet again."""
    with _speaking(World()) as world:
        world.jobs.create(queued_job(check_at=world.clock()))
        row = json.loads(world.jobs.rows[JOB_ID])
        del row["request"]
        world.jobs.rows[JOB_ID] = json.dumps(row)
        reap_jobs(reap_ports(world.lose), world.clock())


def a_rescued_song() -> None:
    """A job ends without its song, whose file can be fetched afterwards."""
    with _speaking(World()) as world:
        world.jobs.create(ready_job(LINK))
        settle_job(JOB_ID, "States.Timeout", settle_ports(), world.clock())
        world.links.files = {LINK: b"ID3" + bytes(5000)}
        rescue_audio(JOB_ID, rescue_ports(world.remaining_ms))


TROUBLES: Final[Mapping[str, tuple[Callable[[], None], int]]] = {
    "UnknownOutcomesAlarm": (an_unknown_outcome, 3),
    "ProviderDisabledAlarm": (a_closed_account, 1),
    "CircuitOpenAlarm": (an_open_circuit, 3),
    "ProviderBudgetAlarm": (a_spent_budget, 1),
    "MinimaxBudgetAlarm": (a_spent_budget, 1),
    "WalletDriftAlarm": (a_drifting_wallet, 1),
    "WebhookBacklogAlarm": (a_late_webhook, 20),
    "UnreadableRecordsAlarm": (an_unreadable_record, 1),
    "SongsToRedeliverAlarm": (a_rescued_song, 1),
}
"""By alarm: what goes wrong, and how often within a quarter of an hour."""


def _world(*script: ScriptedAnswer | Exception, jobs: int = 1) -> World:
    world = World(upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    for number in range(jobs):
        world.jobs.create(queued_job(id=_job_id(number)))
    return _speaking(world)


def _speaking(world: World) -> World:
    """The world with metrics that are written as on AWS."""
    world.metrics = EmfMetrics("fermata")  # type: ignore[assignment]  # the functions' own in place of the fake
    return world


def _job_id(number: int) -> str:
    return JOB_ID if number == 0 else f"{JOB_ID[:-2]}{number:02d}"


def _start(world: World, job_id: str = JOB_ID) -> None:
    start_generation(job_id, start_ports(world.remaining_ms), "run-1")


def _settle(world: World) -> None:
    settle_job(JOB_ID, None, settle_ports(), world.clock())


def _deliver(after_s: int) -> None:
    with _speaking(listening_world()) as world:
        finished = world.stored(JOB_ID).finished_at
        assert finished is not None
        deliver_webhook(JOB_ID, Try(0, 1), deliver_ports(), finished + timedelta(seconds=after_s))
