"""The command line of the demo."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import boto3
import httpx
from rich.console import Console

from local.demo.cloud_process import PROJECT_ROOT, CloudAddress, cloud_arguments, running_cloud
from local.demo.delivery import Delivery, FailedSong, Studio, deliver
from local.demo.errors import DemoError, OutputFolderError, SongError
from local.demo.job_api import CONNECTIONS, TIMEOUT, JobApi
from local.demo.live_song import LiveSong, play_live
from local.demo.orders import DEFAULT_PROMPT, ORDERS
from local.demo.progress import progress_display
from local.demo.refusal import arrange_refusal
from local.demo.report import print_report

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

INTERRUPTED: Final = 130


def main(argv: Sequence[str]) -> int:
    """Run the demo. The exit code is 0 when every song plays, 1 when one does not or no cloud starts, 2 for wrong
    arguments, 130 after Ctrl-C.
    """
    arguments = _parser().parse_args(argv)
    console = Console()
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, _interrupt)
    try:
        return _run(arguments, console)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped; the cloud has ended too", file=sys.stderr)
        return INTERRUPTED


def _interrupt(_signal_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local demo",
        description="Make one song per upstream shape, and one from a fallback, on a cloud of its own.",
    )
    parser.add_argument(
        "--prompt", default=DEFAULT_PROMPT, help="prompt of the songs; [[fault:NAME]] in it makes them fail"
    )
    parser.add_argument(
        "--provider-latency",
        type=_seconds,
        default=4.0,
        metavar="S",
        help="seconds a simulated provider needs per song",
    )
    parameter = "value of a template parameter, such as Marking=c2pa"
    parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE", help=parameter)
    parser.add_argument("--out", type=Path, default=PROJECT_ROOT / "out", metavar="DIR", help="folder for the songs")
    parser.add_argument(
        "--state-dir", type=Path, default=PROJECT_ROOT / ".local" / "demo", metavar="DIR", help="folder for the logs"
    )
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 30:
        raise argparse.ArgumentTypeError(f"expected 0 to 30 seconds, got {text}")
    return seconds


def _run(arguments: argparse.Namespace, console: Console) -> int:
    started = time.monotonic()
    out_dir = _output_folder(arguments.out)
    up = cloud_arguments(arguments.state_dir.resolve(), arguments.provider_latency, arguments.param)
    with running_cloud(up) as cloud:
        console.print(f"cloud ready after {time.monotonic() - started:.1f} s at {cloud.api_url}", highlight=False)
        songs, live = _make_songs(cloud, arguments.prompt, out_dir, console)
        print_report(console, songs, cloud.logs_dir)
        console.print(str(live), markup=False, highlight=False, soft_wrap=True)
    console.print(f"{time.monotonic() - started:.1f} s in all", highlight=False)
    return 0 if isinstance(live, LiveSong) and all(isinstance(song, Delivery) for song in songs) else 1


def _output_folder(path: Path) -> Path:
    folder = path.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"expected to put the songs into {folder}, found: {error.strerror}; choose another folder with --out"
        raise OutputFolderError(message) from error
    return folder


def _make_songs(
    cloud: CloudAddress, prompt: str, out_dir: Path, console: Console
) -> tuple[tuple[Delivery | FailedSong, ...], LiveSong | SongError]:
    with (
        httpx.Client(timeout=TIMEOUT, limits=CONNECTIONS, trust_env=False) as client,
        progress_display(console, ORDERS) as display,
        ThreadPoolExecutor(len(ORDERS) + 1) as threads,
    ):
        for order in ORDERS:
            arrange_refusal(client, order, prompt, cloud.simulators)
        api = JobApi(client, cloud.api_url, cloud.api_key)
        studio = Studio(api, _step_functions(cloud), cloud.machine_arn, out_dir, display, threading.Event())
        try:
            live = threads.submit(_heard, client, cloud, prompt, studio.stopped)
            return tuple(threads.map(lambda order: deliver(order, prompt, studio), ORDERS)), live.result()
        except KeyboardInterrupt:
            studio.stopped.set()
            raise


def _heard(client: httpx.Client, cloud: CloudAddress, prompt: str, stopped: threading.Event) -> LiveSong | SongError:
    try:
        return play_live(client, cloud, f"{prompt}, heard while it is made", stopped)
    except SongError as error:
        return error


def _step_functions(cloud: CloudAddress) -> "SFNClient":
    return boto3.client(
        "stepfunctions",
        endpoint_url=cloud.aws_endpoint_url,
        region_name=cloud.region,
        aws_access_key_id=cloud.access_key_id,
        aws_secret_access_key=cloud.secret_access_key,
    )
