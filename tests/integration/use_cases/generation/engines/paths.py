"""What the functions answer on each way through the state machine, and the states that the way goes through."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fermata.domain.jobs.next_step import NextStep, StepKind

PAST: Final = "2026-11-21T12:00:00.250000Z"
NEVER_S: Final = 20_000

Answer = dict[str, Any]


@dataclass(frozen=True)
class Path:
    """The functions' answers in the order in which they are called, and every state that is entered."""

    name: str
    answers: tuple[tuple[str, Answer], ...]
    states: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """What an engine receives of this path."""
        return {"answers": [{"state": state, **answer} for state, answer in self.answers]}


def says(word: StepKind, attempt: int = 1, wait_seconds: int = 30) -> Answer:
    """What the functions about a generation answer."""
    return {"payload": NextStep(word, attempt, wait_seconds, PAST).as_payload()}


def fails(error: str) -> Answer:
    """What Step Functions makes of a function that raised, died or was refused."""
    return {"error": error}


REFUSED: Final = fails("Lambda.TooManyRequestsException")
"""Lambda did not run the function, because too many run."""
PATIENCE: Final = 240
"""How often the machine then sends the call again."""
POSTED: Final = {"posted": True}
"""Somebody posts to the callback's address while the machine sleeps."""
SILENT: Final = {"silent": True}
OUTSTANDING: Final = fails("SongsOutstandingError")
"""A song is neither stored nor given up; the record says what comes next."""
POLISHING: Final = {"payload": {**NextStep(StepKind.READY, 1, 1, "").as_payload(), "verdict": "polishing"}}
ASKED_AGAIN: Final = "WaitForRelease ResumeGeneration DecideNext"
RENEWED: Final = "StoreAudio ResumeStorage DecideNext WaitForProvider PollGeneration"
RERUNS: Final = 40
"""How often a free step whose function fails is run again."""


def ended(status: str) -> tuple[str, Answer]:
    return "SettleJob", {"payload": {"status": status}}


def start(answer: Answer) -> tuple[str, Answer]:
    return "StartGeneration", answer


def resume(answer: Answer) -> tuple[str, Answer]:
    return "ResumeGeneration", answer


def prepare(answer: Answer) -> tuple[str, Answer]:
    return "PrepareReference", answer


def poll(answer: Answer) -> tuple[str, Answer]:
    return "PollGeneration", answer


def sleep(answer: Answer) -> tuple[str, Answer]:
    return "WaitForCallback", answer


def store(answer: Answer) -> tuple[str, Answer]:
    return "StoreAudio", answer


def look(answer: Answer) -> tuple[str, Answer]:
    return "ResumeStorage", answer


STORING: Final = (store({"payload": {"status": "succeeded"}}),)
STORED_WAY: Final = "StoreAudio"
NOT_YET: Final = (store(OUTSTANDING), look(says(StepKind.STORING)))
OVER: Final = "SettleJob"
TURN: Final = "DecideNext WaitForTurn TakeTurn"
POLLED: Final = "DecideNext WaitForProvider PollGeneration"
CALLED: Final = "DecideNext WaitForCallback PollGeneration"

PREPARED_BEFORE: Final = "DecideNext PrepareReference"
PREPARED: Final = f"{PREPARED_BEFORE} DecideNext"
AT_IT: Final = (resume(says(StepKind.IN_FLIGHT)),)
ASLEEP: Final = says(StepKind.AWAITING_CALLBACK, wait_seconds=NEVER_S)
NOT_TAKEN: Final = (
    start(says(StepKind.NEEDS_REFERENCE, 0)),
    prepare(fails("TransientError")),
    prepare(says(StepKind.RETRY_LATER)),
)

