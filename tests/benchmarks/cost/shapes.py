"""The shapes of a job whose cost is counted, and how each is ordered in a running cloud so that nothing of its counts
depends on time: a song that is polled for is done at a certain poll, and a provider calls back when the machine sleeps.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

from fermata.domain.catalogue.models import Catalogue, read_catalogue
from fermata.domain.catalogue.poll_schedule import Pace
from tests.benchmarks.cost.counts import Counts, counts_of
from tests.benchmarks.cost.meter import Meter, Reading
from tests.integration.cloud_process import running_cloud
from tests.integration.song import Cloud
from tests.integration.suno_provider import SunoProvider, suno_provider
from tests.integration.webhook_receiver import Receiver, receiving

LYRICS: Final = "[Verse]\n" + "\n".join(f"Rain on the window {line}" for line in range(56))
"""The words of a song of a minute."""
METADATA: Final = {"song": "3f1c9c2e-7a55-4d3e", "customer": "customer-4711"}
SPOKEN: Final = "Rain on the window, and nobody is at home. " * 40
POLLED: Final = "aimlapi/minimax/music-2.0"
POLLED_S: Final = 70
POLL_PAUSES_S: Final = 30
"""`PollPausesSeconds` as deployed, which the tests' parameters shorten."""
_FIRST: Final = frozenset({"polled", "called back", "speech"})
"""A shape of each provider."""
_OVERRIDES: Final[Mapping[str, object]] = {
    # Nothing of the clock's comes between, and what environments remember they remember until the end.
    "ReaperFirstCheckSeconds": 86_400,
    "AuthorizerTtlSeconds": 3_600,
    "ProviderKeyMaxAgeSeconds": 86_400,
    "StartBySeconds": 3_600,
    "GenerationTimeoutSeconds": 1_800,
    "CallbackTimeoutSeconds": 1_800,
    "ReadGapSeconds": 60,
    "StartTimeoutSeconds": 120,
    "MeasureTracks": "true",
    "PollPausesSeconds": POLL_PAUSES_S,
    # The catalogue's own, by which no job of a few seconds is late.
    "ModelLatencyPriors": "{}",
}


@dataclass(frozen=True)
class Shape:
    """One order. Its provider takes `waits_s` nominal seconds, for each of which a row is printed, within one function
    where `blocking`. `more_than` names the shape to which it is the same but for one thing.
    """

    name: str
    fields: Mapping[str, Any]
    waits_s: tuple[int, ...]
    blocking: bool = True
    more_than: str | None = None
    told: bool = False


HEX: Final = "hex in the answer"
PEAKS: Final = "peaks and loudness"
READ: Final = "a read of the job"
SHAPES: Final = (
    Shape(HEX, {"model": "minimax/music-2.5"}, (30, 70, 90)),
    Shape("link in the answer", {"model": "minimax/music-2.6", "audio": {"format": "wav"}}, (30, 70)),
    Shape("polled", {"model": POLLED}, (POLLED_S,), blocking=False),
    Shape("called back", {"model": "apiinone/suno"}, (90,), blocking=False),
    Shape("speech", {"model": "minimax/speech-2.8-hd", "text": SPOKEN, "voice": "English_Graceful_Lady"}, (8,)),
    Shape("told by webhook", {"model": "minimax/music-2.5"}, (30,), more_than=HEX, told=True),
    Shape("heard live", {"model": "minimax/music-2.5", "live": True}, (30,), more_than=HEX),
)
HELD: Final = tuple(shape for shape in SHAPES if not shape.fields.get("live"))
"""Those whose counts are kept. Pieces of a live song are published beside it and dropped where that takes too long, so
how many there are depends on the machine.
"""
_RESCUE: Final = "Rescue"
"""What the reaper begins for a song that could be fetched once more, at its own time."""


@dataclass(frozen=True)
class Polling:
    """How often a task is polled, in how many runs, and how many seconds these pause together."""

    polls: int
    runs: int
    pauses_s: int


def polling_of(model_id: str, provider_s: int, catalogue: Catalogue | None = None) -> Polling:
    """The polls of a task that takes its provider so long, by the schedule in the catalogue's own pace."""
    model = (catalogue or read_catalogue()).find(model_id)
    assert model is not None, model_id
    pace = Pace(model.estimate, model.longest_poll_pause_s)
    at_s, polls, runs, pauses_s, paused_s = pace.first_poll_s(0), 1, 1, 0, 0
    while at_s < provider_s:
        pause_s = pace.next_poll_in_a_run_s(at_s)
        if pause_s is None or paused_s + pause_s > POLL_PAUSES_S:
            pause_s, runs, paused_s = pace.next_poll_s(at_s), runs + 1, 0
        else:
            pauses_s, paused_s = pauses_s + pause_s, paused_s + pause_s
        at_s, polls = at_s + pause_s, polls + 1
    return Polling(polls, runs, pauses_s)


