"""What keeping the state costs: calls and orders of a cloud that keeps it against those of one in memory, at the same
time, and the restart of a cloud that has made many songs.

Run with `make bench`. The songs of the restart are copies of one that was made, written straight into the state.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from local.state.files import Files
from local.state.kept_state import OBJECTS, STORE
from local.state.store import Change, Store
from tests.benchmarks.sizes import sized
from tests.integration.cloud_process import cloud_process
from tests.integration.song import LYRICS, Cloud

SONGS: Final = sized(10_000, 200)
SONG_BYTES: Final = 50_000
"""Of each of the two objects of a song: ten thousand songs are 1 GB."""
CALLS: Final = sized(300, 20)
ORDERS: Final = sized(60, 5)
BODY: Final = {"model": "skillboss/music-2.5", "prompt": "a song of many songs", "lyrics": LYRICS}
_ID_CHARACTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@contextmanager
def cloud_in(folder: Path, *more: str) -> Iterator[tuple[Cloud, float]]:
    """Yield a cloud that takes no time for a song, and the seconds until it was ready."""
    began = time.monotonic()
    with cloud_process(["--state-dir", str(folder), "--provider-latency", "0", *more], folder / "said") as process:
        yield Cloud(process.line()), time.monotonic() - began
        assert process.stop() == 0, process.stderr()


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def compare(clouds: dict[str, Cloud], what: str, count: int, work: Callable[[Cloud, int], object]) -> None:
    """Print the median of a piece of work in each cloud, taken in turns."""
    taken: dict[str, list[float]] = {name: [] for name in clouds}
    for number in range(count):
        for name, cloud in clouds.items():
            taken[name].append(milliseconds(lambda cloud=cloud, number=number: work(cloud, number)))  # type: ignore[misc]
    medians = {name: statistics.median(times) for name, times in taken.items()}
    kept, in_memory = medians["kept"], medians["in memory"]
    print(f"{what}: {kept:.2f} ms kept, {in_memory:.2f} ms in memory, ratio {kept / in_memory:.2f}")


def overhead(scratch: Path) -> None:
    """Print what keeping adds to calls of AWS and to orders."""
    with (
        cloud_in(scratch / "kept", "--port", "0") as (kept, _),
        cloud_in(scratch / "memory", "--port", "0", "--in-memory") as (in_memory, _),
    ):
        clouds = {"kept": kept, "in memory": in_memory}
        tables = {cloud.line["pid"]: cloud.aws("dynamodb") for cloud in clouds.values()}
        buckets = {cloud.line["pid"]: cloud.aws("s3") for cloud in clouds.values()}

        def put_item(cloud: Cloud, number: int) -> None:
            item = {"pk": {"S": f"BENCH#{number}"}, "sk": {"S": "x"}, "text": {"S": "x" * 600}}
            tables[cloud.line["pid"]].put_item(TableName=cloud.line["outputs"]["TableName"], Item=item)

        def put_object(cloud: Cloud, number: int) -> None:
            bucket = cloud.line["outputs"]["AudioBucketName"]
            buckets[cloud.line["pid"]].put_object(Bucket=bucket, Key=f"bench/{number}", Body=b"x" * 1_000_000)

        compare(clouds, "PutItem of 700 bytes", CALLS, put_item)
        compare(clouds, "PutObject of 1 MB", CALLS // 3, put_object)
        compare(clouds, "an order, until it is accepted", ORDERS, lambda cloud, _: cloud.submit(BODY))


def restart(scratch: Path) -> None:
    """Print how long the start takes with nothing and with many songs, and the first look at them."""
    with cloud_in(scratch, "--port", "0") as (cloud, first_s):
        job = cloud.made(BODY)
    with cloud_in(scratch) as (_, empty_s):
        pass
    began = time.monotonic()
    ids = multiply(scratch, job["id"])
    size_mb, taken_s = sum(Files(scratch / OBJECTS).sizes().values()) / 1e6, time.monotonic() - began
    print(f"{len(ids)} songs of {size_mb:.0f} MB written in {taken_s:.0f} s, state file {megabytes(scratch)}")
    with cloud_in(scratch) as (cloud, full_s):
        said = f"ready after {first_s:.1f} s new, {empty_s:.1f} s with one song, {full_s:.1f} s with {len(ids)} songs"
        with cloud.http() as http:
            listed = milliseconds(lambda: http.get("/v1/jobs?limit=50").raise_for_status())
        read = milliseconds(lambda: cloud.job(ids[len(ids) // 2]))
        assert cloud.job(ids[-1])["status"] == "succeeded"
        print(f"{said}; then the first list {listed:.0f} ms, one job {read:.0f} ms")


def megabytes(folder: Path) -> str:
    """Return the size of the state's file."""
    return f"{(folder / STORE).stat().st_size / 1e6:.0f} MB"


def multiply(folder: Path, job_id: str) -> list[str]:
    """Copy everything of a job under other ids, with bytes of its own, and return the ids."""
    files = Files(folder / OBJECTS)
    ids = [f"{job_id[:-5]}{_in_base_32(number)}" for number in range(SONGS)]
    with closing(Store(folder / STORE)) as store:
        rows = [
            (kind, owner, key, text)
            for kind in ("item", "object", "execution")
            for owner in store.owners(kind)
            for key, text in store.read(kind, owner)
            if job_id in key or job_id in text
        ]
        print(f"one job is {len(rows)} values: {', '.join(f'{kind} of {len(text)} B' for kind, _, _, text in rows)}")
        for other in ids:
            changes = [(kind, owner, key.replace(job_id, other), text) for kind, owner, key, text in rows]
            store.write(
                Change(kind, owner, key, _with_own_file(files, kind, text).replace(job_id, other))
                for kind, owner, key, text in changes
            )
    return ids


def _with_own_file(files: Files, kind: str, text: str) -> str:
    if kind != "object":
        return text
    versions = json.loads(text)
    for version in versions:
        if "file" in version:
            version.update(file=files.add(b"x" * SONG_BYTES), contentsize=SONG_BYTES)
    return json.dumps(versions)


def _in_base_32(number: int) -> str:
    digits = ""
    for _ in range(5):
        number, digit = divmod(number, 32)
        digits = _ID_CHARACTERS[digit] + digits
    return digits


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        overhead(Path(scratch))
        restart(Path(scratch) / "restart")


if __name__ == "__main__":
    main()
