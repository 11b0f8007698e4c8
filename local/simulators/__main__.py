"""`python -m local.simulators PROVIDER`: run one simulated provider alone."""

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local.errors import LocalCloudError
from local.simulators.running import SIMULATED_PROVIDERS, start_simulator
from local.state.simulator_memory import SimulatorMemory
from local.state.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the URL on stdout and serve until SIGINT or SIGTERM; exits with 2 for bad arguments, 3 for a port
    in use.
    """
    options = _parser().parse_args(arguments)
    try:
        memory = SimulatorMemory(Store(options.state), options.provider) if options.state else None
        running = start_simulator(
            options.provider,
            key=options.key,
            latency_s=options.latency,
            log_path=options.log,
            port=options.port,
            memory=memory,
        )
    except LocalCloudError as error:
        print(f"local.simulators: {error}", file=sys.stderr)
        return error.exit_code
    except ValueError as error:
        print(f"local.simulators: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"local.simulators: cannot serve on port {options.port}: {error}", file=sys.stderr)
        return 3 if error.errno == errno.EADDRINUSE else 1
    stop_requested = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop_requested.set())
    print(running.url, flush=True)
    stop_requested.wait()
    running.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.simulators", description="Run one simulated provider alone.")
    parser.add_argument("provider", choices=SIMULATED_PROVIDERS)
    parser.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1; 0 takes any free one")
    parser.add_argument("--key", required=True, help="the only bearer key that is accepted")
    parser.add_argument("--latency", type=float, default=2.0, metavar="S", help="seconds a song takes (2)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append one JSON line per request")
    state = "keep the bill, tasks and files in this file, and go on with it; needs --port for links to stay valid"
    parser.add_argument("--state", type=Path, metavar="FILE", help=state)
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"expected 0 to 65535, found {port}")
    return port


if __name__ == "__main__":
    sys.exit(main())
