"""The template that ships on an emulator, with a Lambda for the requests of its custom resources."""

from pathlib import Path

from local.deploy.deployer import deploy
from local.deploy.deployment import Deployment, FunctionSpec
from local.deploy.resources.resource_type import Clients
from local.runtime.lambda_answers import error_type
from local.runtime.lambda_runtime import LambdaRuntime
from local.settings import CloudSettings

PROJECT = Path(__file__).parents[3]


class Deployer:
    """Deploys the template to the emulator, with a Lambda for its custom resources."""

    def __init__(self, clients: Clients, logs: Path) -> None:
        self._clients, self._logs = clients, logs
        self._aws_url = clients("dynamodb").meta.endpoint_url

    def deploy(self, stack_name: str = "fermata", **parameters: str) -> Deployment:
        return deploy(
            PROJECT / "template.yaml",
            stack_name=stack_name,
            parameters=parameters,
            clients=self._clients,
            run=self._run,
        )

    def _run(self, function: FunctionSpec, payload: bytes) -> str | None:
        runtime = LambdaRuntime([function], CloudSettings().interpreter, self._aws_url, self._logs)
        try:
            answer = runtime.invoke(function.name, payload)
        finally:
            runtime.stop()
        return error_type(answer) if answer.failed else None
