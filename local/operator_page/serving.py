"""Starts the operator's page of one cloud at a port of its own."""

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from local.deploy.deployment import Deployment
from local.http.server import HttpServer, listen
from local.operator_page.application import OperatorPage
from local.operator_page.door import Door
from local.operator_page.sources import RefusedError, Sources
from local.runtime.lambda_answers import Answer

_FIRST: Final = "MusicJobMachine"
_NEEDED: Final = {"ManageTenantsFunctionName", "TableName"}


def start_operator_page(
    deployment: Deployment,
    clients: Callable[[str], Any],
    invoke: Callable[[str, bytes], Answer],
    simulators: Mapping[str, str],
    logs_dir: Path,
    exits: ExitStack,
) -> str | None:
    """Serve the page of a deployment until `exits` close, and return the address that opens it, None where the stack
    has no table or no function for operators. `invoke` runs a function by name to its end. The token in the address is
    new with each start.
    """
    if not {*deployment.outputs} >= _NEEDED:
        return None
    listener, token = listen(0), secrets.token_urlsafe(24)
    sources = _sources_of(deployment, clients, invoke, simulators, logs_dir)
    server = HttpServer(listener, OperatorPage(sources, Door(listener.getsockname()[1], token)))
    server.start()
    exits.callback(server.stop)
    return f"{server.url}/?token={token}"


def _sources_of(
    deployment: Deployment,
    clients: Callable[[str], Any],
    invoke: Callable[[str, bytes], Answer],
    simulators: Mapping[str, str],
    logs_dir: Path,
) -> Sources:
    resources = deployment.resources
    machines = [name for name, physical_id in resources.items() if ":stateMachine:" in physical_id]

    def manage(action: Mapping[str, object]) -> dict[str, Any]:
        answer = invoke(deployment.outputs["ManageTenantsFunctionName"], json.dumps(action).encode())
        told: dict[str, Any] = json.loads(answer.payload)
        if answer.failed:
            raise RefusedError(str(told.get("errorMessage", "the operator's function failed; see its log")))
        return told

    return Sources(
        clients=clients,
        manage=manage,
        simulators=dict(simulators),
        table=deployment.outputs["TableName"],
        buckets={name: resources[name] for name in sorted(resources) if name.endswith("Bucket")},
        machines={name: resources[name] for name in sorted(machines, key=lambda name: (name != _FIRST, name))},
        logs_dir=logs_dir,
    )
