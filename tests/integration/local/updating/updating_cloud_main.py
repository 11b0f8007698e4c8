"""`python -m local up` for one release, over which others can be deployed: POST a template's path to the address
`update_url` of the ready line. The answer comes when everything new names the new versions.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from local import up
from local.cli import parse_settings
from local.cloud import LocalCloud
from local.deploy.deployer import update
from local.deploy.deployment import Deployment
from local.deploy.own_urls import OwnUrls
from local.runtime.lambda_runtime import LambdaRuntime
from local.stopping import StopRequested, stop_on_signals


class UpdatableCloud(LocalCloud):
    """A cloud that can deploy another release while it runs."""

    def _deploy(self, clients: Callable[[str], Any], parameters: Mapping[str, str], aws_url: str) -> Deployment:
        self._deployed = super()._deploy(clients, parameters, aws_url)
        self._given = (clients, parameters, aws_url)
        return self._deployed

    def _start_runtime(self, deployment: Deployment, aws_url: str) -> LambdaRuntime:
        self._runtime = super()._start_runtime(deployment, aws_url)
        return self._runtime

    def start(self) -> dict[str, Any]:
        """Start, and take updates."""
        description = super().start()
        cloud = self

        class Updates(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                cloud.update(Path(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                self.send_response(204)
                self.end_headers()

        server = HTTPServer(("127.0.0.1", 0), Updates)
        Thread(target=server.serve_forever, daemon=True).start()
        return {**description, "update_url": f"http://127.0.0.1:{server.server_port}"}

    def update(self, template: Path) -> None:
        """Deploy another release; executions go on with the versions that their definition names."""
        clients, parameters, aws_url = self._given
        self._deployed = update(self._deployed, template, parameters=parameters, clients=clients)
        urls = OwnUrls(self._api_url, aws_url, self._settings.time_scale)
        self._runtime.update(urls.in_settings(self._deployed).functions.values())


def main(template: Path, argv: list[str]) -> int:
    """Run a cloud of this template until a signal stops it."""
    up.LocalCloud = UpdatableCloud  # type: ignore[attr-defined]  # the cloud that run_up makes
    stop_on_signals()
    with suppress(StopRequested):
        up.run_up(replace(parse_settings("up", argv), template=template), up.ReadyLine())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
