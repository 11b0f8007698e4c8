"""Which cloud a shell was set up for by `make env`: one on this machine, or a stack on AWS."""

import argparse
import os
from pathlib import Path
from typing import Final

STACK_VARIABLE: Final = "FERMATA_STACK"
"""The name of the stack, where there is one."""

STATE_DIR_VARIABLE: Final = "FERMATA_STATE_DIR"
"""The state directory of the cloud on this machine, where there is one."""


def stack_name(text: str) -> str:
    """The name of a stack as an argument; an empty one, such as that of a variable that is not set, means none and is
    refused, lest the command goes to another cloud.
    """
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a stack, found nothing")
    return text


def chosen_stack() -> str | None:
    """The stack that this shell's commands are for, or None where they are for this machine."""
    return os.environ.get(STACK_VARIABLE) or None


def chosen_state_dir() -> Path | None:
    """The state directory of the cloud that this shell's commands are for, or None where it was not told."""
    named = os.environ.get(STATE_DIR_VARIABLE)
    return Path(named) if named else None
