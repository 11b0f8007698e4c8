"""A cloud whose functions run in this process and can be killed at any call: the shipped template, handlers and state
machine on moto's backends and engine, one job at a time, in virtual time.
"""

import copy
import gc
import json
import logging
import os
import queue
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from threading import Event, RLock, Thread
from types import ModuleType
from typing import Any, Final, TextIO
from urllib.parse import urlsplit

import boto3
import moto.backend_index
from moto import mock_aws
from werkzeug.test import Client

from fermata.domain.catalogue.models import read_catalogue
from fermata.wiring import runtime
from local.deploy.deployer import deploy
from local.deploy.deployment import REGION, Deployment, FunctionSpec, unqualified
from local.emulator import moto_backends, moto_seams, step_functions
from local.emulator.dynamodb.quick import make_quick
from local.emulator.event_targets import as_sent, payload
from local.emulator.moto_seams import MotoValue
from local.http.bridge import HttpBridge
from local.logs import JsonLines
from local.runtime.lambda_answers import Answer, error_answer, error_type
from local.settings import CloudSettings, template_parameters
from local.simulators.http.exchange import Answer as Answered
from local.simulators.http.exchange import Outcome, Request
from local.simulators.http.server import HttpServer
from local.simulators.running import SIMULATED_PROVIDERS, build_simulator
from local.simulators.simulator import Simulator
from tests.crash.cuts import Cut, Moment, sites_of
from tests.crash.gate import Gate, Killed, enter, watch_dynamodb, watch_every_call
from tests.crash.shapes import Fault, Shape, fast_parameters
from tests.crash.virtual_clock import VirtualClock, let_functions_use, let_the_engine_use
from tests.fakes.live.background import LateWork
from tests.fakes.wiring import forget_all
from tests.functions import FakeContext, load_app
from tests.songs import wav_file

TENANT: Final = "acme"
GRANTED: Final = 1000
_SONG_S: Final = 2
"""Virtual seconds that a provider works on a task."""
_REAL_S: Final = 0.002
"""What that takes of the test's time."""
_KEY: Final = "a-simulated-key"
_HANGS_S: Final = 30
_SERVICES: Final = frozenset({"dynamodb", "events", "s3", "secretsmanager", "sqs", "ssm", "stepfunctions"})
_UNWINDS_S: Final = 0.05
_ASYNCHRONOUS_TRIES: Final = 3
_FUNCTION: Final = "Function"


class Runtime:
    """Lambda in this process: each invocation is a cold start of its own, in the function's own environment
    variables. `deadly` are the moments at which functions are killed, `overtaken` those at which a second run of the
    same invocation starts and ends before the first goes on; `moments` are all that were come by.
    """

    def __init__(self, functions: Mapping[str, FunctionSpec]) -> None:
        self._specs = {spec.arn: spec for spec in functions.values()} | dict(functions)
        self._lock = RLock()
        self._apps: dict[str, ModuleType] = {}
        self.deadly: frozenset[Cut] = frozenset()
        self.overtaken: frozenset[Cut] = frozenset()
        self.instead: Callable[[], object] | None = None
        """What happens at the moments of `overtaken` in place of a second run."""
        self.variables: dict[str, str] = {}
        """Environment variables that differ from the deployment's."""
        self.moments: list[Moment] = []
        self.invocations: Counter[str] = Counter()

    def begin(self, deadly: frozenset[Cut], overtaken: frozenset[Cut]) -> None:
        """Count anew, and kill or overtake at these moments."""
        self.deadly, self.overtaken, self.moments, self.invocations = deadly, overtaken, [], Counter()
        self.instead, self.variables = None, {}

    def submit(self, name: str, event: bytes) -> Future[Answer]:
        """Run a function to its end, or to its death."""
        done: Future[Answer] = Future()
        with self._lock:
            done.set_result(self._run(self._specs[unqualified(name)], event))
        return done

    def ask(self, name: str, **question: object) -> Any:  # noqa: ANN401 - any JSON
        """What a function answers; raises where it fails or is killed."""
        answer = self.submit(name, json.dumps(question).encode()).result()
        if answer.failed:
            raise AssertionError(answer.payload.decode())
        return json.loads(answer.payload)

    def _run(self, spec: FunctionSpec, event: bytes) -> Answer:
        function = spec.logical_id.removesuffix(_FUNCTION)
        self.invocations[function] += 1
        invocation = self.invocations[function]
        gate = self._gate(function, invocation, self.instead or (lambda: self._run(spec, event)))
        with _environment_of(spec, self.variables):
            answer = _alone(gate, lambda: self._answer(spec, event))
        self.moments += sites_of(function, invocation, gate.events)
        return answer or error_answer("Runtime.ExitError", "Error: Runtime exited with error: signal: killed")

    def _gate(self, function: str, invocation: int, again: Callable[[], object]) -> Gate:
        def moments(cuts: frozenset[Cut]) -> set[int]:
            return {cut.moment for cut in cuts if (cut.function, cut.invocation) == (function, invocation)}

        overtaken = moments(self.overtaken)
        if overtaken:
            return Gate(lambda number, _call, _when: number in overtaken, again)
        deadly = moments(self.deadly)
        return Gate(lambda number, _call, _when: number in deadly)

    def _answer(self, spec: FunctionSpec, event: bytes) -> Answer:
        try:
            said = self._app(spec).lambda_handler(json.loads(event), _context(spec))
        except Exception as error:  # noqa: BLE001 - as Lambda's runtime does
            return error_answer(type(error).__name__, str(error))
        return Answer(json.dumps(said).encode())

    def _app(self, spec: FunctionSpec) -> ModuleType:
        if spec.name not in self._apps:
            self._apps[spec.name] = load_app(spec.code_dir.name)
        return self._apps[spec.name]


