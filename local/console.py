"""The texts that a running cloud prints: its URLs, three requests to try, and variables for a shell."""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cli.shell import STACK_VARIABLE, STATE_DIR_VARIABLE
from local.settings import DEFAULT_PORT
from local.state_dir import STATE_ROOT

_VARIABLES: Final = {
    "API_URL": "api_url",
    "API_KEY": "api_key",
    "TENANT": "tenant",
    "AWS_ENDPOINT_URL": "aws_endpoint_url",
    "AWS_REGION": "region",
    "AWS_DEFAULT_REGION": "region",
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "LOGS_DIR": "logs_dir",
    STATE_DIR_VARIABLE: "state_dir",
}


def explain(description: Mapping[str, Any]) -> None:
    """Print the cloud's URLs and example commands to stderr."""
    simulators = "".join(f"\n  simulator  {url}  ({name})" for name, url in description["simulators"].items())
    console = f"\n  console    {description['console_url']}" if description["console_url"] else ""
    if description["operator_url"]:
        console += f"\n  operator   {description['operator_url']}"
    text = f"""
Fermata runs until Ctrl-C.{console}
  HTTP API   {description["api_url"]}
  AWS        {description["aws_endpoint_url"]}{simulators}
  logs       {description["logs_dir"]}

In another terminal, in this directory:
  {environment_command(description)}
  {submit_command()}
  {read_command()}
  {download_command()}
"""
    print(text, file=sys.stderr)


def environment_command(description: Mapping[str, Any]) -> str:
    """The command that sets the variables which the other commands use."""
    if Path(description["state_dir"]) == STATE_ROOT / str(DEFAULT_PORT):
        return 'eval "$(make -s env)"'
    arguments = shlex.quote(f"--state-dir {description['state_dir']}")
    return f'eval "$(make -s env ARGS={arguments})"'


def submit_command() -> str:
    """The command that submits a song and stores the job's id in the variable JOB."""
    body = '{"model":"minimax/music-2.5","prompt":"indie folk, rainy evening","lyrics":"[Verse]\\nRain on the window"}'
    fields = f"""-H "Authorization: Bearer $API_KEY" -H 'Content-Type: application/json' -d '{body}'"""
    return (
        f"""JOB=$(curl -s "$API_URL/v1/jobs" {fields} | tee /dev/stderr | sed -n 's/.*"id": *"\\([^"]*\\)".*/\\1/p')"""
    )


def read_command() -> str:
    """The command that reads the job."""
    return 'curl -s "$API_URL/v1/jobs/$JOB" -H "Authorization: Bearer $API_KEY"'


def download_command() -> str:
    """The command that downloads the song once it is ready."""
    patience = "--retry 60 --retry-delay 1 --retry-all-errors"
    return f'curl -sfL {patience} "$API_URL/v1/jobs/$JOB/audio" -H "Authorization: Bearer $API_KEY" -o song.mp3'


def export_lines(description: Mapping[str, Any]) -> Iterator[str]:
    """Yield one quoted `export` line per variable: the URLs, the key and the stack's outputs."""
    values = {name: description[key] for name, key in _VARIABLES.items()}
    yield from _exports({**_as_variables(description["outputs"]), **values})
    # If the shell was set up for a stack on AWS before, operator commands would still go there.
    yield f"unset {STACK_VARIABLE}"


def export_lines_of_a_stack(stack: str, outputs: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that set a shell up for a deployed stack instead of a cloud on this machine. AWS credentials and
    region stay unchanged, and there is no API key, because it is no output.
    """
    yield from _exports({**_as_variables(outputs), STACK_VARIABLE: stack})
    yield f"unset AWS_ENDPOINT_URL {STATE_DIR_VARIABLE}"


def _exports(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield f"export {name}={shlex.quote(str(value))}"


def _as_variables(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper(): value for name, value in outputs.items()}
