"""How much memory each function of a job takes at its peak, and how much processor time a song takes of it.

Run with `make bench`. Orders of every kind go through a one-machine cloud, among them a song of five minutes and speech
of 10,000 characters in hex. Then the kernel is asked for the peak of each function's processes. It counts what they
share with the process that they were forked from, which has imported every function, so a peak is an upper bound.
Prints megabytes (2^20), the share of the memory that the template gives, and seconds of one core; asserts nothing.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from local.deploy.transform import read_template
from tests.benchmarks.bench_job import running_cloud
from tests.benchmarks.sizes import sized
from tests.integration.song import Cloud, request

ROOT: Final = Path(__file__).parents[2]
LONG: Final = sized(10, 1)
"""Thousands of characters of the long speech."""
VOICE: Final = "English_Graceful_Lady"
FLAGS: Final = ("--provider-latency", "4")
_NAME_LENGTH: Final = 15
"""Linux cuts the names of processes."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Used(NamedTuple):
    """What the processes of one function used: the peak of the largest in MB, and seconds of one core of all."""

    peak_mb: float
    cpu_s: float


def orders() -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every way of a song, each with what it is called here."""
    yield "a song of 9 s in hex", request("the memory of rain", model="minimax/music-2.5")
    yield "a song behind a link", request("the memory of wind", model="skillboss/music-2.5")
    yield "a task that is polled", request("the memory of snow", model="aimlapi/minimax/music-2.0")
    yield "two songs and a callback", request("the memory of hail", model="apiinone/suno")
    yield "a song of five minutes", {"model": "aimlapi/elevenlabs/eleven_music", "prompt": "rain", "duration_s": 300}
    text = ("The rain keeps time on the window frame. " * 25 * LONG)[: 1000 * LONG]
    yield f"speech of {LONG},000 characters in hex", {"model": "minimax/speech-2.8-hd", "text": text, "voice": VOICE}


def main() -> None:
    """Print the figures."""
    given = memory_mb()
    with running_cloud(FLAGS) as (cloud, _):
        for name, order in orders():
            before = used()
            song = made(cloud, order)
            print(f"{name} ({song['tracks'][0]['bytes'] / 2**20:.1f} MB): {_core_seconds(before, used())}")
        for function, found in sorted(used().items(), key=lambda each: -each[1].peak_mb):
            share = found.peak_mb / given[function]
            print(f"{function:<20}{found.peak_mb:>6.0f} MB of {given[function]:>5} MB, {share:.0%}")


def made(cloud: Cloud, order: Mapping[str, object]) -> dict[str, Any]:
    """Order a song and wait for its end."""
    job = cloud.made(order)
    assert job["status"] == "succeeded", job["error"]
    cloud.ended_execution(job["id"])
    return job


def memory_mb() -> dict[str, int]:
    """The memory that the template gives each function, by the name of its folder."""
    template = read_template(ROOT / "template.yaml")
    usual = template["Globals"]["Function"]["MemorySize"]
    functions = (each for each in template["Resources"].values() if each["Type"] == "AWS::Serverless::Function")
    return {
        str(each["Properties"]["CodeUri"]).rpartition("/")[2]: int(each["Properties"].get("MemorySize", usual))
        for each in functions
    }


def used() -> dict[str, Used]:
    """What each function's processes used so far, by the name of its folder. Processes that ended do not count."""
    folders = {folder.name[:_NAME_LENGTH]: folder.name for folder in (ROOT / "functions").iterdir() if folder.is_dir()}
    found: dict[str, list[Used]] = defaultdict(list)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = folders.get((process / "comm").read_text().strip())
            if name is not None and (process / "cwd").resolve().parent == ROOT / "functions":
                found[name].append(_used_by(process))
        except OSError:
            continue
    return {
        name: Used(max(each.peak_mb for each in uses), sum(each.cpu_s for each in uses)) for name, uses in found.items()
    }


def _used_by(process: Path) -> Used:
    peaks = [line.split()[1] for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM")]
    if not peaks:
        raise ProcessLookupError(f"{process} has just ended, and has no memory any more")
    peak_kib = peaks[0]
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return Used(int(peak_kib) / 1024, (int(fields[11]) + int(fields[12])) / _TICKS)


def _core_seconds(before: Mapping[str, Used], after: Mapping[str, Used]) -> str:
    spent = {name: each.cpu_s - (before[name].cpu_s if name in before else 0) for name, each in after.items()}
    return ", ".join(
        f"{name} {spent[name]:.2f} s"
        for name in ("start_generation", "poll_generation", "store_audio")
        if name in spent
    )


if __name__ == "__main__":
    main()
