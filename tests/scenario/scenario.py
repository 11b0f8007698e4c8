"""Many jobs of several tenants at once, on the shipped state machine, with everything that may come in between; and
what must hold all the time.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS
from fermata.domain.money.movement import EntryKind, grant_of
from fermata.domain.money.wallet import empty_wallet
from fermata.domain.orders.idempotency import KEPT_FOR
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.failures import ProviderCharged
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.errors import FermataError, InvalidRequestError, TransientError
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.use_cases.generation.finish.rescue_audio import rescue_audio
from fermata.use_cases.generation.follow.receive_callback import receive_callback
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.use_cases.orders.delete_job import delete_job
from fermata.use_cases.orders.submit_job import submit_job
from fermata.wiring.generation import callback_ports, reap_ports, rescue_ports
from fermata.wiring.orders import delete_ports, submit_ports
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, assert_the_ledger_explains
from tests.scenario.asl_interpreter import AslInterpreter, Played
from tests.scenario.functions import MachineFunctions
from tests.scenario.orders import CHAINS, Placed
from tests.scenario.providers import FATES, FakeProviders
from tests.scenario.seams import CrashError, Seams
from tests.scenario.world import ScenarioWorld
from tests.songs import LYRICS, order
from tests.webhooks import SECRET, URL

TENANTS: Final = {"acme": 2000, "other": 70}
"""Credits that each tenant begins with; one can run out."""

LISTENS: Final = "acme"
"""The tenant that is notified of its jobs by webhook."""

LONGEST_RUN_S: Final = 120
"""How long a run of a function may live; a claim ends a minute later."""

_MOST_STEPS: Final = 5000
"""Many more than all jobs of one example take to their end when nothing else happens."""
_MOST_RESCUES: Final = 8


class Scenario:
    """The world, its callers, operators and crashes. Every public method is one thing that may happen at any time."""

    def __init__(self, world: ScenarioWorld, ledger: Ledger, scratch: Path) -> None:
        self.ledger, self.world, self.seams = ledger, world, Seams()
        self.providers = FakeProviders(on_order=self._ordered)
        self.machine = AslInterpreter(world.clock)
        self.placed: list[Placed] = []
        self.known: dict[str, Job] = {}
        self.orders: dict[tuple[str, int], bool] = {}
        self.touched: set[str] = set()
        self._busy: set[str] = set()
        for tenant_id, amount in TENANTS.items():
            ledger.wallets.open(empty_wallet(tenant_id, NOON))
            ledger.wallets.grant(grant_of(tenant_id, amount, "0-grant", NOON))
        around: Any = self.seams.around
        self.answers, self.events, self.deliveries = world.answers, world.events, world.webhook_machine
        world.webhooks.point(WebhookEndpoint(tenant_id=LISTENS, url=URL), SECRET)
        ours = ("jobs", "answers", "tracks", "callbacks", "provider_states", "waits", "events")
        self.live_pieces, self.live_streams = world.live_pieces, world.live_streams
        for name in (*ours, "webhooks", "webhook_machine", "rescue_slots", "live_pieces", "live_streams"):
            setattr(world, name, around(getattr(world, name)))
        world.upstream, world.links, world.machine = (
            around(self.providers),
            around(self.providers),
            around(self.machine),
        )
        world.scratch = scratch
        world.remaining_s = LONGEST_RUN_S
        self._machine_functions = MachineFunctions(world, ledger.jobs)
        self.functions = self._machine_functions.by_name()

    # ---- what callers do

    def submit(self, tenant_id: str, chain: int, fate: int, *, keyed: bool, hurried: bool) -> None:
        number = len(self.placed)
        now = self.world.clock()
        prompt = f"a song of number {number}"
        body = {**CHAINS[chain], "prompt": prompt, "lyrics": LYRICS}
        if hurried:
            body["finish_by"] = f"{now + timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}"
        job_id = new_job_id(now, number.to_bytes(10))
        placed = Placed(job_id, tenant_id, body, f"key-{number}" if keyed else None, FATES[fate])
        self.providers.fates[prompt] = FATES[fate]
        self.placed.append(placed)
        self._submit(placed, number)

    def submit_again(self, number: int) -> None:
        """The same order under the same key; not after the key's day, because that would be another order."""
        placed, now = self._of(number), self.world.clock()
        if placed is None or placed.key is None:
            return
        position, job = self.placed.index(placed), self.ledger.jobs.load(placed.job_id)
        if job is None:
            placed = replace(placed, job_id=new_job_id(now, position.to_bytes(10)))
            self.placed[position] = placed
        if job is None or now < job.created_at + KEPT_FOR:
            self._submit(placed, position)

    def cancel(self, number: int) -> None:
        self._for(number, lambda each: cancel_job(each.job_id, each.tenant_id, self.world.jobs, self.world.clock()))

    def delete(self, number: int) -> None:
        ports = delete_ports()
        self._for(number, lambda each: delete_job(each.job_id, each.tenant_id, ports, self.world.clock()))

    # ---- what providers, operators and the cloud do

    def call_back(self, number: int) -> None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            token = self._token(number, attempt)
            self._for(number, lambda _, token=token: receive_callback(token, callback_ports()))  # type: ignore[misc]

    def pass_time(self, seconds: int) -> None:
        self.world.clock.pass_seconds(seconds)

    def reap(self) -> None:
        self.touched.update(each.job_id for each in self.placed)
        self._guarded(lambda: reap_jobs(reap_ports(self.world.lose), self.world.clock()))

    def rescue(self, number: int) -> None:
        """A run that looks after the songs of an ended job, whether the reaper started it or not."""
        self._for(number, lambda each: rescue_audio(each.job_id, rescue_ports(self.world.remaining_ms)))

    def pause(self, name: str) -> None:
        self.world.brakes.pause(name, self.world.clock())

    def resume(self, name: str) -> None:
        self.world.brakes.resume(name)

    def invoke_again(self, number: int, *, may_post: bool) -> None:
        """Lambda, an SDK or an operator runs the function once more, beside the machine."""
        payload = {"may_post": may_post}
        start = self.functions["${StartGenerationFunctionArn}"]
        self._for(number, lambda each: start({**payload, "job_id": each.job_id}))

    def stop(self, number: int, *, told: bool) -> None:
        """The execution is stopped; the rule notifies settle_job of it, or its event is lost."""
        placed = self._of(number)
        if placed is not None and placed.job_id in self.machine.executions:
            self.machine.stopped.add(placed.job_id)
            if told:
                payload = {"job_id": placed.job_id, "failure": {"Error": "Execution.ABORTED"}}
                self._for(number, lambda _: self.functions["${SettleJobFunctionArn}"](payload))

    def advance_job(self, number: int) -> None:
        """One execution leaves its state, once that is due, unless it is in the middle of it."""
        running = [each for each in self.machine.running() if each.job_id not in self._busy]
        if running:
            self._play(running[number % len(running)])

    # ---- what must hold

    def check(self) -> None:
        """After every step, for the jobs and tenants that it touched."""
        tenants = set()
        for job_id in self.touched:
            job = self.ledger.jobs.load(job_id)
            if job is not None:
                tenants.add(job.tenant_id)
                self._check_job(job, self.known.get(job_id))
                self.known[job_id] = job
        self.touched.clear()
        for tenant_id in tenants:
            self._check_wallet(tenant_id)

    def finish(self) -> None:
        """Nothing else happens any more: everything must come to an end by itself, and the books must close."""
        self.seams.disarm()
        for name in ("all", "minimax"):
            self.resume(name)
        for _ in range(_MOST_STEPS):
            running = self.machine.running()
            if running:
                self._play(running[0])
            elif all(self._is_done(each.job_id) for each in self.placed):
                break
            else:
                self.pass_time(400)
                self.reap()
        self._end_rescues()
        self.touched.update(each.job_id for each in self.placed)
        self.check()
        self._check_ends()

    def _end_rescues(self) -> None:
        """A day later nothing is left to rescue; a run that was killed is followed by another one first."""
        for _ in range(_MOST_RESCUES):
            waiting = [n for n, each in enumerate(self.placed) if self._waits_for_rescue(each.job_id)]
            if not waiting:
                return
            self.pass_time(90_000)
            self.reap()
            for number in waiting:
                self.rescue(number)
        raise AssertionError("a rescue never ends")

    def _waits_for_rescue(self, job_id: str) -> bool:
        job = self.ledger.jobs.load(job_id)
        return job is not None and job.check_at is not None

    def _is_done(self, job_id: str) -> bool:
        job = self.ledger.jobs.load(job_id)
        return job is None or (job.status.is_terminal and not job.publish_pending)

    def _check_job(self, job: Job, before: Job | None) -> None:
        assert len(job.attempts) <= MAX_ATTEMPTS
        if before is not None and before.status.is_terminal:
            assert job.status is before.status, f"a {before.status} job became {job.status}"
        if job.status is JobStatus.SUCCEEDED and job.deleted_at is None:
            assert job.tracks
        made = [number for (job_id, number), made in self.orders.items() if job_id == job.id and made]
        assert len(made) <= 1 or self._allows_doubles(job.id), f"{job.id} bought {len(made)} songs"
        for attempt in job.attempts:
            if attempt.provider_charged is ProviderCharged.NO:
                assert attempt.number not in made, f"attempt {attempt.number} was paid and says no"
            if attempt.state is AttemptState.READY:
                assert attempt.number in made

    def _check_wallet(self, tenant_id: str) -> None:
        wallet = self.ledger.wallet(tenant_id)
        jobs = [job for job in self.known.values() if job.tenant_id == tenant_id]
        assert wallet.granted == wallet.balance + wallet.held + wallet.spent == TENANTS[tenant_id]
        assert wallet.balance >= 0
        assert wallet.held == sum(job.hold_credits for job in jobs if not job.status.is_terminal)
        assert wallet.open_jobs == sum(not job.status.is_terminal for job in jobs)
        assert wallet.spent == sum(job.spent_credits for job in jobs)
        assert wallet.at_risk == sum(job.at_risk for job in jobs if not job.status.is_terminal)
        used = self.ledger.used(tenant_id)
        assert sum(row.credits for row in used) == wallet.spent
        assert sum(row.jobs for row in used) == sum(job.status.is_terminal for job in jobs)

    def _check_ends(self) -> None:
        for job in self.known.values():
            assert job.status.is_terminal, f"{job.id} was left {job.status}"
            told = {event.detail["event_id"] for event in self.events.published if event.detail["job_id"] == job.id}
            assert told == {f"{job.id}.{job.status}"}
            begun = {name for name, (job_id, _) in self.deliveries.started.items() if job_id == job.id}
            assert begun <= told
            if job.deleted_at is None:
                assert (begun == told) is (job.tenant_id == LISTENS)
            recorded = {event.detail["event_id"] for event in self.events.usage if event.detail["job_id"] == job.id}
            assert recorded == {f"{job.id}.usage"}
            if job.deleted_at is not None:
                assert not any(job_id == job.id for job_id, _ in self.answers.kept)
                assert not any(job_id == job.id for job_id, _, _ in self.answers.files)
                assert not any(job_id == job.id for job_id, _, _ in self.live_pieces.files)
                assert not any(job.id in row for row in self.live_streams.rows.values())
        for tenant_id in TENANTS:
            wallet, entries = self.ledger.wallet(tenant_id), self.ledger.entries(tenant_id)
            assert_the_ledger_explains(wallet, entries)
            assert wallet.held == 0
            kinds = Counter((entry.job_id, entry.kind) for entry in entries if entry.job_id)
            assert set(kinds.values()) <= {1}
            for job in self.known.values():
                if job.tenant_id == tenant_id:
                    moved = {kind for job_id, kind in kinds if job_id == job.id}
                    assert EntryKind.HOLD in moved
                    assert (EntryKind.SETTLE in moved) is (job.status is JobStatus.SUCCEEDED)

    def _allows_doubles(self, job_id: str) -> bool:
        return any(each.job_id == job_id and "on_unknown" in each.body for each in self.placed)

    # ---- how it is done

    def _ordered(self, prompt: str, made: bool) -> None:
        placed = self.placed[int(prompt.rpartition(" ")[2])]
        job = self.ledger.jobs.load(placed.job_id)
        assert job is not None
        assert job.last_attempt is not None, "an order without a claim"
        name = (job.id, job.last_attempt.number)
        assert name not in self.orders, f"attempt {name} was sent twice"
        # Between the claim and its order the job may be settled; the attempt then says unknown, which is what it is.
        assert job.last_attempt.provider_charged is ProviderCharged.UNKNOWN
        self.orders[name] = made

    def _submit(self, placed: Placed, number: int) -> None:
        self.touched.add(placed.job_id)

        def submit() -> None:
            randomness = number.to_bytes(10)
            ordered = order(placed.body, placed.key, placed.tenant_id)
            try:
                submission = submit_job(ordered, submit_ports(), self.world.clock(), randomness)
            except InvalidRequestError as error:
                if "finish_by" in placed.body:
                    # The deadline has passed before the order was sent again.
                    raise
                raise AssertionError(f"order {number} is no order: {error}") from error
            assert submission.job_id == placed.job_id, "one key made two jobs"

        self._guarded(submit)

    def _of(self, number: int) -> Placed | None:
        return self.placed[number % len(self.placed)] if self.placed else None

    def _for(self, number: int, what: Callable[[Placed], object]) -> None:
        placed = self._of(number)
        if placed is not None:
            self.touched.add(placed.job_id)
            self._guarded(lambda: what(placed))

    def _guarded(self, what: Callable[[], object]) -> None:
        with suppress(FermataError, CrashError):
            what()

    def _play(self, played: Played) -> None:
        clock = self.world.clock
        token = played.awaits
        posted = token is not None and token in self.world.waits.ended
        if not posted and played.due > clock.now:
            clock.now = played.due
        self.touched.add(played.job_id)
        self._busy.add(played.job_id)
        try:
            played.play(self.functions, clock.now, posted=posted)
        finally:
            self._busy.discard(played.job_id)

    def _token(self, number: int, attempt: int) -> str:
        placed = self._of(number)
        job_id = placed.job_id if placed else ""
        return self._machine_functions.latest_token.get((job_id, attempt), "never-handed-out")


def crash() -> None:
    """The process is killed."""
    raise CrashError


def trouble() -> None:
    """A call to AWS is not answered, whether it was carried out or not."""
    raise TransientError("the answer was lost")
