"""Asks the account, deploys a stack with SAM, and leaves its outputs as a shell's variables in out/NAME.env.

`make deploy STACK=NAME [ENV=dev|stage|prod] [PARAMS='Name=Value ...']` calls it after `make build`.

Exit status: 0 deployed, 1 refused or failed, 2 bad arguments.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from cli.deployed_stack import StackError, outputs_of
from cli.shell import stack_name
from local.console import export_lines_of_a_stack
from tooling.build import DEFAULT_ARCHITECTURE, TARGETS
from tooling.preflight.__main__ import SAM, add_deployment, ask_everything
from tooling.preflight.parameters import given_parameters
from tooling.uploads import ROOT

OUT: Final = ROOT / "out"
_RELEASE: Final = "RELEASE: as-written"


def with_release(template: Path, given: Mapping[str, str]) -> Path:
    """Write `release.yaml` beside a built template, with a digest of its text and of the parameters in every function.

    A version is published where a function's own properties differ, and those name a parameter without its value. The
    digest differs with each value, so that a new value reaches every function. Raises ValueError for a template
    without the line.
    """
    text = template.read_text("utf-8")
    if text.count(_RELEASE) != 1:
        raise ValueError(f"{template} does not say {_RELEASE!r} once")
    digest = hashlib.sha256(f"{json.dumps(dict(given), sort_keys=True)}\n{text}".encode()).hexdigest()[:16]
    released = template.with_name("release.yaml")
    # Quoted, because a digest of digits alone would be a number.
    released.write_text(text.replace(_RELEASE, f'RELEASE: "{digest}"'), "utf-8")
    return released


def built_template(given: Mapping[str, str]) -> Path:
    """The template that `make build` left for the architecture of these parameters."""
    return TARGETS[given.get("Architecture", DEFAULT_ARCHITECTURE)] / "template.yaml"


def deploy_command(stack: str, environment: str, given: Mapping[str, str], template: Path) -> list[str]:
    """The call of SAM for a stack. Parameters on it replace those of samconfig.toml, so it has all of them."""
    overrides = [_as_override(name, value) for name, value in given.items()]
    return [
        *(str(SAM), "deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", environment),
        *("--stack-name", stack, "--template-file", str(template)),
        *(["--parameter-overrides", *overrides] if overrides else []),
    ]


def _as_override(name: str, value: str) -> str:
    """A parameter as SAM reads it: it takes a quoted value apart, so quotes inside are escaped."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{quoted}"'


def write_outputs(stack: str, outputs: Mapping[str, str], folder: Path = OUT) -> Path:
    """Write the file that sets a shell up for a stack; the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stack}.env"
    path.write_text("".join(f"{line}\n" for line in export_lines_of_a_stack(stack, outputs)), "utf-8")
    return path


def run_sam(command: Sequence[str]) -> int:
    """Run SAM at the project's root, with this terminal for its questions; the exit status."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def deploy(
    stack: str,
    command: Sequence[str],
    run: Callable[[Sequence[str]], int] = run_sam,
    outputs: Callable[[str], Mapping[str, str]] = outputs_of,
    folder: Path = OUT,
) -> int:
    """Deploy, and leave the outputs; the exit status."""
    if run(command) != 0:
        print(f"{stack} was not deployed", file=sys.stderr)
        return 1
    try:
        path = write_outputs(stack, outputs(stack), folder)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{stack} is deployed; this sets a shell up for it:\n  source {path}")
    return 0


def main(argv: Sequence[str]) -> int:
    """Read the arguments, ask the account, and deploy unless something refuses it."""
    parser = argparse.ArgumentParser(prog="python -m tooling.deploy", allow_abbrev=False)
    parser.add_argument("--stack", required=True, type=stack_name, help="name of the stack: make deploy STACK=NAME")
    add_deployment(parser)
    arguments = parser.parse_args(argv)
    try:
        given = given_parameters(arguments.environment, arguments.params)
    except ValueError as error:
        parser.error(str(error))
    if ask_everything(given) != 0:
        print(f"{arguments.stack} was not deployed", file=sys.stderr)
        return 1
    released = with_release(built_template(given), given)
    return deploy(arguments.stack, deploy_command(arguments.stack, arguments.environment, given, released))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
