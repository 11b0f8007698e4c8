"""What the handlers of the API add to the calls to AWS that they make, and what each function's imports cost.

Run with `make bench`. Warm handlers, without network: each call is answered with the bytes that the emulator once gave.
The bare handler beside them makes the same calls and does nothing else. Imports are those of a fresh interpreter,
beside `import boto3` and a client. Prints ratios of one run; asserts nothing.
"""

import io
import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.models import botocore_stubber

from fermata.adapters import aws
from fermata.adapters.dynamodb.client import DynamoClient
from fermata.adapters.wire.answer import Answer, lower_case
from fermata.adapters.wire.signature import Request
from fermata.domain.money.wallet import Plan, Wallet
from fermata.wiring.stores import job_store
from tests.benchmarks.sizes import sized
from tests.fakes.settings import SETTINGS
from tests.functions import Event, FakeContext, http_event, load_app
from tests.songs import JOB_ID, delivered_job
from tests.support.cloud import dynamodb_with_table
from tests.unit.adapters.dynamodb.two_clients import prepared
from tests.unit.test_import_time import given_by_the_template, settings_of

RUNS = sized(1000, 100)
IMPORTS = sized(5, 1)
FUNCTIONS = sized(100, 2)
"""How many functions at most are imported; a hundred are all."""
ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS_PYTHON = ROOT / ".tools" / "functions" / "bin" / "python"
ORDER = {"model": "minimax/music-2.5", "prompt": "indie folk, rainy evening", "lyrics": "la la la la la la"}
ROLE = "arn:aws:iam::123456789012:role/machine"
MACHINE = '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
CLIENT = "import boto3\nboto3.client('dynamodb')"
Handler = Callable[[], object]


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


Said = tuple[int, dict[str, str], bytes]


class Calls:
    """The calls of one invocation: recorded once with what they were answered, and answered like that ever after."""

    def __init__(self, clients: Sequence[Any]) -> None:
        self.asked: list[tuple[Any, str, dict[str, Any]]] = []
        self._answers: dict[object, Said] = {}
        self._sent: tuple[str, object] = ("", None)
        self._recording = True
        for client in clients:
            if isinstance(client, DynamoClient):
                self._watch_dynamodb(client)
                continue
            events = client.meta.events
            events.register("provide-client-params.*.*", self._asks(client))
            events.register("response-received.*.*", self._keep)
            events.register_first("before-send.*.*", self._answer)

    def _watch_dynamodb(self, client: DynamoClient) -> None:
        call = client.call

        def note(operation: str, **parameters: object) -> dict[str, Any]:
            if self._recording:
                self.asked.append((client, "call", {"operation": operation, **parameters}))
            return call(operation, **parameters)

        def send(request: Request) -> Answer:
            operation = request.headers["X-Amz-Target"].rpartition(".")[2]
            answer = self._answer(request, f".{operation}") or botocore_stubber("before-send", prepared(request))
            if answer is None:
                raise LookupError(operation)
            self._keep({"status_code": answer.status_code, "headers": answer.headers, "body": answer.content})
            return Answer(answer.status_code, lower_case(answer.headers.items()), answer.content)

        vars(client)["call"] = note
        client.wire.send = send

    def replay(self) -> None:
        """From now on no call leaves."""
        self._recording = False

    def bare(self) -> object:
        """A handler that makes the same calls."""
        for client, method, parameters in self.asked:
            # A condition that failed while it was recorded, as a counter's at the turn of its minute, fails each time.
            with suppress(ClientError):
                getattr(client, method)(**parameters)
        return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "{}"}

    def _asks(self, client: Any) -> Callable[..., None]:  # noqa: ANN401 - any client
        names = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}

        def note(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
            if self._recording:
                self.asked.append((client, names[model.name], dict(params)))

        return note

    def _keep(self, response_dict: dict[str, Any], **_: object) -> None:
        if self._recording:
            said = (response_dict["status_code"], dict(response_dict["headers"]), response_dict["body"])
            self._answers[self._sent] = self._answers[self._sent[0]] = said

    def _answer(self, request: Any, event_name: str, **_: object) -> AWSResponse | None:  # noqa: ANN401 - botocore's own
        self._sent = (event_name.rpartition(".")[2], request.body)
        if self._recording:
            return None
        # What is not the same each time, as an id, is answered as the last call of that operation was.
        status, headers, body = self._answers.get(self._sent) or self._answers[self._sent[0]]
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Raw(body))


