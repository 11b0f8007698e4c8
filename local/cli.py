"""The commands of `python -m local` and their arguments."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from cli.shell import stack_name
from local.errors import UsageError, exit_code_of
from local.stopping import StopRequested, stop_on_signals

if TYPE_CHECKING:
    from local.settings import CloudSettings

_DESCRIPTION: Final = (
    "Fermata's cloud on one machine: the shipped template, handlers and state machine, without an account."
)


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    command, *rest = argv or ["--help"]
    commands: dict[str, Callable[[Sequence[str]], int]] = {
        "up": _up,
        "run": _run,
        "env": _env,
        "admin": _admin,
        "run-schedule": _run_schedule,
        "tick": _run_schedule,
        "demo": _demo,
    }
    if command in {"-h", "--help"}:
        print(f"usage: python -m local {{{','.join(commands)}}} ...\n\n{_DESCRIPTION}")
        return 0
    return exit_code_of(lambda: _run_command(command, rest, commands))


def _run_command(command: str, rest: Sequence[str], commands: Mapping[str, Callable[[Sequence[str]], int]]) -> int:
    if command not in commands:
        raise UsageError(f"unknown command {command!r}; expected one of {', '.join(commands)}")
    try:
        return commands[command](rest)
    except StopRequested:
        return 0


# Each command imports its modules itself, because moto and the SAM translator take a second to import.


def _up(argv: Sequence[str]) -> int:
    stop_on_signals()
    settings = parse_settings("up", argv)
    from local.up import ReadyLine, run_up

    run_up(settings, ReadyLine())
    return 0


def _run(argv: Sequence[str]) -> int:
    stop_on_signals()
    settings = parse_settings("run", argv)
    from local.console import explain
    from local.up import run_up

    run_up(settings, explain)
    return 0


def _env(argv: Sequence[str]) -> int:
    parser = _parser("env", "Print the addresses of the running cloud, or of a deployed stack, for a shell.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--state-dir", type=Path, help="state directory of the cloud")
    where.add_argument("--stack", type=stack_name, help="name of a CloudFormation stack; uses your AWS credentials")
    arguments = parser.parse_args(argv)
    from cli.deployed_stack import outputs_of
    from local.console import export_lines, export_lines_of_a_stack
    from local.state_dir import find_state_dir

    lines = (
        export_lines_of_a_stack(arguments.stack, outputs_of(arguments.stack))
        if arguments.stack
        else export_lines(find_state_dir(arguments.state_dir).running())
    )
    print("\n".join(lines))
    return 0


def _admin(argv: Sequence[str]) -> int:
    from cli.admin import main as admin

    return admin(argv)


def _run_schedule(argv: Sequence[str]) -> int:
    parser = _parser("run-schedule", "Run a scheduled function now and print its answer.")
    parser.add_argument("function", metavar="FUNCTION", help="its folder in functions/, for example reap_jobs")
    parser.add_argument("--state-dir", type=Path, help="state directory of the cloud")
    arguments = parser.parse_args(argv)
    from cli.run_schedule import run_schedule

    print(run_schedule(arguments.function, arguments.state_dir))
    return 0


def _demo(argv: Sequence[str]) -> int:
    from local.demo import main as demo

    return demo(list(argv))


def parse_settings(command: str, argv: Sequence[str]) -> "CloudSettings":
    """Read the arguments of `up` and `run`; raises UsageError."""
    arguments = _settings_parser(command).parse_args(argv)
    from local.settings import DEFAULT_PORT, CloudSettings

    return CloudSettings(
        port=DEFAULT_PORT if arguments.port is None else arguments.port,
        keep_port=arguments.port is None,
        parameters=_pairs("--param", "Name=Value", arguments.param),
        providers=_pairs("--provider", "ID=URL", arguments.provider),
        provider_keys=_pairs("--provider-key", "ID=KEY", arguments.provider_key),
        real=tuple(dict.fromkeys(arguments.real)),
        time_scale=arguments.time_scale,
        provider_latency_s=arguments.provider_latency,
        state_dir=arguments.state_dir,
        credits=arguments.credits,
        fresh=arguments.fresh,
        in_memory=arguments.in_memory,
        environments=arguments.environments,
        built=arguments.built,
        strict=arguments.strict,
        reload=command == "run" and not arguments.built if arguments.reload is None else arguments.reload,
    )


def _settings_parser(command: str) -> argparse.ArgumentParser:
    parser = _parser(command, "Start a cloud and keep it until Ctrl-C.")
    repeatable, seconds = (
        partial(parser.add_argument, action="append", default=[]),
        partial(parser.add_argument, type=float),
    )
    port = "port of the HTTP API, 0 for a free one (default: 3000, or that of the kept state)"
    parser.add_argument("--port", type=int, metavar="N", help=port)
    repeatable("--param", metavar="NAME=VALUE", help="value of a template parameter")
    repeatable("--provider", metavar="ID=URL", help="use this URL for a provider instead of its simulator")
    repeatable("--provider-key", metavar="ID=KEY", help="API key for a provider")
    repeatable("--real", metavar="ID", help="call the real provider, which costs money; its key comes from .env")
    scale = "relative waits, retry back-offs and simulators take 1/N of their time (default: %(default)s)"
    seconds("--time-scale", default=1.0, metavar="N", help=scale)
    seconds(
        "--provider-latency",
        default=2.0,
        metavar="S",
        help="seconds a simulator takes for a song (default: %(default)s)",
    )
    credits_help = "credits granted to the demo tenant; more than a kept state has adds to them (default: 100000)"
    parser.add_argument("--credits", type=int, metavar="N", help=credits_help)
    environments = "most concurrent function calls, like an account's concurrency (default: %(default)s)"
    parser.add_argument("--environments", type=int, default=64, metavar="N", help=environments)
    state_dir = "directory for the state, the logs and the cloud's address (default: .local/PORT)"
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help=state_dir)
    parser.add_argument("--fresh", action="store_true", help="begin anew: delete the state that the directory keeps")
    in_memory = "keep no state; also with --port 0 and no --state-dir"
    parser.add_argument("--in-memory", action="store_true", help=in_memory)
    reload = "run saved sources of functions and layers at the next request (run: on, up: off)"
    parser.add_argument("--reload", action=argparse.BooleanOptionalAction, help=reload)
    strict = "refuse webhooks and callback_url to this machine, as AWS does"
    parser.add_argument("--strict", action="store_true", help=strict)
    parser.add_argument("--built", action="store_true", help="run the result of make build under Python 3.13")
    return parser


def _pairs(flag: str, form: str, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not (name and equals):
            # The value may be a key, so the message does not repeat it.
            raise UsageError(f"{flag}: expected {form}, found no name before an equals sign")
        pairs[name] = value
    return pairs


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see python -m local {self.prog.rsplit(' ', 1)[-1]} --help")


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    return _Parser(prog=f"python -m local {command}", description=description, allow_abbrev=False)
