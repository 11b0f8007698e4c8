"""What live songs bring and cost: the first sound against the whole song, and the requests to AWS that are added.

Run with `python -m tests.benchmarks.bench_live`. The simulated provider takes 90 s for a song of a minute. Prints
figures; asserts nothing. `test_store_memory.py` prints the peak memory of a stream of 50 MB.
"""

import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

import httpx

from tests.benchmarks.sizes import sized
from tests.integration.cloud_process import running_cloud
from tests.integration.song import TERMINAL, Cloud, request

PROVIDER_S: Final = sized(90, 10)
TIME_SCALE: Final = sized(1, 5)
LYRICS: Final = "[Verse]\n" + "\n".join(f"Rain on the window {line}" for line in range(56))
PATIENCE_S: Final = 300
LOOK_EACH_S: Final = 0.05
PARAMETERS: Final = {"ReadGapSeconds": 100, "StartTimeoutSeconds": 180, "PostReserveSeconds": 10, "StartBySeconds": 600}


def heard(cloud: Cloud, job_id: str) -> tuple[float, float]:
    """Seconds from the order to the first piece in a player's hands, and to the delivered song."""
    began, first = time.monotonic(), 0.0
    while True:
        job = cloud.job(job_id)
        if not first and job["urls"]["live"]:
            piece = job["urls"]["live"].replace("playlist.m3u8", "1.mp3")
            httpx.get(piece, follow_redirects=True).raise_for_status()
            first = time.monotonic() - began
        if job["status"] in TERMINAL:
            assert job["status"] == "succeeded", job["error"]
            return first, time.monotonic() - began
        time.sleep(LOOK_EACH_S)


def requests_of(cloud: Cloud) -> Counter[str]:
    """The requests to AWS of the function that orders songs, by action."""
    lines = (Path(cloud.line["logs_dir"]) / "aws.jsonl").read_text("utf-8").splitlines()
    calls = (json.loads(line) for line in lines)
    return Counter(str(call["action"]) for call in calls if "StartGeneration" in str(call["function"]))


def main() -> None:
    """Print the figures."""
    flags = ["--provider-latency", str(PROVIDER_S), "--time-scale", str(TIME_SCALE)]
    parameters = [part for name, value in PARAMETERS.items() for part in ("--param", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as scratch, running_cloud([*flags, *parameters], Path(scratch)) as line:
        cloud = Cloud(line)
        cloud.fault("minimax", "code:1026", "create", "the first start")
        cloud.made(request("the first start"))
        before = requests_of(cloud)
        cloud.finished(cloud.submit(request("not heard", lyrics=LYRICS))["id"])
        plain = requests_of(cloud) - before
        before = requests_of(cloud)
        job = cloud.submit(request("heard", lyrics=LYRICS, live=True))
        first, whole = heard(cloud, job["id"])
        live = requests_of(cloud) - before
    print(f"a song of 60 s that takes its provider {PROVIDER_S} s, at {TIME_SCALE} times that pace:")
    print(f"first piece after {first:.2f} s, song after {whole:.2f} s: {first / whole:.1%} of the whole")
    print(f"requests of start_generation that `live` adds: {dict(live - plain)}")


if __name__ == "__main__":
    main()