def order() -> Event:
    return http_event("POST", "/v1/jobs", json.dumps(ORDER).encode())


def reading() -> Event:
    return http_event("GET", f"/v1/jobs/{JOB_ID}")


def took_ms(handler: Handler) -> float:
    began = time.perf_counter()
    handler()
    return (time.perf_counter() - began) * 1000


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """p50 and p99."""
    cuts = statistics.quantiles(times, n=100)
    return cuts[49], cuts[98]


def recorded(name: str, event: Callable[[], Event]) -> tuple[Handler, Calls]:
    """A warm handler whose calls do not leave any more, and those calls."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": False}}):
        unlimited = {"submits_per_minute": 10**6, "reads_per_minute": 10**6, "concurrent_jobs": 10**6}
        dynamodb_with_table(
            Wallet(tenant_id="acme", plan=Plan.PREPAID, month="2026-11", balance=10**9, **unlimited),
        )
        aws.stepfunctions().create_state_machine(name="jobs", definition=MACHINE, roleArn=ROLE)
        app, context = load_app(name), FakeContext()
        calls = Calls([aws.dynamodb(), aws.stepfunctions()])
        job_store().create(delivered_job())
        app.lambda_handler(event(), context)
        calls.asked.clear()
        answer = app.lambda_handler(event(), context)
    calls.replay()
    asked = ", ".join(parameters.get("operation", method) for _, method, parameters in calls.asked)
    print(f"{name} ({answer['statusCode']}; {asked}):")

    def handle() -> object:
        said = app.lambda_handler(event(), context)
        if said["statusCode"] != answer["statusCode"]:
            raise AssertionError(f"expected {answer['statusCode']} each time, found {said['statusCode']}")
        return said

    return handle, calls


def bench_handler(name: str, event: Callable[[], Event]) -> None:
    """Print what one handler takes beside the bare one."""
    handler, calls = recorded(name, event)
    for _ in range(20):
        handler()
        calls.bare()
    # In turns, so that whatever else the machine does hits both.
    times = [(took_ms(handler), took_ms(calls.bare)) for _ in range(RUNS)]
    whole, bare = (percentiles([each[side] for each in times]) for side in (0, 1))
    for label, mine, theirs in zip(("p50", "p99"), whole, bare, strict=True):
        print(f"  {label} {mine:.2f} ms, bare {theirs:.2f} ms, ratio {mine / theirs:.2f}")


def seconds_to_run(statements: str, variables: dict[str, str]) -> float:
    """What statements take in a fresh interpreter, in seconds inside it."""
    script = f"import time; began = time.perf_counter()\n{statements}\nprint(time.perf_counter() - began)"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "layers" / "fermata"), **variables}
    run = subprocess.run([FUNCTIONS_PYTHON, "-c", script], env=environment, capture_output=True, check=True)
    return float(run.stdout)


def bench_imports() -> None:
    """Print what each function's `app.py` takes to import, beside boto3 and a client."""
    print("import of app.py, as a ratio to import boto3 and a client (the best of some fresh interpreters each):")
    for name in sorted(given_by_the_template())[:FUNCTIONS]:
        variables = {each: SETTINGS[each] for each in settings_of(name) if each in SETTINGS}
        app = f"import sys; sys.path.insert(0, {str(ROOT / 'functions' / name)!r})\nimport app"
        # In turns, so that whatever else the machine does hits both.
        pairs = [(seconds_to_run(app, variables), seconds_to_run(CLIENT, SETTINGS)) for _ in range(IMPORTS)]
        mine, bare = (min(each[side] for each in pairs) for side in (0, 1))
        print(f"  {name} {mine / bare:.2f} ({mine * 1000:.0f} ms)", flush=True)


def main() -> None:
    """Print the figures."""
    logging.disable(logging.CRITICAL)
    sys.stdout.flush()
    for name, event in (("submit_job", order), ("read_jobs", reading)):
        # A process of its own, because clients are made once in each and keep what is hung onto them.
        if os.fork() == 0:
            with patch.dict(os.environ, SETTINGS):
                bench_handler(name, event)
            sys.stdout.flush()
            os._exit(0)
        if os.wait()[1]:
            sys.exit(f"{name} could not be measured")
    bench_imports()


if __name__ == "__main__":
    main()
