"""Seconds from the save of a source until a request is answered by the new code.

Run with `make bench`. Prints figures and their ratio to one warm read in the same run; asserts nothing about time.
"""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.sizes import sized
from tests.integration.cloud_process import running_cloud
from tests.integration.song import Cloud
from tests.support.checkout import copy_checkout, save

LAYER = "layers/fermata/fermata/domain/web/problem.py"
HANDLER = "functions/read_jobs/app.py"
TITLE = "The resource does not exist"
RUNS = sized(7, 2)
PAUSE_S = sized(3, 1)


def title(cloud: Cloud) -> str:
    """What an unknown job is answered with; its text is in the layer."""
    with cloud.http() as http:
        return str(http.get("/v1/jobs/job_00000000000000000000000000").json()["title"])


def seconds_after_save(cloud: Cloud, path: Path, text: str, expected: str) -> float:
    """From a save until the answer to the next request, which is the new code's."""
    # Nobody saves while the last reload still imports.
    time.sleep(PAUSE_S)
    began = time.monotonic()
    save(path, text)
    assert title(cloud) == expected
    return time.monotonic() - began


def main() -> None:
    """Print the figures."""
    with TemporaryDirectory() as directory:
        root = copy_checkout(Path(directory) / "checkout")
        layer, handler = root / LAYER, root / HANDLER
        texts = layer.read_text("utf-8"), handler.read_text("utf-8")
        with running_cloud(["--reload"], Path(directory) / "cloud", project=root) as line:
            cloud = Cloud(line)
            title(cloud)
            began = time.monotonic()
            title(cloud)
            read = time.monotonic() - began
            handlers = [seconds_after_save(cloud, handler, f"{texts[1]}# {n}\n", TITLE) for n in range(RUNS)]
            layers = [seconds_after_save(cloud, layer, texts[0].replace(TITLE, f"t{n}"), f"t{n}") for n in range(RUNS)]
    for what, times in (("a handler", handlers), ("the layer", layers)):
        median = statistics.median(times)
        print(f"save of {what} to answer, median of {RUNS}: {median:.2f} s ({min(times):.2f} to {max(times):.2f})")
        print(f"that is {median / read:.0f} times a warm read ({read * 1000:.0f} ms)")


if __name__ == "__main__":
    main()
