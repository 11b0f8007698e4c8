"""AWS over HTTP on loopback, and programs that call it from a process of their own, so that their memory is theirs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from moto.server import ThreadedMotoServer

from tests.functions import ROOT
from tests.support.cloud import REGION


@contextmanager
def moto_server() -> Iterator[str]:
    """Yield the address of a server that answers as AWS, in which nothing is left of an earlier one."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    # Moto keeps what is in AWS per process, not per server.
    httpx.post(f"{address}/moto-api/reset", timeout=60).raise_for_status()
    yield address
    server.stop()


def run_against(endpoint: str, module: str, *arguments: str, timeout_s: int) -> subprocess.CompletedProcess[str]:
    """Run a module to its end against a server; it has to succeed."""
    finished = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    assert finished.returncode == 0, finished.stderr
    return finished