def run_once(function: FunctionSpec, payload: bytes) -> str | None:
    """Run a function of a stack that is not complete yet; its error type, None where it did not fail."""
    answer = Runtime({function.name: function}).submit(function.name, payload).result()
    return error_type(answer) if answer.failed else None


def _alone(gate: Gate, work: Callable[[], Answer]) -> Answer | None:
    """What work comes to in a thread of its own, None as soon as it is killed: the SDK's transfers do not expect to be
    killed, and may wait for each other for ever.
    """
    answers: list[Answer] = []

    def run() -> None:
        enter(gate)
        with suppress(Killed):
            answers.append(work())
        gate.over.set()

    thread = Thread(target=run, daemon=True)
    thread.start()
    gate.over.wait()
    thread.join(_UNWINDS_S)
    return answers[0] if answers and not gate.dead else None


def _context(spec: FunctionSpec) -> FakeContext:
    return FakeContext(spec.name, spec.memory_mb, spec.arn, remaining_ms=spec.timeout_s * 1000)


@contextmanager
def _environment_of(spec: FunctionSpec, variables: Mapping[str, str]) -> Iterator[None]:
    """A cold start: nothing is remembered from any earlier run. Clients of AWS are kept, because they hold nothing that
    a run could tell from another.
    """
    forget_all()
    before = dict(os.environ)
    os.environ.update({**spec.environment, **variables})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Providers:
    """The simulated providers on loopback, in virtual time."""

    def __init__(self, clock: VirtualClock) -> None:
        self.posts: queue.SimpleQueue[str] = queue.SimpleQueue()
        """Addresses that were to be called back, in order."""
        self.rounds = 1
        """How often the song is repeated in an answer that holds it as hex text."""
        self._servers = {name: HttpServer(0, None) for name in SIMULATED_PROVIDERS}
        self._simulators = {
            name: build_simulator(
                name,
                key=_KEY,
                latency_s=_REAL_S,
                origin=server.url,
                clock=lambda: clock.waited_s * _REAL_S / _SONG_S,
                send=self._note,
            )
            for name, server in self._servers.items()
        }
        for name, server in self._servers.items():
            server.start(self._respond(self._simulators[name]))

    @property
    def urls(self) -> dict[str, str]:
        return {name: server.url for name, server in self._servers.items()}

    def reset(self) -> None:
        """Forget orders, tasks, faults and bills."""
        for name in self._simulators:
            self._steer(name, "POST", "reset")
        self.posts = queue.SimpleQueue()

    def fault(self, fault: Fault) -> None:
        order = {"fault": fault.name, "on": fault.on, "times": fault.times}
        self._steer(fault.provider, "POST", "faults", order)

    def bills(self) -> dict[str, list[dict[str, Any]]]:
        """The paid requests that reached each provider."""
        return {name: list(self._steer(name, "GET", "bill")["items"]) for name in self._simulators}

    def _steer(self, provider: str, method: str, what: str, body: object = None) -> dict[str, Any]:
        request = Request(method, f"/_sim/{what}", body=json.dumps(body).encode())
        return dict(json.loads(self._simulators[provider].respond(request).answer.body))

    def _note(self, url: str, body: bytes) -> int:  # noqa: ARG002 - a post's body is never read
        self.posts.put(url)
        return 204

    def _respond(self, simulator: Simulator) -> Any:  # noqa: ANN401 - the server's callable
        def respond(request: Request) -> Outcome:
            outcome = simulator.respond(request)
            if self.rounds == 1 or b'"audio"' not in outcome.answer.body:
                return outcome
            answer = json.loads(outcome.answer.body)
            answer["data"]["audio"] *= self.rounds
            return replace(outcome, answer=replace(outcome.answer, body=json.dumps(answer).encode()))

        return respond


