"""The one-machine cloud in this process, with real function processes that are killed at a call of theirs (SIGKILL).

It watches where every call ends: at the address of AWS and at the simulated providers. A call is told apart by the
access key, or by a prefix of the provider's address, that each environment has for itself.
"""

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import boto3

from fermata.adapters.dynamodb.providers.settings_store import DynamoSettingsStore
from local import cloud as cloud_module
from local.cloud import LocalCloud
from local.deploy.deployment import ACCOUNT_ID, REGION, FunctionSpec
from local.emulator.aws_calls import read_call
from local.emulator.aws_endpoint import AwsEndpoint
from local.emulator.moto_seams import MotoValue
from local.http.server import listen
from local.logs import JsonLines
from local.runtime import lambda_runtime
from local.runtime.lambda_environment import LambdaEnvironment, Pool
from local.runtime.runtime_api import Invocation
from local.settings import CloudSettings
from local.simulators.http.exchange import Answer, Outcome, Request
from local.simulators.http.server import HttpServer
from local.simulators.running import RunningSimulator, build_simulator
from local.simulators.simulator import Simulator
from local.state_dir import StateDir
from tests.crash.cuts import Kill, Moment, Site, When, sites_of
from tests.crash.gate import Gate, Killed
from tests.integration.song import Cloud

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

NOBODY: Final = ""
"""Whose runs those are that belong to no order: the reaper's."""
_PREFIXED: Final = re.compile(r"/~(\d+)(/.*)")
_AN_ID: Final = re.compile(r"(?=.*\d)[\w.:%=&~-]{12,}")
_VERSION: Final = "SETTINGS_VERSION"
_TRUSTED: Final = "TRUSTED_LOCAL_ORIGINS"
_KEY_PREFIX: Final = "ASIAKILLABLE"


class Watch:
    """Who runs what for which order, and who is to be killed where. An order is known by its tenant."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._environments: dict[int, KillableEnvironment] = {}
        self._numbers = itertools.count(1)
        self._kills: dict[str, list[Kill]] = {}
        self._invocations: Counter[tuple[str, str]] = Counter()
        self._moments: dict[str, list[Moment]] = {}
        self.tenant_of_prompt: dict[str, str] = {}
        """By the SHA-256 under which a prompt stands on a bill."""
        self.find_tenant: Callable[[Mapping[str, Any]], str] = lambda _event: NOBODY

    def register(self, environment: "KillableEnvironment") -> int:
        with self._lock:
            number = next(self._numbers)
            self._environments[number] = environment
        return number

    def expect(self, tenant: str, prompts: Iterable[str], kills: Iterable[Kill]) -> None:
        """Kill once at each of these sites of a tenant's order, which the providers know by any of these prompts."""
        with self._lock:
            self._kills[tenant] = list(kills)
            self._moments[tenant] = []
            self.tenant_of_prompt |= {sha256(prompt.encode()).hexdigest(): tenant for prompt in prompts}

    def missed(self, tenant: str) -> list[Kill]:
        """The kills that did not happen."""
        with self._lock:
            return list(self._kills.get(tenant, []))

    def moments(self, tenant: str) -> list[Moment]:
        """The moments of all runs for an order that have ended."""
        with self._lock:
            return list(self._moments.get(tenant, []))

    def begins(self, function: str, event: Mapping[str, Any]) -> "Run":
        tenant = self.find_tenant(event)
        with self._lock:
            self._invocations[tenant, function] += 1
            invocation = self._invocations[tenant, function]
        return Run(tenant, function, invocation, Gate(self._judge(tenant, function, invocation)))

    def _judge(self, tenant: str, function: str, invocation: int) -> Callable[[int, str, When], bool]:
        """Says of each moment of one run whether it is the last."""
        seen: Counter[tuple[str, When]] = Counter()

        def is_deadly(_number: int, call: str, when: When) -> bool:
            seen[call, when] += 1
            site = Site(function, call, seen[call, when], when)
            with self._lock:
                kills = self._kills.get(tenant, [])
                due = [kill for kill in kills if kill.site == site and kill.invocation in (None, invocation)]
                for kill in due:
                    kills.remove(kill)
            return bool(due)

        return is_deadly

    def ends(self, run: "Run") -> None:
        with self._lock:
            moments = self._moments.setdefault(run.tenant, [])
            moments += sites_of(run.function, run.invocation, run.gate.events)

    def by_number(self, number: int) -> "KillableEnvironment | None":
        return self._environments.get(number)

    def that_fetches(self, prompt_sha256: str | None) -> "KillableEnvironment | None":
        """The environment that downloads a song: the one that stores that order's."""
        tenant = self.tenant_of_prompt.get(prompt_sha256 or "")
        with self._lock:
            for environment in self._environments.values():
                run = environment.run
                if run is not None and (run.tenant, run.function) == (tenant, "StoreAudio"):
                    return environment
        return None


