"""How long 200 jobs take at a provider that allows 20 calls at once and 1,200 a minute and needs 0.5 s for each.

Run with `python -m tests.benchmarks.bench_pacing`. Prints figures; asserts nothing.
"""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.sizes import sized
from tests.integration.cloud_process import running_cloud
from tests.integration.song import Cloud, request

JOBS, AT_ONCE, PER_MINUTE = sized(200, 10), 20, 1200
CLIENTS = 2
PARAMETERS = {
    "MinimaxRpm": PER_MINUTE,
    "MinimaxConcurrency": AT_ONCE,
    "ReadGapSeconds": 40,
    "StartTimeoutSeconds": 90,
    "PostReserveSeconds": 10,
    "StartBySeconds": 600,
}


def main() -> None:
    """Print the figures."""
    parameters = [part for name, value in PARAMETERS.items() for part in ("--param", f"{name}={value}")]
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_cloud(["--provider-latency", "0.5", *parameters], Path(scratch)) as line,
    ):
        cloud = Cloud(line)
        cloud.limit("minimax", AT_ONCE, PER_MINUTE)
        began = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(lambda _: submit(cloud), range(JOBS)))
        submitted = time.monotonic() - began
        while (ended := cloud.count("succeeded") + cloud.count("failed")) < JOBS:
            time.sleep(0.5)
        seconds, delivered = time.monotonic() - began, cloud.count("succeeded")
        print(f"{ended} jobs submitted in {submitted:.1f} s, ended in {seconds:.1f} s, {delivered} with a song")
        print(f"the provider counted: {cloud.limits('minimax')}")


def submit(cloud: Cloud) -> None:
    """Submit one job, again where every environment of the small machine is busy."""
    body = request("one of two hundred")
    with cloud.http() as http:
        while http.post("/v1/jobs", json=body).status_code != 202:
            time.sleep(1)


if __name__ == "__main__":
    main()