class Receiver:
    """Whoever is told of ends by webhook, on loopback."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        """The id of each post."""
        self._server = HttpServer(0, None)
        self._server.start(self._respond)

    @property
    def url(self) -> str:
        return self._server.url

    def _respond(self, request: Request) -> Outcome:
        self.ids.append(request.headers["webhook-id"])
        return Outcome(Answered(204))


class InProcessCloud:
    """One per process, because moto keeps its state in module variables."""

    def __init__(self, scratch: Path) -> None:
        # The functions' log is not read here, and moto's has each failed state with its whole definition.
        logging.disable(logging.CRITICAL)
        self._scratch = scratch
        self.clock = VirtualClock()
        self.providers = Providers(self.clock)
        self.receiver = Receiver()
        _prepare_moto()
        mock_aws().start()
        # The functions of custom resources run while the stack is made.
        watch_dynamodb()
        self.clients = _clients()
        self.deployment = self._deploy()
        self.runtime = Runtime(self.deployment.functions)
        self._ended: dict[str, Event] = {}
        self._shape: Shape | None = None
        self._posted = 0
        self._connect()
        _make_quick()
        watch_every_call()
        self._log = JsonLines(scratch / "http.jsonl")
        self._api = self._open_api()
        self._key = self._create_tenant()
        self._events_url = self._listen_to_events()
        self.reference_id = self._upload_a_recording()
        self._world = copy.deepcopy(self._table().items)
        # What is there by now stays to the end; looking through it for garbage takes a tenth of all time.
        gc.freeze()

    @property
    def table_name(self) -> str:
        return self.deployment.outputs["TableName"]

    @property
    def bucket(self) -> str:
        return self.deployment.outputs["AudioBucketName"]

    def begin(self, shape: Shape, deadly: frozenset[Cut], overtaken: frozenset[Cut] = frozenset()) -> None:
        """The world as it was before anybody ordered anything."""
        self.clock.reset()
        self.providers.reset()
        self.receiver.ids.clear()
        self.providers.rounds = shape.rounds
        table = self._table()
        table.items = copy.deepcopy(self._world)
        self.told()
        self._ended.clear()
        self._shape, self._posted = shape, 0
        for fault in shape.faults:
            self.providers.fault(fault)
        self._api = self._open_api()
        self.runtime.begin(deadly, overtaken)

    def order(self, shape: Shape) -> int:
        """What the API answers to one order."""
        reference = {"reference": {"id": self.reference_id}} if shape.after_a_recording else {}
        callback = {"callback_url": f"{self.receiver.url}/"} if shape.listens else {}
        headers = {"Idempotency-Key": "the-same"} if shape.repeats else {}
        answer = self._call("POST", "/v1/jobs", {**shape.fields, **reference, **callback}, headers)
        return int(answer.status_code)

    def delete(self, job_id: str) -> None:
        """Ask the API once to delete a job."""
        self._call("DELETE", f"/v1/jobs/{job_id}", None)

    def shown(self, job_id: str) -> dict[str, Any] | None:
        """What the API shows of a job, None where it says that there is none."""
        answer = self._call("GET", f"/v1/jobs/{job_id}", None)
        assert answer.status_code in (200, 404), answer.json
        return answer.json if answer.status_code == 200 else None

    def until_nobody_works(self) -> None:
        """Wait for every execution that has begun."""
        while running := [each for each in list(self._ended.items()) if not each[1].is_set()]:
            for name, ended in running:
                assert ended.wait(_HANGS_S), f"execution {name} still runs after {_HANGS_S} s"

    def reap(self) -> bool:
        """Run the reaper once; False where it was killed."""
        name = self.deployment.resources["ReapJobsFunction"]
        return not self.runtime.submit(name, b"{}").result().failed

    def manage(self, **command: object) -> dict[str, Any] | None:
        """What the operator's function answers to a command; None where it was killed."""
        answer = self.runtime.submit(self.deployment.outputs["ManageTenantsFunctionName"], json.dumps(command).encode())
        found = json.loads(answer.result().payload)
        return None if answer.result().failed else dict(found)

    def copy_of_the_table(self) -> MotoValue:
        """What a restore to this moment would bring."""
        return copy.deepcopy(self._table().items)

    def restore(self, items: MotoValue) -> None:
        """Let the table be as it was, with every provider paused and the functions told, as a deployment does it."""
        self._table().items = copy.deepcopy(items)
        self.runtime.variables = {"TABLE_RESTORED_AT": self.clock.now().isoformat()}
        self.manage(action="pause", provider="all")

    def told(self) -> list[dict[str, Any]]:
        """The events about ends since the last time."""
        sqs, told = self.clients("sqs"), []
        while messages := sqs.receive_message(
            QueueUrl=self._events_url, MaxNumberOfMessages=10, VisibilityTimeout=3600
        ).get("Messages"):
            told += [json.loads(message["Body"])["detail"] for message in messages]
            # moto looks at every message of the queue for each call, and a matrix is a thousand runs.
            for message in messages:
                sqs.delete_message(QueueUrl=self._events_url, ReceiptHandle=message["ReceiptHandle"])
        return told

    def deliveries(self) -> list[str]:
        """The names of the deliveries that were begun; a job's own execution has no full stop in its name."""
        return [name for name in self._ended if "." in name]

    def job_ids(self) -> list[str]:
        """Every job of the table."""
        return [str(key.value).partition("#")[2] for key in self._table().items if str(key.value).startswith("JOB#")]

    def nothing_to_look_after(self) -> bool:
        """Whether no job's row is in the reaper's index."""
        rows = (
            row for partition in self._table().items.values() for key, row in partition.items() if key.value == "JOB"
        )
        return not any("check_shard" in row.attrs for row in rows)

    def keys(self, prefix: str) -> list[str]:
        """The keys of the objects under a prefix."""
        found = self.clients("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]

    def remove(self, prefix: str) -> None:
        """Delete the objects under a prefix."""
        for key in self.keys(prefix):
            self.clients("s3").delete_object(Bucket=self.bucket, Key=key)

    def live_records(self) -> list[str]:
        """The records of live songs, by what they are found with."""
        partitions = ((str(key.value), rows) for key, rows in self._table().items.items())
        return [key for key, rows in partitions if rows and key.startswith("LIVE#")]

    def content(self, key: str) -> bytes | None:
        """The content of an object, or None."""
        s3 = self.clients("s3")
        try:
            return bytes(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None

    # ---- made once

    def _deploy(self) -> Deployment:
        settings = CloudSettings(parameters={**fast_parameters(), "TrustedLocalOrigins": self.receiver.url})
        deployment = deploy(
            settings.template,
            parameters=template_parameters(settings, self.providers.urls),
            clients=self.clients,
            run=run_once,
        )
        keys = json.dumps(dict.fromkeys(SIMULATED_PROVIDERS, _KEY))
        self.clients("secretsmanager").put_secret_value(
            SecretId=deployment.outputs["ProviderKeysSecretArn"], SecretString=keys
        )
        name = deployment.outputs["ApiUrlParameterName"]
        self.clients("ssm").put_parameter(Name=name, Value="http://127.0.0.1", Overwrite=True)
        return deployment

    def _connect(self) -> None:
        let_functions_use(self.clock)
        let_the_engine_use(self.clock, self._call_back)
        step_functions.use_clients(self.clients, self._run_task)
        step_functions.publish_status_changes(self._publish)
        step_functions.deliver_to_functions(self._deliver)

    def _open_api(self) -> Client:
        """The API with nothing remembered of who may call it."""
        return Client(HttpBridge(self.deployment.routes, self.runtime.submit, self._log))

    def _create_tenant(self) -> str:
        manage = self.deployment.outputs["ManageTenantsFunctionName"]
        self.runtime.ask(manage, action="create_tenant", tenant_id=TENANT)
        self.runtime.ask(manage, action="grant", tenant_id=TENANT, credits=GRANTED)
        self.runtime.ask(manage, action="rotate_webhook_secret", tenant_id=TENANT)
        return str(self.runtime.ask(manage, action="issue_key", tenant_id=TENANT, monthly_credits=GRANTED)["api_key"])

    def _listen_to_events(self) -> str:
        sqs, events = self.clients("sqs"), self.clients("events")
        url = str(sqs.create_queue(QueueName="told")["QueueUrl"])
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="told", EventPattern=json.dumps({"source": ["fermata"]}))
        events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": arn}])
        return url

    def _upload_a_recording(self) -> str:
        recording = wav_file(16, 16_000)
        offer = self._call("POST", "/v1/references", {"content_type": "audio/wav", "bytes": len(recording)}).json
        assert isinstance(offer, dict), offer
        key = offer["upload"]["fields"]["key"]
        self.clients("s3").put_object(Bucket=self.bucket, Key=key, Body=recording, ContentType="audio/wav")
        return str(offer["id"])

    def _table(self) -> MotoValue:
        from moto.dynamodb.models import dynamodb_backends

        return dynamodb_backends["123456789012"][REGION].tables[self.table_name]

    # ---- while a job runs

    def _call(self, method: str, path: str, body: object, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
        return self._api.open(
            path, method=method, json=body, headers={"Authorization": f"Bearer {self._key}", **(headers or {})}
        )

    def _run_task(self, arn: str, event: bytes) -> Future[Answer]:
        is_wait = arn.endswith("AwaitCallbackFunction")
        if is_wait and self._shape is not None and self._shape.told_early:
            self._deliver_a_post()
        return self.runtime.submit(arn, event)

    def _call_back(self, endpoint: MotoValue, timeout_s: float) -> None:
        """What happens while the machine waits for a callback: the posts that are due, else nothing until it ends."""
        while endpoint.get_outcome() is None and self._deliver_a_post():
            pass
        if endpoint.get_outcome() is None:
            self.clock.wait(timeout_s)

    def _deliver_a_post(self) -> bool:
        """Hand over the next post of the provider; two tell of each order, and each comes after half of the song's
        time. One that is refused is lost.
        """
        if self._posts_left() == 0:
            return False
        self.clock.wait(_SONG_S / 2)
        self._api.post(urlsplit(self.providers.posts.get(timeout=_HANGS_S)).path, json={})
        self._posted += 1
        return True

    def _posts_left(self) -> int:
        return 2 * len(self.providers.bills()["apiinone"]) - self._posted

    def _publish(self, entry: dict[str, Any], then: Callable[[], None]) -> None:
        detail = json.loads(entry["Detail"])
        ended = self._ended.setdefault(detail["name"], Event())
        self.clients("events").put_events(Entries=[entry])
        then()
        if detail["status"] != "RUNNING":
            ended.set()

    def _deliver(self, rule_arn: str, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:  # noqa: ARG002
        for _ in range(_ASYNCHRONOUS_TRIES):
            if not self.runtime.submit(target["Arn"], payload(as_sent(event), target).encode()).result().failed:
                return


def _prepare_moto() -> None:
    moto_backends.import_engine()
    moto_backends.import_parameter_store()
    moto_seams.check_seams()
    moto_backends.execute_machines()
    moto_backends.lock_backends()
    make_quick()
    moto_backends.list_modules_once()
    moto_backends.forget_dropped_objects()
    moto_backends.enforce_no_bucket_policy()
    step_functions.parse_once()
    step_functions.parse_paths_once()
    step_functions.name_executions()


def _make_quick() -> None:
    """Leave out what takes half of a run and is the same in all of them, and have no threads that nobody can kill."""
    vars(runtime)["in_background"] = LateWork
    # A file that ships with the code.
    vars(runtime)["read_catalogue"] = cache(read_catalogue)
    # For every call moto looks through the addresses of all services.
    patterns = moto.backend_index.backend_url_patterns
    patterns[:] = [pattern for pattern in patterns if pattern[0] in _SERVICES]


def _clients() -> Any:  # noqa: ANN401 - a client per service
    os.environ |= {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "here", "AWS_SECRET_ACCESS_KEY": "here"}
    session = boto3.Session(region_name=REGION)
    return cache(session.client)


@contextmanager
def quiet() -> Iterator[TextIO]:
    """Let what the functions print go nowhere, and yield the standard output that is still heard."""
    heard = sys.stdout
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield heard
