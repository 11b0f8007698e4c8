"""Many jobs of several tenants at once, on the shipped state machine, with everything that may come in between; and
what must hold all the time.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import MAX_ATTEMPTS, Job
from fermata.domain.jobs.next_step import read_instant
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.wallet import EntryKind, empty_wallet, grant_of
from fermata.domain.orders.idempotency import KEPT_FOR
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.callbacks import new_callback
from fermata.domain.providers.calls import UpstreamCall
from fermata.domain.providers.failures import ProviderCharged
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.errors import (
    AnswerLostError,
    FermataError,
    InvalidRequestError,
    LinkTroubleError,
    NotSentError,
    TransientError,
)
from fermata.ports.jobs import DueJobs
from fermata.ports.money import WalletStore
from fermata.ports.providers import BrakeStore
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.use_cases.generation.finish.rescue_audio import rescue_audio
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import store_audio
from fermata.use_cases.generation.follow.await_callback import await_callback
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.follow.receive_callback import receive_callback
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.use_cases.orders.delete_job import delete_job
from fermata.use_cases.orders.submit_job import submit_job
from fermata.wiring.generation import (
    callback_ports,
    poll_ports,
    reap_ports,
    rescue_ports,
    resume_ports,
    settle_ports,
    start_ports,
    store_ports,
)
from fermata.wiring.orders import delete_ports, submit_ports
from tests.books import Books, assert_the_ledger_explains
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.fakes.world import World
from tests.played_machine import Functions, Played, PlayedMachine
from tests.seams import CrashError, Seams
from tests.songs import LYRICS, hex_answer, json_answer, order
from tests.webhooks import SECRET, URL

TENANTS: Final = {"acme": 2000, "other": 70}
"""Credits that each tenant begins with; one can run out."""

LISTENS: Final = "acme"
"""The tenant that hears of its jobs by webhook."""

LONGEST_RUN_S: Final = 120
"""How long a run of a function may live; a claim ends a minute later."""

CHAINS: Final[tuple[dict[str, object], ...]] = (
    {"model": "minimax/music-2.5"},
    {"model": "apiinone/suno"},
    {"model": "aimlapi/minimax/music-2.0"},
    {"model": "minimax/music-2.5", "fallbacks": ["aimlapi/minimax/music-2.0"]},
    {"model": "minimax/music-2.5", "fallbacks": ["apiinone/suno"], "on_unknown": "fallback"},
)
_MOST_STEPS: Final = 5000
"""Many more than all jobs of one example take to their end when nothing else happens."""
_MOST_RESCUES: Final = 8
AUDIO: Final = b"ID3" + bytes(40)


@dataclass(frozen=True)
class Fate:
    """What becomes of the orders, polls and links of one job, one after the other; the last goes on for ever."""

    orders: tuple[str, ...] = ("song",)
    polls: tuple[str, ...] = ("done",)
    links: tuple[str, ...] = ("there",)


FATES: Final = (
    Fate(),
    Fate(polls=("running", "done")),
    Fate(("busy", "song")),
    Fate(("busy",)),
    Fate(("unsent", "song"), ("running", "failed")),
    Fate(("lost",)),
    Fate(("cut", "song")),
    Fate(("busy", "lost", "song"), ("missing", "running", "done")),
    Fate(polls=("done",), links=("dead", "there")),
    Fate(polls=("done", "done"), links=("dead",)),
    Fate(polls=("refused", "refused", "no_link", "done"), links=("busy", "there")),
    Fate(polls=("no_link",)),
    Fate(polls=("refused",)),
    Fate(polls=("done", "refused", "running", "done"), links=("dead", "busy", "dead", "there")),
    Fate(polls=("two", "two"), links=("busy", "there")),
    Fate(polls=("two",), links=("busy",)),
    Fate(polls=("two", "refused", "turned"), links=("there", "dead", "dead", "there")),
)


@dataclass(frozen=True)
class Placed:
    """One order of a caller; `key` is its Idempotency-Key."""

    job_id: str
    tenant_id: str
    body: dict[str, object]
    key: str | None
    fate: Fate


@dataclass
class Studio:
    """Every provider, and its audio links. It knows a job by its prompt, and `on_order` hears of each paid POST before
    its answer. `charged` counts songs that were made, by job and attempt.
    """

    fates: dict[str, Fate] = field(default_factory=dict)
    on_order: Callable[[str, bool], object] = lambda _prompt, _made: None
    _orders: Counter[str] = field(default_factory=Counter)
    _polls: Counter[str] = field(default_factory=Counter)
    _links: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def send(self, provider: str, call: UpstreamCall, key: str, within_s: float) -> Iterator[ScriptedAnswer]:
        assert key, "a call without a key"
        assert within_s > 0, "a call without time"
        yield self._order(provider, call) if call.method == "POST" else self._poll(provider, call)

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        assert provider in url
        prompt = url.rpartition("/")[2].removesuffix(".mp3").replace("-", " ")
        yield AUDIO[:10]
        outcome = _next(self.fates[prompt].links, self._links, prompt)
        if outcome != "there":
            raise LinkTroubleError("the link brought nothing", {"dead": 403, "busy": 503}[outcome])
        # No two songs are the same file.
        yield AUDIO[10:] + url.encode()

    def _order(self, provider: str, call: UpstreamCall) -> ScriptedAnswer:
        body = call.body or {}
        prompt = str(body.get("style") or body["prompt"])
        outcome = _next(self.fates[prompt].orders, self._orders, prompt)
        if outcome == "unsent":
            raise NotSentError("no connection")
        self.on_order(prompt, outcome != "busy")
        if outcome == "lost":
            raise AnswerLostError("no answer")
        answer = _BUSY[provider] if outcome == "busy" else _accepted(provider, prompt.replace(" ", "-"))
        if outcome == "cut":
            return ScriptedAnswer(answer.body[: len(answer.body) // 2], ends_with=AnswerLostError("cut"))
        return answer

    def _poll(self, provider: str, call: UpstreamCall) -> ScriptedAnswer:
        task = call.query.get("generation_id") or call.query.get("task_id") or call.path.rpartition("/")[2]
        outcome = _next(self.fates[task.replace("-", " ")].polls, self._polls, task)
        if outcome in _REFUSED:
            return json_answer({"message": "not now", "statusCode": _REFUSED[outcome]}, _REFUSED[outcome])
        return _POLLED[provider](task, outcome)


def _next(outcomes: tuple[str, ...], counted: Counter[str], name: str) -> str:
    counted[name] += 1
    return outcomes[min(counted[name], len(outcomes)) - 1]


_BUSY: Final = {
    "minimax": json_answer({"base_resp": {"status_code": 1002}}),
    "apiinone": json_answer({"code": 429, "message": "slow down"}, 429),
    "aimlapi": json_answer({"message": "slow down", "statusCode": 429}, 429),
}


def _accepted(provider: str, task: str) -> ScriptedAnswer:
    if provider == "minimax":
        return hex_answer(AUDIO)
    if provider == "aimlapi":
        return json_answer({"id": task, "status": "queued"}, 201)
    return json_answer({"code": 200, "data": {"task_id": task, "status": "first"}})


def _aimlapi_polled(task: str, outcome: str) -> ScriptedAnswer:
    word = {"running": "generating", "failed": "error"}.get(outcome, "completed")
    file = None if outcome == "no_link" else {"url": f"https://cdn.test/aimlapi/{task}.mp3"}
    return json_answer({"id": task, "status": word, "audio_file": file})


def _apiinone_polled(task: str, outcome: str) -> ScriptedAnswer:
    word = {"running": "FIRST", "failed": "FAILED"}.get(outcome, "SUCCESS")
    links = [f"https://cdn.test/apiinone/{task}.mp3", f"https://cdn.test/apiinone/second/{task}.mp3"]
    songs = [{"audio_url": link} for link in links[: {"done": 1, "two": 2, "turned": 2}.get(outcome, 0)]]
    songs = songs[::-1] if outcome == "turned" else songs
    return json_answer({"code": 200, "data": {"type": word, "response_data": songs}})


_REFUSED: Final = {"missing": 404, "refused": 401}
_POLLED: Final = {"aimlapi": _aimlapi_polled, "apiinone": _apiinone_polled}


@dataclass
class StagedWorld(World):
    """A world whose job records may live in any store."""

    due: DueJobs | None = None
    brake_store: BrakeStore | None = None
    wallet_store: WalletStore | None = None

    @property
    def wallets(self) -> Any:  # noqa: ANN401 - the fake, or the adapter
        return self.wallet_store or self.jobs.wallets

    @property
    def brakes(self) -> Any:  # noqa: ANN401 - the fake, or the adapter
        return self.brake_store or self.jobs.brakes

    def due_jobs(self) -> DueJobs:
        return self.due or super().due_jobs()


class Stage:
    """The world, its callers, operators and crashes. Every public method is one thing that may happen at any time."""

    def __init__(self, world: StagedWorld, books: Books, scratch: Path) -> None:
        self.books, self.world, self.seams = books, world, Seams()
        self.studio = Studio(on_order=self._ordered)
        self.machine = PlayedMachine(world.clock)
        self.placed: list[Placed] = []
        self.known: dict[str, Job] = {}
        self.orders: dict[tuple[str, int], bool] = {}
        self.touched: set[str] = set()
        self._busy: set[str] = set()
        self._runs = 0
        self._latest_token: dict[tuple[str, int], str] = {}
        for tenant_id, amount in TENANTS.items():
            books.wallets.open(empty_wallet(tenant_id, NOON))
            books.wallets.grant(grant_of(tenant_id, amount, "0-grant", NOON))
        around: Any = self.seams.around
        self.answers, self.events, self.deliveries = world.answers, world.events, world.webhook_machine
        world.webhooks.point(WebhookEndpoint(tenant_id=LISTENS, url=URL), SECRET)
        ours = ("jobs", "answers", "tracks", "callbacks", "provider_states", "waits", "events")
        for name in (*ours, "webhooks", "webhook_machine", "rescue_slots"):
            setattr(world, name, around(getattr(world, name)))
        world.upstream, world.links, world.machine = around(self.studio), around(self.studio), around(self.machine)
        world.scratch = scratch
        world.remaining_s = LONGEST_RUN_S
        self.functions = self._functions()

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
        self.studio.fates[prompt] = FATES[fate]
        self.placed.append(placed)
        self._submit(placed, number)

    def submit_again(self, number: int) -> None:
        """The same order under the same key; not after the key's day, because that would be another order."""
        placed, now = self._of(number), self.world.clock()
        if placed is None or placed.key is None:
            return
        position, job = self.placed.index(placed), self.books.jobs.load(placed.job_id)
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
        """Somebody stops the execution; the rule tells settle_job of it, or is lost."""
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
            job = self.books.jobs.load(job_id)
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
        job = self.books.jobs.load(job_id)
        return job is not None and job.check_at is not None

    def _is_done(self, job_id: str) -> bool:
        job = self.books.jobs.load(job_id)
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
        wallet = self.books.wallet(tenant_id)
        jobs = [job for job in self.known.values() if job.tenant_id == tenant_id]
        assert wallet.granted == wallet.balance + wallet.held + wallet.spent == TENANTS[tenant_id]
        assert wallet.balance >= 0
        assert wallet.held == sum(job.hold_credits for job in jobs if not job.status.is_terminal)
        assert wallet.open_jobs == sum(not job.status.is_terminal for job in jobs)
        assert wallet.spent == sum(job.spent_credits for job in jobs)
        assert wallet.at_risk == sum(job.at_risk for job in jobs if not job.status.is_terminal)
        used = self.books.used(tenant_id)
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
        for tenant_id in TENANTS:
            wallet, ledger = self.books.wallet(tenant_id), self.books.ledger(tenant_id)
            assert_the_ledger_explains(wallet, ledger)
            assert wallet.held == 0
            kinds = Counter((entry.job_id, entry.kind) for entry in ledger if entry.job_id)
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
        job = self.books.jobs.load(placed.job_id)
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
        return self._latest_token.get((job_id, attempt), "never-handed-out")

    def _start(self, payload: dict[str, Any]) -> dict[str, Any]:
        world, job_id = self.world, payload["job_id"]
        if payload["may_post"] is not True:
            return resume_generation(job_id, resume_ports(), world.clock()).as_payload()
        self._runs += 1
        job = self.books.jobs.load(job_id)
        # Chance never comes twice: a run that died after it had opened a callback must not block the next one.
        world.callback_randomness = _randomness(job_id, self._runs)
        attempt = len(job.attempts) + 1 if job else 1
        self._latest_token[job_id, attempt] = new_callback(job_id, attempt, NOON, world.callback_randomness)[0]
        return start_generation(job_id, start_ports(world.remaining_ms), f"run-{self._runs}").as_payload()

    def _poll(self, payload: dict[str, Any]) -> dict[str, Any]:
        ports, not_yet_at = poll_ports(), read_instant(payload["not_yet_at"])
        return poll_generation(payload["job_id"], payload["attempt"], ports, not_yet_at).as_payload()

    def _store(self, payload: dict[str, Any]) -> dict[str, Any]:
        return store_audio(payload["job_id"], payload["attempt"], store_ports(self.world.remaining_ms)).as_payload()

    def _settle(self, payload: dict[str, Any]) -> dict[str, Any]:
        stopped_by = payload.get("failure", {}).get("Error")
        status = settle_job(payload["job_id"], stopped_by, settle_ports(), self.world.clock())
        return {"status": status.value}

    def _await(self, payload: dict[str, Any]) -> dict[str, Any]:
        ports = callback_ports()
        return {"wait": await_callback(payload["job_id"], payload["attempt"], payload["task_token"], ports).value}

    def _functions(self) -> Functions:
        return {
            "${StartGenerationFunctionArn}": self._start,
            "${PollGenerationFunctionArn}": self._poll,
            "${AwaitCallbackFunctionArn}": self._await,
            "${StoreAudioFunctionArn}": self._store,
            "${SettleJobFunctionArn}": self._settle,
        }


def crash() -> None:
    """The process is killed."""
    raise CrashError


def trouble() -> None:
    """A call to AWS is not answered, whether it was carried out or not."""
    raise TransientError("the answer was lost")


def _randomness(job_id: str, run: int) -> bytes:
    return f"{job_id[-26:]}{run:06d}".encode()