class Run:
    """One invocation for one order."""

    def __init__(self, tenant: str, function: str, invocation: int, gate: Gate) -> None:
        self.tenant, self.function, self.invocation, self.gate = tenant, function, invocation, gate


WATCH: Final = Watch()
"""One per process, as the cloud is."""


class KillableEnvironment(LambdaEnvironment):
    """An environment with an access key and provider addresses of its own."""

    def __init__(
        self, spec: FunctionSpec, endpoint_url: str, credentials: Mapping[str, str], log: JsonLines, pool: Pool
    ) -> None:
        self.run: Run | None = None
        number = WATCH.register(self)
        own = {"AWS_ACCESS_KEY_ID": f"{_KEY_PREFIX}{number:08d}"}
        super().__init__(_with_prefix(spec, number, endpoint_url), endpoint_url, {**credentials, **own}, log, pool)

    def next_invocation(self) -> Invocation | None:
        self._end_run()
        invocation = super().next_invocation()
        if invocation is not None:
            self.run = WATCH.begins(self.spec.logical_id.removesuffix("Function"), json.loads(invocation.payload))
        return invocation

    def answered(self, request_id: str, payload: bytes, *, failed: bool) -> None:
        self._end_run()
        super().answered(request_id, payload, failed=failed)

    def passes(self, call: str, when: When) -> None:
        """Note a moment of the present run. At the last one the process is killed; `Killed` follows once it is gone."""
        run = self.run
        if run is None:
            return
        try:
            run.gate.passes(call, when)
        except Killed:
            self._end_run()
            self.kill()
            self._wait_until_gone()
            raise

    def _wait_until_gone(self) -> None:
        # The signal goes by way of the fork server, which a busy machine lets wait. Until it has arrived the function
        # would act on whatever answers its call: it stages an empty answer, or sends an AWS call again unseen.
        if self._child is not None:
            # Waits for the end, and does not mind what kind of end it was.
            self._child.status.exception()

    def _end_run(self) -> None:
        run, self.run = self.run, None
        if run is not None:
            WATCH.ends(run)


def _with_prefix(spec: FunctionSpec, number: int, endpoint_url: str) -> FunctionSpec:
    """A function that finds providers under addresses of its own, in settings that nobody else reads."""
    values = dict(spec.environment)
    if not {_VERSION, _TRUSTED} <= values.keys():
        return spec
    store = _settings_store(endpoint_url, values["TABLE_NAME"])
    settings = store.load(values[_VERSION])
    providers = {
        name: changes.model_copy(update={"base_url": f"{changes.base_url}/~{number}"})
        for name, changes in settings.providers.items()
    }
    own = settings.model_copy(update={"providers": providers})
    store.keep(own)
    urls = [str(changes.base_url) for changes in providers.values()]
    values |= {_VERSION: own.version, _TRUSTED: ",".join([values[_TRUSTED], *urls])}
    return replace(spec, environment=values)


@cache
def _settings_store(endpoint_url: str, table: str) -> DynamoSettingsStore:
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="AKIALOCALWATCHER0000",
        aws_secret_access_key="unused",
    )
    return DynamoSettingsStore(client, table)


