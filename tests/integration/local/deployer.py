"""The template that ships on an emulator, with a Lambda for the requests of its custom resources."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from local.deploy.deployer import deploy
from local.deploy.deployment import Deployment, FunctionSpec
from local.deploy.resources.resource_type import Clients
from local.deploy.transform import read_template
from local.runtime.fork_servers import ForkServers
from local.runtime.lambda_answers import error_type
from local.runtime.lambda_runtime import LambdaRuntime
from local.settings import CloudSettings

PROJECT = Path(__file__).parents[3]
_NAMES: Final = re.compile(r"\w+")


class Deployer:
    """Deploys the template to the emulator, with a Lambda for its custom resources."""

    def __init__(self, clients: Clients, logs: Path) -> None:
        self._clients, self._logs = clients, logs
        self._aws_url = clients("dynamodb").meta.endpoint_url
        self.ahead: dict[str, FunctionSpec] = {}
        """What the last deployment said of its functions before it created anything, by logical id."""

    def deploy(self, stack_name: str = "fermata", **parameters: str) -> Deployment:
        return self._deployed(PROJECT / "template.yaml", stack_name, parameters)

    def deploy_part(self, logical_id: str, stack_name: str, folder: Path, **parameters: str) -> Deployment:
        """Deploy one resource of the template with all that it needs, and nothing else."""
        part = folder / "template.yaml"
        part.write_text(json.dumps(part_of_the_template(logical_id)), "utf-8")
        return self._deployed(part, stack_name, parameters)

    def _deployed(self, template: Path, stack_name: str, parameters: dict[str, str]) -> Deployment:
        return deploy(
            template,
            stack_name=stack_name,
            parameters=parameters,
            clients=self._clients,
            run=self._run,
            warm=self._hear,
        )

    def _hear(self, functions: Iterable[FunctionSpec]) -> None:
        self.ahead = {function.logical_id: function for function in functions}

    def _run(self, function: FunctionSpec, payload: bytes) -> str | None:
        servers = ForkServers(CloudSettings().interpreter)
        runtime = LambdaRuntime([function], servers, self._aws_url, self._logs)
        try:
            answer = runtime.invoke(function.name, payload)
        finally:
            runtime.stop()
            servers.stop()
        return error_type(answer) if answer.failed else None


def part_of_the_template(logical_id: str) -> dict[str, Any]:
    """The template with one resource and those that it names, directly or by others; they stand where their code is."""
    template = read_template(PROJECT / "template.yaml")
    resources, kept = template["Resources"], dict[str, Any]()
    # A function has the settings of all functions, and whatever those name.
    names = {logical_id, *_NAMES.findall(json.dumps(template["Globals"]))}
    while names := {name for name in names if name in resources and name not in kept}:
        kept.update({name: resources[name] for name in names})
        names = {word for name in names for word in _NAMES.findall(json.dumps(resources[name]))}
    for resource in kept.values():
        for path in ("CodeUri", "ContentUri"):
            if path in resource.get("Properties", {}):
                resource["Properties"][path] = str(PROJECT / resource["Properties"][path])
    return {**template, "Resources": kept, "Outputs": {}}
