"""This machine's URLs in place of the host names that the template's values have on AWS, and its pace."""

import re
from dataclasses import dataclass, replace
from typing import Final

from local.deploy.deployment import Deployment
from local.http.bridge import CONSOLE_PATH

_API_HOST: Final = re.compile(r"https://[a-z0-9-]+\.execute-api\.[^/]+")
_BUCKET_HOST: Final = re.compile(r"https://[a-z0-9.-]+\.s3\.[a-z0-9-]+\.amazonaws\.com")


@dataclass(frozen=True)
class OwnUrls:
    """The origins of the HTTP API and of the AWS endpoint, to which the links of all buckets lead. Functions divide
    their scheduled pauses by `time_scale`.
    """

    api: str
    aws: str
    time_scale: float = 1.0

    def in_settings(self, deployment: Deployment) -> Deployment:
        """Return the deployment with these URLs and the time scale in the settings of its functions."""
        scale = {"TIME_SCALE": f"{self.time_scale:g}"}
        functions = {
            name: replace(spec, environment={key: self._here(value) for key, value in spec.environment.items()} | scale)
            for name, spec in deployment.functions.items()
        }
        return replace(deployment, functions=functions)

    def in_outputs(self, deployment: Deployment) -> dict[str, str]:
        """Return the outputs of the stack with these URLs."""
        return {name: self._here(value) for name, value in deployment.outputs.items()}

    def console(self, deployment: Deployment) -> str | None:
        """Return the address of the console, None where the stack has none."""
        has_one = any(route.path == CONSOLE_PATH for route in deployment.routes)
        return self.api + CONSOLE_PATH if has_one else None

    def _here(self, value: str) -> str:
        return _BUCKET_HOST.sub(self.aws, _API_HOST.sub(self.api, value))
