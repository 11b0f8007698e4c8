"""The one-machine cloud: starts its parts in order and stops them."""

import gc
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from local.cloud_client import OWN_ACCESS_KEY, own_clients
from local.demo_tenant import TENANT, create_tenant, grant
from local.deploy.deployer import deploy
from local.deploy.deployment import REGION, Deployment, FunctionSpec
from local.deploy.direct_clients import direct_clients
from local.deploy.function_settings import check_function_settings, check_reservations, start_order
from local.deploy.own_urls import OwnUrls
from local.deploy.provider_keys import provider_keys, store_signing_key
from local.emulator import function_logs, missing_calls, moto_backends, moto_seams, step_functions
from local.emulator.aws_endpoint import AwsEndpoint
from local.emulator.dynamodb.calls import straight_to_dynamodb
from local.emulator.dynamodb.quick import make_quick
from local.emulator.event_bridge import EventBridge
from local.emulator.schedules import Timers, read_schedules
from local.errors import LocalCloudError
from local.http.bridge import HttpBridge, patient
from local.http.server import HOST, HttpServer, listen
from local.iam.enforcement import Enforcement
from local.logs import JsonLines
from local.operator_page.serving import start_operator_page
from local.runtime.fork_servers import ForkServers
from local.runtime.lambda_answers import Answer, error_type
from local.runtime.lambda_api import LambdaApi
from local.runtime.lambda_environment import FunctionStartError
from local.runtime.lambda_runtime import LambdaRuntime
from local.runtime.reloading import Reloader
from local.settings import PROJECT_ROOT, CloudSettings, known_providers, template_parameters
from local.simulators import SIMULATED_PROVIDERS, start_simulator
from local.state.identity import DEFAULT_CREDITS
from local.state.kept_cloud import KeptCloud
from local.state_dir import StateDir

START_LIMIT_S: Final = 150


class CloudStartError(LocalCloudError):
    """A part of the cloud did not start; the message names it and its log."""


@dataclass(frozen=True)
class _Parts:
    deployment: Deployment
    runtime: LambdaRuntime
    clients: Callable[[str], Any]
    """Returns the boto3 client of a service; the name decides its type at run time."""