@dataclass(frozen=True)
class Ran:
    """What a job used until its end, what measuring its tracks did after it, and what one read of the job did; and the
    bytes of its tracks.
    """

    job: Reading
    peaks: Reading
    read: Reading
    track_bytes: int

    def counts(self, shape: Shape) -> dict[str, Counts]:
        """The counts of each part by the name under which they are kept."""
        parts = {PEAKS: counts_of(self.peaks), READ: counts_of(self.read)} if shape.name == HEX else {}
        return {shape.name: counts_of(self.job), **parts}


@dataclass
class Rig:
    """A cloud in which nothing else goes on, with a provider that calls back when it is told to."""

    cloud: Cloud
    suno: SunoProvider
    receiver: Receiver
    meter: Meter
    numbers: Iterator[int] = field(default_factory=count)
    jobs: int = 0
    asleep: int = 0
    """How often the machine went to sleep until a callback."""
    listens: bool = False

    def run(self, shape: Shape) -> "Ran":
        """Order one job of a shape, and read it once after its end."""
        prompt = f"indie folk, number {next(self.numbers):03d}"
        self.suno.done = False
        self._listen(at=f"{self.receiver.origin}/hook" if shape.told else None)
        if not shape.blocking and shape.fields["model"] == POLLED:
            running = polling_of(POLLED, POLLED_S).polls - 1
            self.cloud.fault("aimlapi", "status_word:generating", "poll", prompt, times=running)
        self.meter.reading()
        song = {} if "text" in shape.fields else {"prompt": prompt, "lyrics": LYRICS}
        job_id = self.cloud.submit({**song, "metadata": METADATA, **shape.fields})["id"]
        if shape.fields["model"] == "apiinone/suno":
            self._call_back(job_id, prompt)
        self.cloud.ended_execution(job_id)
        self.jobs += 1
        self.until_quiet()
        order = self.meter.reading()
        job = self.cloud.job(job_id)
        assert job["status"] == "succeeded", job["error"]
        tracks, peaks = sum(track["bytes"] for track in job["tracks"]), "MeasureTracksFunction"
        return Ran(order.of(peaks, alone=False), order.of(peaks, alone=True), self.meter.reading(), tracks)

    def until_quiet(self) -> None:
        """Wait until nothing goes on, and the tracks of all `jobs` are measured."""
        self.cloud.until(self._is_quiet)

    def _listen(self, at: str | None) -> None:
        """Have the tenant notified at an address, or not at all."""
        if at or self.listens:
            self.cloud.manage(action="set_webhook", tenant_id=self.cloud.line["tenant"], url=at)
        self.listens = at is not None

    def _call_back(self, job_id: str, prompt: str) -> None:
        """Post twice, as API in One does: when the first song can be heard, and when both are done. The machine sleeps
        through the first post.
        """
        self.cloud.until(partial(self._sleeps, job_id, self.asleep + 1))
        for is_done in (False, True):
            self.suno.done = is_done
            self.suno.call_back(prompt).raise_for_status()

    def _sleeps(self, job_id: str, times: int) -> bool:
        self.asleep = self._reports("AwaitCallback")
        return self.cloud.states_so_far(job_id)[-1] == "WaitForCallback" and self.asleep == times

    def _is_quiet(self) -> bool:
        machines = self.cloud.aws("stepfunctions")
        running = [
            machines.list_executions(stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING")["executions"]
            for machine in machines.list_state_machines()["stateMachines"]
        ]
        return not any(running) and self._reports("MeasureTracks") == self.jobs

    def _reports(self, function: str) -> int:
        log = Path(self.cloud.line["logs_dir"]) / f"{function}Function.jsonl"
        return log.read_text("utf-8").count('"platform.report"') if log.exists() else 0


@contextmanager
def rig(scratch: Path, *arguments: str) -> Iterator[Rig]:
    """Start such a cloud; more arguments as for `python -m local up`."""
    with ExitStack() as exits:
        suno, receiver = exits.enter_context(suno_provider()), exits.enter_context(receiving())
        overrides = [part for name, value in _OVERRIDES.items() for part in ("--param", f"{name}={value}")]
        flags = [
            "--provider-latency",
            "0.05",
            "--time-scale",
            "20",
            "--provider",
            f"apiinone={suno.origin}",
            "--provider-key",
            "apiinone=key",
        ]
        cloud = Cloud(exits.enter_context(running_cloud([*flags, *overrides, *arguments], scratch)))
        started = Rig(cloud, suno, receiver, Meter(cloud, leaves_out=_RESCUE))
        # The first order at each provider and of a caller makes what all later ones find.
        for shape in (each for each in SHAPES if each.name in _FIRST):
            started.run(shape)
        yield started
