"""What a cold start costs until the first call of DynamoDB or S3, as a ratio to a function that only makes that call.

Run with `make bench`. It measures what is shipped: SAM builds the application, the uploads are unpacked as Lambda does
and their folders made read-only, and each handler is called under Python 3.13, beside nothing but what the runtime
brings. A sink on this machine takes the first call and refuses it. Counted is the processor time of a fresh interpreter
until that connection, in turns with the naive function. All is compiled, the libraries of the runtime as well: that
makes the naive function three times as fast, and is the harder comparison. One row per kind of function:
medians, their ratio, and the noise, which is how far apart the quartiles of the naive function lie. It fails where a
call does not reach the sink.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from fermata.domain.tenants.api_keys import new_api_key
from local.deploy.transform import read_template
from tests.benchmarks.sizes import sized
from tests.fakes.settings import SETTINGS
from tests.functions import authorizer_event, http_event
from tests.songs import JOB_ID
from tooling.build import PYTHON_DIR, TARGETS
from tooling.built import is_built
from tooling.uploads import ROOT, SAM, loopback_s3, sam_environment, unpack_uploads

RUNS: Final = sized(15, 1)
ORDER: Final = {"model": "minimax/music-2.5", "prompt": "indie folk, rainy evening", "lyrics": "la la la la la la"}
STEP: Final = {"job_id": JOB_ID, "attempt": 1}
KEY: Final = new_api_key("acme", datetime(2026, 11, 30, tzinfo=UTC), bytes(range(25)))[0]
FUNCTIONS: Final[Mapping[str, Mapping[str, object]]] = {
    "authorize_request": authorizer_event(f"Bearer {KEY}"),
    "submit_job": http_event("POST", "/v1/jobs", json.dumps(ORDER).encode()),
    "read_jobs": http_event("GET", f"/v1/jobs/{JOB_ID}"),
    "poll_generation": STEP,
    "store_audio": {**STEP, "may_store": True},
    "settle_job": STEP,
}
"""One function of each kind, and an event that leads it to its first call."""
SHORT_OF: Final = {"AWS_MAX_ATTEMPTS": "1", "AWS_RETRY_MODE": "standard"}
NAIVE: Final = """\
import boto3

client = boto3.client("dynamodb")


def lambda_handler(event, context):
    return client.get_item(TableName="jobs", Key={"pk": {"S": "JOB#1"}, "sk": {"S": "JOB"}})
"""
START: Final = """
import json, sys, time
connected = []
def note(event, arguments):
    if event == "socket.connect":
        connected.append(time.process_time())
sys.addaudithook(note)
class Context:
    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:function"
    aws_request_id = "request-1"
    def get_remaining_time_in_millis(self):
        return 300_000
event = json.loads(sys.argv[1])
sys.path[:0] = sys.argv[2:]
began = time.process_time()
try:
    import app
    answer = app.lambda_handler(event, Context())
except Exception as error:
    answer = repr(error)
if not connected:
    sys.exit(f"no call, but {answer}")
