"""The design that anybody would begin with, as a list of the same billed things: one function takes the order and
starts another one, which asks the provider, sleeps between polls, stores the song and writes twice what became of it.
No queue, no claim, no credits, no ledger, no webhook, no second try: a crash loses the song or pays it twice.
"""

from collections.abc import Mapping
from typing import Any, Final

from tests.benchmarks.cost.model import Work
from tests.benchmarks.cost.prices import ASSUMED

_MEMORY_MB: Final = 512
_JOB_UNITS: Final = 2
"""The job is one item with its lyrics, between one and two KB."""


def naive(wait_s: float, cpu_s: Mapping[str, float], *, polls: int = 0) -> Work:
    """The same order and one read of it. `cpu_s` is what our functions take: decoding a song takes no less here."""
    counts: dict[str, Any] = {
        "requests": 2,
        "transitions": 0,
        "invocations": {"TakeOrder": 1, "MakeSong": 1, "ReadJob": 1},
        "calls": {
            "TakeOrder": {"dynamodb:GetItem": 1, "dynamodb:PutItem": 1, "lambda:Invoke": 1},
            "MakeSong": {"dynamodb:UpdateItem": 2, "s3:PutObject": 1},
            "ReadJob": {"dynamodb:GetItem": 2},
        },
        "write units": {"JOB": 3 * _JOB_UNITS},
        # The caller's key, twice, and the job.
        "read units": 1.5,
        "S3 writes": 1,
        "S3 reads": 0,
        "events": 0,
        "secrets": 0,
    }
    making_s = cpu_s["StartGeneration"] + cpu_s["StoreAudio"] + polls * cpu_s.get("PollGeneration", 0.0)
    provider_s = ASSUMED["provider_s"]
    fetching_s = provider_s["StoreAudio"] + polls * provider_s["PollGeneration"] if polls else 0
    return Work(
        counts,
        {"TakeOrder": cpu_s["SubmitJob"], "MakeSong": making_s, "ReadJob": cpu_s["ReadJobs"]},
        dict.fromkeys(counts["invocations"], _MEMORY_MB),
        {"MakeSong": wait_s + fetching_s},
        logged_bytes=3 * 200,
        song_copies=1,
    )
