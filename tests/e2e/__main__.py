"""`make e2e STACK=local|built|NAME`: plays a tenant against a running stack, from order to deletion.

`local` takes the cloud that runs on this machine, or starts one for the time of the run; `built` starts one from the
result of `make build`; any other name is that of a stack on AWS, whose outputs `make deploy` left in `out/NAME.env`.
Exit status: 0 all tests passed, 1 not, 2 it did not begin.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

from local.console import export_lines
from local.settings import DEFAULT_PORT
from local.state_dir import STATE_ROOT, StateDir
from tests.e2e.plan import MODEL
from tests.e2e.stack import SCOPES
from tests.functions import ROOT
from tests.integration.cloud_process import running_cloud
from tests.integration.song import Cloud

CREDITS: Final = 1_000
ACCOUNT: Final = "123456789012"
"""The account of everything on this machine."""
PAUSED: Final = ("apiinone", "apiinone/suno")
"""A provider of which a cloud of its own orders nothing, and its model."""
HELD: Final = {"ReadGapSeconds": 120, "StartTimeoutSeconds": 180, "LiveGraceSeconds": 600}
"""Parameters with which a provider may hold a live song until it was heard."""


def main(argv: Sequence[str]) -> int:
    """Read the arguments, set the environment up for the stack, and run the tests."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e", allow_abbrev=False)
    parser.add_argument("--stack", default="local", help="local, built, or the name of a stack on AWS")
    arguments, rest = parser.parse_known_args(argv)
    if arguments.stack not in ("local", "built"):
        try:
            environment = of_a_stack(ROOT / "out" / f"{arguments.stack}.env")
        except OSError as error:
            print(f"{error}; make deploy STACK={arguments.stack} writes it", file=sys.stderr)
            return 2
        return run_tests({**os.environ, **environment}, rest)
    with laptop(built=arguments.stack == "built") as environment:
        return run_tests({**os.environ, **environment}, rest)


def of_a_stack(file: Path) -> dict[str, str]:
    """The variables that `make deploy` wrote; those of a cloud on this machine are emptied. Raises `OSError`."""
    return read_exports(file.read_text("utf-8").splitlines())


def read_exports(lines: Sequence[str]) -> dict[str, str]:
    """The variables of lines for a shell; one that is unset is empty."""
    values: dict[str, str] = {}
    for line in lines:
        word, *assigned = shlex.split(line)
        for each in assigned:
            name, _, value = each.partition("=")
            values[name] = value if word == "export" else ""
    return values


@contextmanager
def laptop(*, built: bool) -> Iterator[dict[str, str]]:
    """The variables of the cloud that runs on this machine, or of one for the time of the block; the tenant is new."""
    state = StateDir(STATE_ROOT / str(DEFAULT_PORT))
    if not built and state.is_running():
        yield with_tenant(Cloud(state.running()))
        return
    parameters = [part for name, value in HELD.items() for part in ("--param", f"{name}={value}")]
    with TemporaryDirectory(prefix="fermata-e2e-") as scratch:
        options = ["--provider-latency", "0.1", *parameters, *(["--built"] if built else [])]
        with running_cloud(options, Path(scratch)) as line:
            cloud = Cloud(line)
            provider, model = PAUSED
            cloud.admin("pause", provider).done()
            yield {**with_tenant(cloud), "E2E_PAUSED_MODEL": model}


def with_tenant(cloud: Cloud) -> dict[str, str]:
    """Make a tenant as the operations document says, and return the variables for it."""
    tenant = f"e2e-{uuid4().hex[:8]}"
    for command in (
        ("create-tenant", tenant),
        ("grant", tenant, CREDITS),
        ("set-triggers", tenant, "--inbox", "on", "--events", "on", "--source", f"{ACCOUNT}/{tenant}"),
    ):
        cloud.admin(*command).done()
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    key = cloud.admin("issue-key", tenant, *scopes).done()["api_key"]
    own = {"API_KEY": key, "TENANT": tenant, "E2E_EVENT_SOURCE": tenant, "E2E_RECEIVER": "local"}
    return {**read_exports(list(export_lines(cloud.line))), **own, **of_simulators(cloud.line["simulators"])}


def of_simulators(simulators: Mapping[str, Any]) -> dict[str, str]:
    """Say that providers cost nothing where the run's is simulated, and where a song that it holds is let go on."""
    provider = (os.environ.get("E2E_MODEL") or MODEL).partition("/")[0]
    if provider not in simulators:
        return {}
    return {"E2E_SIMULATED": "yes", "E2E_RELEASE_URL": f"{simulators[provider]}/_sim/release"}


def run_tests(environment: Mapping[str, str], rest: Sequence[str]) -> int:
    """Run the tests in a process of their own, which may open sockets to other machines."""
    # The project's own options let tests reach this machine only.
    options = ["--import-mode=importlib", "--strict-markers", "--strict-config", "-ra"]
    command = [sys.executable, "-m", "pytest", "-o", f"addopts={shlex.join(options)}", "-o", "timeout=3600"]
    ended = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-q", "tests/e2e", *rest],
        cwd=ROOT,
        # boto3 takes an empty endpoint for one.
        env={name: value for name, value in environment.items() if value},
        check=False,
    )
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