print(json.dumps(connected[0] - began), file=sys.stderr)
"""


class UnreachedError(Exception):
    """A function did not make its first call to the sink; the message says which, and what it did instead."""


@dataclass
class Sink:
    """Answers each call with a refusal that nothing repeats, and keeps the names of the services that were called."""

    endpoint: str
    called: list[str] = field(default_factory=list)


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink on a free port of this machine."""

    class Refusing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            scope = self.headers.get("Authorization", "").split("/")
            taken.called.append(scope[3] if len(scope) > 3 else "an unsigned call")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b'{"__type": "com.amazon.coral.validate#ValidationException", "message": "a sink"}'
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    taken = Sink(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def logical_id(name: str) -> str:
    """The template's name for a function's folder."""
    return "".join(part.capitalize() for part in name.split("_")) + "Function"


def unpack_build(folder: Path) -> None:
    """Unpack what would be uploaded for this machine's processor below `folder`; `make build` may have built it."""
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    built = is_built(ROOT)
    target = TARGETS[architecture] if built else folder / "sam" / "built"
    if not built:
        _build(architecture, target)
    with loopback_s3() as endpoint:
        unpack_uploads(target / "template.yaml", folder, endpoint)


def _build(architecture: str, target: Path) -> None:
    subprocess.run(
        [SAM, "build", "--no-cached", "--build-dir", target, "--parameter-overrides", f"Architecture={architecture}"],
        cwd=ROOT,
        env=sam_environment(PATH=f"{PYTHON_DIR}{os.pathsep}{os.environ['PATH']}"),
        check=True,
        capture_output=True,
    )


def compile_runtime() -> None:
    """Compile what the runtime brings. Nothing else does: packages are installed as they are, and no run writes."""
    packages = PYTHON_DIR.parent / "lib" / "python3.13" / "site-packages"
    subprocess.run([PYTHON_DIR / "python", "-I", "-m", "compileall", "-q", packages], check=True)


def write_naive(folder: Path) -> Path:
    """The naive function, compiled as ours are."""
    naive = folder / "Naive"
    naive.mkdir(exist_ok=True)
    (naive / "app.py").write_text(NAIVE, "utf-8")
    package = ROOT / "tooling" / "artefacts" / "package.py"
    subprocess.run([PYTHON_DIR / "python", "-I", "-B", package, "compiled", naive, "/var/task"], check=True)
    return naive


def variables_of(name: str) -> dict[str, str]:
    """The variables that the template gives a function, with the tests' values, and those of Lambda."""
    template = read_template(ROOT / "template.yaml")
    own: dict[str, Any] = template["Resources"][logical_id(name)]["Properties"].get("Environment", {})
    names = {*template["Globals"]["Function"]["Environment"]["Variables"], *own.get("Variables", {})}
    return {each: SETTINGS[each] for each in SETTINGS if each in names or each.startswith("AWS_")}


def seconds(taken: Sink, event: Mapping[str, object], variables: Mapping[str, str], *paths: Path) -> float:
    """Processor time of a fresh interpreter from the import of `app` to its first call; raises `UnreachedError`."""
    taken.called.clear()
    run = subprocess.run(
        [PYTHON_DIR / "python", "-I", "-B", "-c", START, json.dumps(event), *paths],
        env={**variables, "AWS_ENDPOINT_URL": taken.endpoint, "AWS_REGION": "eu-west-1", **SHORT_OF},
        check=False,
        capture_output=True,
        text=True,
    )
    if run.returncode != 0 or not taken.called or taken.called[0] not in ("dynamodb", "s3"):
        raise UnreachedError(f"{paths[0].name} called {taken.called[:1]}: {run.stderr.strip()[-2000:]}")
    return float(run.stderr.strip().splitlines()[-1])


def measure(folder: Path, taken: Sink) -> None:
    """Print a row per function."""
    layer, naive = folder / "FermataLayer" / "python", write_naive(folder)
    print("processor time until the first call of DynamoDB or S3, medians in ms; noise = quartiles of the naive one:")
    for name, event in FUNCTIONS.items():
        variables = variables_of(name)
        # In turns, so that whatever else the machine does hits both.
        pairs = [
            (seconds(taken, event, variables, folder / logical_id(name), layer), seconds(taken, {}, variables, naive))
            for _ in range(RUNS)
        ]
        ours, theirs = ([each[side] * 1000 for each in pairs] for side in (0, 1))
        mine, bare = statistics.median(ours), statistics.median(theirs)
        low, _, high = statistics.quantiles(theirs, n=4) if RUNS > 1 else (bare, bare, bare)
        print(
            f"  {name}: {mine:.0f}, naive {bare:.0f}, ratio {mine / bare:.2f}; noise {(high - low) / bare:.0%}",
            flush=True,
        )


def main() -> None:
    """Print the figures."""
    with TemporaryDirectory(prefix="fermata-cold-") as name, sink() as taken:
        folder = Path(name)
        compile_runtime()
        unpack_build(folder)
        try:
            measure(folder, taken)
        except UnreachedError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