_WAYS: Final[dict[str, tuple[list[tuple[str, Answer]], str]]] = {
    "a blocking provider": (
        [start(says(StepKind.READY)), *STORING],
        f"StartGeneration DecideNext {STORED_WAY}",
    ),
    "a task that is polled": (
        [start(says(StepKind.GENERATING)), poll(says(StepKind.GENERATING)), poll(says(StepKind.READY)), *STORING],
        f"StartGeneration {POLLED} {POLLED} DecideNext {STORED_WAY}",
    ),
    "an order that Lambda did not run is sent again": (
        [start(REFUSED)] * PATIENCE + [start(says(StepKind.READY)), *STORING],
        f"StartGeneration DecideNext {STORED_WAY}",
    ),
    "an order that Lambda never runs is looked for": (
        [start(REFUSED)] * (PATIENCE + 1)
        + [resume(says(StepKind.RETRY_LATER, 0))]
        + [start(says(StepKind.READY)), *STORING],
        f"StartGeneration ResumeGeneration {TURN} StartGeneration DecideNext {STORED_WAY}",
    ),
    "a paid song is stored once Lambda has time, besides what the function itself may fail": (
        [start(says(StepKind.READY))]
        + [store(REFUSED), store(fails("TransientError"))] * 6
        + [store(REFUSED), *STORING],
        f"StartGeneration DecideNext {STORED_WAY}",
    ),
    "an order whose run died is resumed and not sent again": (
        [start(fails("Runtime.ExitError")), resume(says(StepKind.READY)), *STORING],
        f"StartGeneration ResumeGeneration DecideNext {STORED_WAY}",
    ),
    "a resume waits for a run that is still at it": (
        [start(fails("Sandbox.Timedout")), *AT_IT, *AT_IT, resume(says(StepKind.FAILED)), ended("failed")],
        f"StartGeneration ResumeGeneration {TURN} ResumeGeneration {TURN} ResumeGeneration DecideNext {OVER}",
    ),
    "a resume that always fails": (
        [start(fails("TransientError"))] + [resume(fails("TransientError"))] * 11 + [ended("failed")],
        f"StartGeneration ResumeGeneration {OVER}",
    ),
    "an unknown outcome": (
        [start(says(StepKind.FAILED)), ended("failed")],
        f"StartGeneration DecideNext {OVER}",
    ),
    "a fallback": (
        [
            start(says(StepKind.NEXT_PROVIDER)),
            start(says(StepKind.GENERATING, 2)),
            poll(says(StepKind.READY, 2)),
            *STORING,
        ],
        f"StartGeneration DecideNext StartGeneration {POLLED} DecideNext {STORED_WAY}",
    ),
    "a dead link is renewed by a poll": (
        [
            start(says(StepKind.READY)),
            store(OUTSTANDING),
            look(says(StepKind.GENERATING)),
            poll(says(StepKind.GENERATING)),
            poll(says(StepKind.READY)),
            *STORING,
        ],
        f"StartGeneration DecideNext {RENEWED} {POLLED} DecideNext {STORED_WAY}",
    ),
    "a callback that arrives": (
        [start(ASLEEP), sleep(POSTED), poll(ASLEEP), sleep(POSTED), poll(says(StepKind.READY)), *STORING],
        f"StartGeneration {CALLED} {CALLED} DecideNext {STORED_WAY}",
    ),
    "a callback that never comes": (
        [start(says(StepKind.AWAITING_CALLBACK, wait_seconds=1)), sleep(SILENT), poll(says(StepKind.READY)), *STORING],
        f"StartGeneration {CALLED} DecideNext {STORED_WAY}",
    ),
    "a wait for a callback that cannot begin": (
        [start(says(StepKind.AWAITING_CALLBACK)), sleep(fails("TransientError")), poll(says(StepKind.READY)), *STORING],
        f"StartGeneration DecideNext WaitForCallback WaitForProvider PollGeneration DecideNext {STORED_WAY}",
    ),
    "a turn that has to be waited for twice": (
        [start(says(StepKind.WAIT_SLOT, 0)), start(says(StepKind.WAIT_SLOT, 0)), start(says(StepKind.READY)), *STORING],
        f"StartGeneration {TURN} StartGeneration {TURN} StartGeneration DecideNext {STORED_WAY}",
    ),
    "a refusal without charge is repeated later": (
        [start(says(StepKind.RETRY_LATER)), start(says(StepKind.READY, 2)), *STORING],
        f"StartGeneration {TURN} StartGeneration DecideNext {STORED_WAY}",
    ),
    "a job that is canceled while it waits": (
        [start(says(StepKind.WAIT_SLOT, 0)), start(says(StepKind.FAILED, 0)), ended("canceled")],
        f"StartGeneration {TURN} StartGeneration DecideNext {OVER}",
    ),
    "a job that expires while its song is made": (
        [start(says(StepKind.GENERATING)), poll(says(StepKind.FAILED)), ended("expired")],
        f"StartGeneration {POLLED} DecideNext {OVER}",
    ),
    "a poll that fails again and again": (
        [start(says(StepKind.GENERATING))] + [poll(fails("TransientError"))] * (RERUNS + 1) + [ended("failed")],
        f"StartGeneration {POLLED} {OVER}",
    ),
    "a song whose host is busy for a while": (
        [start(says(StepKind.READY)), *NOT_YET, *NOT_YET, *STORING],
        f"StartGeneration DecideNext {'StoreAudio ResumeStorage DecideNext WaitForAudio ' * 2}{STORED_WAY}",
    ),
    "a song whose function always fails": (
        [start(says(StepKind.READY))] + [store(fails("TransientError"))] * (RERUNS + 1) + [ended("failed")],
        f"StartGeneration DecideNext StoreAudio {OVER}",
    ),
    "a song that is stored at the third try": (
        [start(says(StepKind.READY)), store(fails("TransientError")), store(fails("Runtime.ExitError")), *STORING],
        f"StartGeneration DecideNext {STORED_WAY}",
    ),
    "a song whose record a newer release wrote, until that release is back": (
        [start(says(StepKind.READY))]
        + [store(fails("UnreadableRecordError"))] * 12
        + [store(OUTSTANDING)]
        + [look(fails("UnreadableRecordError"))] * 12
        + [look(says(StepKind.STORING)), *STORING],
        f"StartGeneration DecideNext StoreAudio ResumeStorage DecideNext WaitForAudio {STORED_WAY}",
    ),
    "a word of another release": (
        [
            start(POLISHING),
            resume(says(StepKind.READY)),
            store(OUTSTANDING),
            look(POLISHING),
            resume(says(StepKind.READY)),
            *STORING,
        ],
        f"StartGeneration DecideNext {ASKED_AGAIN} StoreAudio ResumeStorage DecideNext {ASKED_AGAIN} {STORED_WAY}",
    ),
    "a look at what is left that always fails": (
        [start(says(StepKind.READY)), store(OUTSTANDING)]
        + [look(fails("TransientError"))] * (RERUNS + 1)
        + [ended("failed")],
        f"StartGeneration DecideNext StoreAudio ResumeStorage {OVER}",
    ),
    "a settlement whose record a newer release wrote, until that release is back": (
        [start(says(StepKind.FAILED))] + [("SettleJob", fails("UnreadableRecordError"))] * 20 + [ended("failed")],
        f"StartGeneration DecideNext {OVER}",
    ),
    "a settlement that is repeated": (
        [start(says(StepKind.FAILED)), ("SettleJob", fails("StaleRecordError")), ended("failed")],
        f"StartGeneration DecideNext {OVER}",
    ),
    "a settlement that always fails": (
        [start(says(StepKind.FAILED))] + [("SettleJob", fails("TransientError"))] * 13,
        "StartGeneration DecideNext SettleJob Failed",
    ),
    "a recording that is copied and handed over": (
        [start(says(StepKind.NEEDS_REFERENCE, 0)), prepare(says(StepKind.REFERENCE_READY, 0))] * 2
        + [start(says(StepKind.READY)), *STORING],
        f"StartGeneration {PREPARED} StartGeneration {PREPARED} StartGeneration DecideNext {STORED_WAY}",
    ),
    "a recording that its provider does not take at first": (
        [*NOT_TAKEN, start(says(StepKind.NEEDS_REFERENCE)), prepare(says(StepKind.FAILED, 2)), ended("failed")],
        f"StartGeneration {PREPARED_BEFORE} {TURN} StartGeneration {PREPARED_BEFORE} DecideNext {OVER}",
    ),
    "a recording that no repetition can prepare": (
        [start(says(StepKind.NEEDS_REFERENCE, 0)), prepare(fails("ConfigurationError")), ended("failed")],
        f"StartGeneration DecideNext PrepareReference {OVER}",
    ),
}


def _paths() -> Iterator[Path]:
    for name, (answers, states) in _WAYS.items():
        yield Path(name, tuple(answers), tuple(states.split()))


PATHS: Final = tuple(_paths())