class LocalCloud:
    """One per process, because moto keeps its state in module variables."""

    def __init__(
        self, settings: CloudSettings, state: StateDir, listener: socket.socket, kept: KeptCloud | None = None
    ) -> None:
        """Without `kept`, the cloud's state ends with it."""
        self._settings, self._state, self._listener, self._kept = settings, state, listener, kept
        self._exits, self._servers = ExitStack(), ForkServers(settings.interpreter, reloads=settings.reload)
        self._exits.callback(self._servers.stop)
        self._begun = time.monotonic()
        self._stopping = False

    def start(self) -> dict[str, Any]:
        """Start everything and return the description of the cloud. The caller must call `stop`, also after an
        error.
        """
        self._exits.callback(self._listener.close)
        moto_backends.import_engine()
        moto_backends.import_parameter_store()
        moto_seams.check_seams()
        keys = self._provider_keys()
        simulators = self._start_simulators(keys)
        endpoint, aws = self._start_aws()
        clients = own_clients(aws.url, endpoint)
        deployed = self._deploy(clients, template_parameters(self._settings, simulators), aws.url)
        urls = OwnUrls(self._api_url, aws.url, self._settings.time_scale)
        deployment = urls.in_settings(deployed)
        self._publish_api_url(deployment, clients)
        check_function_settings(deployment)
        check_reservations(deployment, self._settings.environments)
        parts = _Parts(deployment, self._start_runtime(deployment, aws.url), clients)
        at_once, later = start_order(deployment)
        started = parts.runtime.start_each(at_once)
        events = self._connect(endpoint, parts)
        self._store_keys(parts, keys)
        self._wait(started)
        self._resume(events)
        self._start_timers(parts, events)
        api = self._start_api(parts, self._watch_sources(parts))
        api_key = self._tenant_key(parts)
        if self._kept:
            self._kept.ready(api.port, api_key, keys)
        parts.runtime.start_each(later).add_done_callback(self._report_failed_start)
        # These objects live to the end, and scanning them for garbage took a tenth of all time.
        gc.freeze()
        self._say(f"ready after {time.monotonic() - self._begun:.1f} s")
        shown = {name: key for name, key in keys.items() if name in self._on_this_machine()}
        pages = {"operator_url": self._start_operator_page(parts, simulators), "provider_keys": shown}
        return self._describe(urls, api_key, deployment, simulators) | pages

    def stop(self) -> None:
        """Stop everything that was started, in reverse order."""
        self._stopping = True
        if self._kept:
            # First of all: what is cut off from here on has not happened, and goes on at the next start.
            self._kept.close()
        self._exits.close()

    def _simulated(self) -> tuple[str, ...]:
        here = {*known_providers(self._settings.template)} - {*self._settings.providers, *self._settings.real}
        return tuple(name for name in SIMULATED_PROVIDERS if name in here)

    def _provider_keys(self) -> dict[str, str]:
        given = self._settings.provider_keys
        if self._kept:
            given = {**self._kept.simulator_keys(self._simulated()), **given}
        return provider_keys(self._on_this_machine(), given, self._settings.real, PROJECT_ROOT / ".env")

    def _on_this_machine(self) -> set[str]:
        """The providers that are no real ones, whose keys may be shown."""
        return {*self._simulated(), *self._settings.providers} - {*self._settings.real}

    def _start_simulators(self, keys: Mapping[str, str]) -> dict[str, str]:
        urls = {}
        for name in self._simulated():
            latency_s = self._settings.provider_latency_s / self._settings.time_scale
            log_path = self._state.logs / f"simulator-{name}.jsonl"
            kept = self._kept.of_simulator(name) if self._kept else {}
            simulator = start_simulator(name, key=keys[name], latency_s=latency_s, log_path=log_path, **kept)
            self._exits.callback(simulator.stop)
            urls[name] = simulator.url
        return urls

    def _start_aws(self) -> tuple[AwsEndpoint, HttpServer]:
        # Imported late, because moto's server takes a second to import, and wrong arguments are reported first.
        from moto.moto_server.werkzeug_app import MotoRequestHandler

        moto_backends.execute_machines()
        if self._kept:
            self._kept.state.install()
        moto_backends.make_ready()
        make_quick()
        step_functions.make_ready(self._settings.time_scale)
        moto = straight_to_dynamodb(missing_calls.dispatcher())
        if self._kept:
            moto = self._kept.state.endpoint(moto)
        iam = self._iam = Enforcement(self._state.logs)
        self._exits.callback(iam.close)
        endpoint = AwsEndpoint(moto, self._log("aws"), OWN_ACCESS_KEY, gate=iam.gate, unlogged=iam.machine_keys)
        server = HttpServer(listen(self._kept.aws_port if self._kept else 0), endpoint, MotoRequestHandler)
        server.start()
        self._exits.callback(server.stop)
        iam.serve_machines(server.url, endpoint)
        return endpoint, server

    def _deploy(self, clients: Callable[[str], Any], parameters: Mapping[str, str], aws_url: str) -> Deployment:
        self._say(f"deploying {self._settings.template.name}")
        deployment = deploy(
            self._settings.template,
            parameters=parameters,
            clients=direct_clients(clients),
            built_dir=self._settings.built_dir,
            run=lambda function, payload: self._run_once(function, payload, aws_url),
            warm=self._servers.warm,
        )
        if self._kept:
            self._kept.state.restore_others()
        self._iam.learn(deployment.functions.values())
        return deployment

    def _run_once(self, function: FunctionSpec, payload: bytes, aws_url: str) -> str | None:
        """Run a function of a stack that is not complete yet; the environment does not outlive the call."""
        let_in = self._iam.rights.let_in
        runtime = LambdaRuntime([function], self._servers, aws_url, self._state.logs, let_in=let_in)
        try:
            answer = runtime.invoke(function.name, payload)
        finally:
            runtime.stop()
        return error_type(answer) if answer.failed else None

    def _publish_api_url(self, deployment: Deployment, clients: Callable[[str], Any]) -> None:
        name = deployment.outputs.get("ApiUrlParameterName")
        if name is None:
            return
        if self._settings.real:
            # A remote provider cannot send callbacks to this machine; without a URL, it is polled.
            clients("ssm").delete_parameter(Name=name)
        else:
            clients("ssm").put_parameter(Name=name, Value=self._api_url, Overwrite=True)

    @property
    def _api_url(self) -> str:
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    def _start_runtime(self, deployment: Deployment, aws_url: str) -> LambdaRuntime:
        runtime = LambdaRuntime(
            deployment.functions.values(),
            self._servers,
            aws_url,
            self._state.logs,
            self._settings.environments,
            let_in=self._iam.rights.let_in,
        )
        self._exits.callback(runtime.stop)
        backend = function_logs.emulated_logs()
        for name, log in runtime.logs.items():
            log.also = function_logs.log_lines(backend, name)
        return runtime

    def _connect(self, endpoint: AwsEndpoint, parts: _Parts) -> EventBridge:
        bus = moto_backends.EventBus()
        events = EventBridge(
            parts.runtime.submit,
            lambda service: bus if service == "events" else parts.clients(service),
            keeper=self._kept.state.deliveries if self._kept else None,
            rights=self._iam,
        )
        self._exits.callback(events.stop)
        step_functions.use_clients(parts.clients, parts.runtime.submit, self._iam)
        ended = self._kept.state.executions.ended if self._kept else lambda _: None
        step_functions.publish_status_changes(events.publish, ended)
        step_functions.deliver_to_functions(events.deliver)
        lambda_api = LambdaApi(parts.runtime.find, parts.runtime.submit, events.invoke_later)
        endpoint.serve_functions(lambda_api, parts.runtime.access_keys)
        return events

    def _resume(self, events: EventBridge) -> None:
        """Go on with what ran when the cloud ended, before anything can miss it."""
        if self._kept:
            self._say(f"going on with {self._kept.state.executions.begin_again()} executions")
            events.resume()

    def _start_timers(self, parts: _Parts, events: EventBridge) -> None:
        timers = Timers(read_schedules(parts.clients("events")), events.deliver)
        timers.start()
        self._exits.callback(timers.stop)

    def _store_keys(self, parts: _Parts, keys: Mapping[str, str]) -> None:
        store_signing_key(parts.deployment.outputs, parts.clients)
        secret = parts.deployment.outputs.get("ProviderKeysSecretArn")
        if secret:
            client = parts.clients("secretsmanager")
            if self._kept:
                keys = self._kept.merged_keys(keys, client.get_secret_value(SecretId=secret)["SecretString"])
            client.put_secret_value(SecretId=secret, SecretString=json.dumps(keys))

    def _watch_sources(self, parts: _Parts) -> Reloader | None:
        if not self._settings.reload:
            return None
        template = self._settings.template
        functions = parts.deployment.functions.values()
        return Reloader(parts.runtime, functions, template.parent, self._say)

    def _start_api(self, parts: _Parts, reloader: Reloader | None) -> HttpServer:
        deployment = parts.deployment
        submit = patient(parts.runtime.submit, time.monotonic, time.sleep)
        bridge = HttpBridge(deployment.routes, submit, self._log("http"), faults=reloader)
        if reloader:
            reloader.start(bridge.forget_decisions)
            self._exits.callback(reloader.stop)
        server = HttpServer(self._listener, bridge)
        server.start()
        self._exits.callback(server.stop)
        return server

    def _start_operator_page(self, parts: _Parts, simulators: Mapping[str, str]) -> str | None:
        invoke, logs = parts.runtime.invoke, self._state.logs
        return start_operator_page(parts.deployment, parts.clients, invoke, simulators, logs, self._exits)

    def _wait(self, started: Future[None]) -> None:
        self._say("starting functions")
        try:
            started.result(timeout=START_LIMIT_S)
        except FunctionStartError as error:
            raise CloudStartError(f"{error} in {self._state.logs}") from error

    def _tenant_key(self, parts: _Parts) -> str | None:
        name = parts.deployment.outputs.get("ManageTenantsFunctionName")
        if name is None:
            return None
        manage = partial(_invoke, parts.runtime, name)
        if self._kept is None or self._kept.before is None:
            asked = self._settings.credits
            return create_tenant(manage, DEFAULT_CREDITS if asked is None else asked)
        grant(manage, self._kept.credits)
        return self._kept.before.api_key

    def _describe(
        self, urls: OwnUrls, api_key: str | None, deployment: Deployment, simulators: Mapping[str, str]
    ) -> dict[str, Any]:
        return {
            "version": 1,
            "pid": os.getpid(),
            "api_url": urls.api,
            "console_url": urls.console(deployment),
            "aws_endpoint_url": urls.aws,
            "api_key": api_key,
            "tenant": TENANT,
            "region": REGION,
            "access_key_id": "AKIALOCALCALLER00000",
            "secret_access_key": self._kept.secret_access_key if self._kept else secrets.token_hex(20),
            "outputs": urls.in_outputs(deployment),
            "simulators": dict(simulators),
            "logs_dir": str(self._state.logs),
            "state_dir": str(self._state.path),
        }

    def _log(self, name: str) -> JsonLines:
        log = JsonLines(self._state.logs / f"{name}.jsonl")
        self._exits.callback(log.close)
        return log

    def _report_failed_start(self, started: Future[None]) -> None:
        error = started.exception()
        if error and not self._stopping:
            self._say(f"error: {error}")

    def _say(self, what: str) -> None:
        print(what, file=sys.stderr)


def _invoke(runtime: LambdaRuntime, name: str, request: Mapping[str, str | int]) -> dict[str, Any]:
    answer: Answer = runtime.invoke(name, json.dumps(request).encode())
    if answer.failed:
        raise CloudStartError(f"{request['action']} failed with {error_type(answer)}; see the log of {name}")
    said: dict[str, Any] = json.loads(answer.payload)
    return said
