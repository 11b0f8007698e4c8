"""How much the one-machine cloud adds to a speech of 5,000 characters: seconds from the order to the stored file.

Run with `make bench`. The provider takes no time, and its recording is made once before. Prints figures; asserts
nothing.
"""

import statistics
import time
from datetime import datetime
from typing import Any, Final

from tests.benchmarks.bench_job import running_cloud
from tests.benchmarks.sizes import sized
from tests.integration.song import Cloud

MODELS: Final = ("minimax/speech-2.8-hd", "aimlapi/minimax/speech-2.8-hd")
"""The speech as hex in the answer, and behind a link."""
TEXT: Final = ("The rain keeps time on the window frame. " * 200)[:5000]
RUNS: Final = sized(10, 3)
LOOK_AFTER_S: Final = 1.0
FLAGS: Final = ("--provider-latency", "0")


def body(model: str) -> dict[str, Any]:
    """The order."""
    return {"model": model, "text": TEXT, "voice": "English_Graceful_Lady"}


def seconds_of_a_speech(cloud: Cloud, model: str) -> float:
    """From the record of one job."""
    submitted = cloud.submit(body(model))
    # A client that keeps asking would take its share of the two cores, and the record knows the times anyway.
    time.sleep(LOOK_AFTER_S)
    job = cloud.finished(submitted["id"])
    assert job["status"] == "succeeded", job["error"]
    return (datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["created_at"])).total_seconds()


def main() -> None:
    """Print the figures."""
    with running_cloud(FLAGS) as (cloud, _):
        for model in MODELS:
            taken = [seconds_of_a_speech(cloud, model) for _ in range(RUNS)][2:]
            middle = statistics.median(taken)
            print(f"speech of 5,000 characters from {model}, median of {len(taken)} after two others: {middle:.3f} s")
            print(f"the same at its fastest and slowest: {min(taken):.3f} and {max(taken):.3f} s")


if __name__ == "__main__":
    main()
