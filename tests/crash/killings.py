"""`python -m tests.crash.killings`: one SIGKILL for each function of each shape's way, as one JSON line each."""

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from local.settings import CloudSettings
from tests.crash.cuts import Kill, Site, When
from tests.crash.killable_cloud import killable_cloud
from tests.crash.killed_orders import Orders, Outcome
from tests.crash.shapes import SHAPES, fast_parameters

AT_ONCE: Final = 6
_BEFORE, _AFTER = When.BEFORE, When.AFTER
_WRITE: Final = "dynamodb:TransactWriteItems"
_MINIMAX: Final = "POST /v1/music_generation"


def _kill(function: str, call: str, when: When, nth: int = 1, invocation: int | None = None) -> Kill:
    return Kill(Site(function, call, nth, when), invocation)


KILLINGS: Final[tuple[tuple[str, bool, tuple[Kill, ...]], ...]] = (
    ("hex in the answer", True, (_kill("SubmitJob", _WRITE, _AFTER),)),
    ("hex in the answer", False, (_kill("StartGeneration", _MINIMAX, _AFTER), _kill("SettleJob", _WRITE, _AFTER))),
    ("hex in the answer", True, (_kill("StoreAudio", "s3:PutObject tracks/", _BEFORE),)),
    ("hex in the answer", True, (_kill("StoreAudio", _WRITE, _AFTER, nth=2),)),
    ("link in the answer", True, (_kill("StartGeneration", "s3:PutObject staging/", _AFTER),)),
    ("link in the answer", True, (_kill("StoreAudio", "GET /files/*", _AFTER),)),
    (
        "reseller",
        True,
        (
            _kill("SubmitJob", "states:StartExecution", _BEFORE),
            _kill("ReapJobs", "states:StartExecution", _BEFORE),
        ),
    ),
    ("reseller", False, (_kill("StartGeneration", "s3:PutObject staging/", _BEFORE),)),
    ("reseller", True, (_kill("StoreAudio", "s3:PutObject tracks/", _AFTER),)),
    ("task", True, (_kill("StartGeneration", "s3:PutObject staging/", _AFTER),)),
    ("task", True, (_kill("PollGeneration", _WRITE, _AFTER),)),
    ("task", True, (_kill("StoreAudio", _WRITE, _BEFORE),)),
    ("task", True, (_kill("StoreAudio", "events:PutEvents", _BEFORE),)),
    ("task, dead link", True, (_kill("PollGeneration", _WRITE, _BEFORE),)),
    ("task, dead link", True, (_kill("StoreAudio", _WRITE, _AFTER),)),
    ("callbacks", False, (_kill("StartGeneration", _WRITE, _AFTER),)),
    ("callbacks", True, (_kill("AwaitCallback", "dynamodb:PutItem", _AFTER),)),
    ("callbacks", True, (_kill("ReceiveCallback", "dynamodb:PutItem", _AFTER),)),
    ("callbacks", True, (_kill("StoreAudio", _WRITE, _AFTER),)),
    ("upload that is fetched", True, (_kill("PrepareReference", "s3:PutObject references/", _AFTER),)),
    ("upload, then hex", True, (_kill("PrepareReference", _WRITE, _BEFORE, invocation=2),)),
    ("upload, then hex", False, (_kill("StartGeneration", _WRITE, _AFTER),)),
    ("refused, fallback sings", True, (_kill("StartGeneration", _WRITE, _BEFORE, nth=2),)),
    ("refused, fallback sings", True, (_kill("StoreAudio", "events:PutEvents", _AFTER),)),
    ("stream", False, (_kill("StartGeneration", "s3:PutObject staging/", _BEFORE),)),
    ("stream", True, (_kill("StartGeneration", "s3:PutObject staging/", _AFTER),)),
    ("stream", True, (_kill("StoreAudio", "s3:PutObject tracks/", _BEFORE),)),
    ("speech with subtitles", False, (_kill("StartGeneration", "s3:PutObject staging/", _BEFORE),)),
    ("speech with subtitles", True, (_kill("StoreAudio", "s3:PutObject tracks/", _AFTER),)),
    ("busy, then hex", False, (_kill("StartGeneration", _WRITE, _AFTER, invocation=2),)),
)
"""Shape, whether a song is delivered all the same, and who dies where."""


def fast_settings() -> CloudSettings:
    """The fast parameters, with simulators that take a third of a second. However busy the machine is, a callback is
    there before its wait is over, a song before its provider is given up, and a file before patience with its link is
    over.
    """
    patient = {"CallbackTimeoutSeconds": "100", "GenerationTimeoutSeconds": "600", "PatienceSeconds": "100"}
    return CloudSettings(port=0, parameters={**fast_parameters(), **patient}, time_scale=10, provider_latency_s=3)


def as_json(outcome: Outcome) -> Mapping[str, Any]:
    """An outcome as plain values."""
    return {
        "shape": outcome.shape,
        "kills": [str(kill.site) for kill in outcome.kills],
        "missed": [str(kill.site) for kill in outcome.missed],
        "delivered": outcome.delivered,
        "problems": outcome.problems,
        "seconds": round(outcome.took_s, 1),
    }


def run_killings(killings: Iterable[tuple[str, bool, tuple[Kill, ...]]], orders: Orders) -> Iterable[Outcome]:
    """The outcomes in the order of the table, some at once."""
    shapes = {shape.name: shape for shape in SHAPES}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda row: orders.place(shapes[row[0]], *row[2]), killings)


def main() -> None:
    """Run the table; what it came to is for the reader to judge."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        killable_cloud(fast_settings(), Path(scratch)) as cloud,
        Orders(cloud) as orders,
    ):
        for outcome in run_killings(KILLINGS, orders):
            sys.stdout.write(json.dumps(as_json(outcome)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
