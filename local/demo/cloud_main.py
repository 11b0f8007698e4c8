"""`python -m local` as a child process that ends when its parent ends for any reason."""

import runpy
import sys

from local.runtime.fork_server_main import end_when_closed, end_with_parent


def main() -> None:
    """Run `cloud_main LIFELINE ARGUMENTS...`; `LIFELINE` is the read end of a pipe that the parent holds open."""
    lifeline, *arguments = sys.argv[1:]
    end_with_parent()
    end_when_closed(int(lifeline))
    sys.argv = ["local", *arguments]
    runpy.run_module("local", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