class KillingEndpoint(AwsEndpoint):
    """The address of AWS, where a call's function may die before it is heard and before it hears the answer."""

    def __call__(self, environ: Any, start_response: "StartResponse") -> Iterable[bytes]:  # noqa: ANN401 - WSGI's own
        call = read_call(environ, b"")
        key = call.access_key or ""
        environment = WATCH.by_number(int(key.removeprefix(_KEY_PREFIX))) if key.startswith(_KEY_PREFIX) else None
        if environment is None:
            return super().__call__(environ, start_response)
        folder = f" {(call.resource or '').split('/')[1]}/" if call.action.endswith("Object") else ""
        answer: Iterable[bytes] = []
        try:
            environment.passes(call.action + folder, When.BEFORE)
        except Killed:
            # Nobody is there to read it.
            start_response("500 Nobody", [])
            return []
        with suppress(Killed):
            answer = list(super().__call__(environ, start_response))
            environment.passes(call.action + folder, When.AFTER)
        return answer


def _start_simulator(provider: str, *, key: str, latency_s: float, log_path: Path | None = None) -> RunningSimulator:
    """As `local.simulators.running.start_simulator`, with the same watch."""
    server = HttpServer(0, log_path)
    simulator = build_simulator(provider, key=key, latency_s=latency_s, origin=server.url, log=server.log)
    server.start(lambda request: _respond(simulator, request))
    return RunningSimulator(simulator, server)


def _respond(simulator: Simulator, request: Request) -> Outcome:
    prefixed = _PREFIXED.fullmatch(request.path)
    try:
        if prefixed is None:
            outcome = simulator.respond(request)
            environment = WATCH.that_fetches(outcome.prompt_sha256) if request.path.startswith("/files/") else None
            # Looking at a file changes nothing, so it is all the same when it was looked at.
            return _passed(environment, "GET /files/*", lambda: outcome)
        plain = replace(request, path=prefixed[2])
        call = f"{request.method} {'/'.join('*' if _AN_ID.fullmatch(part) else part for part in plain.path.split('/'))}"
        return _passed(WATCH.by_number(int(prefixed[1])), call, lambda: simulator.respond(plain))
    except Killed:
        return Outcome(Answer(500))


def _passed(environment: KillableEnvironment | None, call: str, respond: Callable[[], Outcome]) -> Outcome:
    if environment is None:
        return respond()
    environment.passes(call, When.BEFORE)
    outcome = respond()
    environment.passes(call, When.AFTER)
    return outcome


@contextmanager
def killable_cloud(settings: CloudSettings, scratch: Path) -> Iterator[Cloud]:
    """Run the cloud with `WATCH` in it; one per process."""
    vars(lambda_runtime)["LambdaEnvironment"] = KillableEnvironment
    vars(cloud_module).update(AwsEndpoint=KillingEndpoint, start_simulator=_start_simulator)
    state = StateDir(scratch)
    state.claim()
    with ExitStack() as exits:
        local = LocalCloud(settings, state, listen(settings.port))
        exits.callback(local.stop)
        line = local.start()
        WATCH.find_tenant = _TenantOf(line["outputs"]["TableName"])
        yield Cloud(line)


class _TenantOf:
    """Finds whose order an event belongs to, in what the emulator holds."""

    def __init__(self, table: str) -> None:
        self._table = table

    def __call__(self, event: Mapping[str, Any]) -> str:
        if "job_id" in event:
            return self._of_job(str(event["job_id"]))
        token = event.get("pathParameters", {}).get("token")
        if token is not None:
            callback = self._item(f"CALLBACK#{sha256(token.encode()).hexdigest()}")
            return self._of_job(callback["job_id"].value) if callback else NOBODY
        return str(event.get("requestContext", {}).get("authorizer", {}).get("lambda", {}).get("tenant_id", NOBODY))

    def _of_job(self, job_id: str) -> str:
        row = self._item(f"JOB#{job_id}", "JOB")
        return str(row["tenant_id"].value) if row else NOBODY

    def _item(self, partition: str, sort_key: str | None = None) -> dict[str, MotoValue] | None:
        from moto.dynamodb.models import dynamodb_backends
        from moto.dynamodb.models.dynamo_type import DynamoType

        rows = dynamodb_backends[ACCOUNT_ID][REGION].tables[self._table].items.get(DynamoType({"S": partition}), {})
        for key, row in list(rows.items()):
            if sort_key is None or key.value == sort_key:
                return dict(row.attrs)
        return None
