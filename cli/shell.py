"""The cloud that `make env` set a shell up for: one on this machine, or a stack on AWS."""

import argparse
import os
from pathlib import Path
from typing import Final

STACK_VARIABLE: Final = "FERMATA_STACK"
"""The environment variable with the name of the stack."""

STATE_DIR_VARIABLE: Final = "FERMATA_STATE_DIR"
"""The environment variable with the state directory of the cloud on this machine."""


def stack_name(text: str) -> str:
    """The name of a stack as an argument. An empty name, such as that of an unset variable, is refused, because the
    command would go to another cloud.
    """
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a stack, found nothing")
    return text


def chosen_stack() -> str | None:
    """The stack that this shell is set up for, or None for this machine."""
    return os.environ.get(STACK_VARIABLE) or None


def chosen_state_dir() -> Path | None:
    """The state directory that this shell is set up for, or None where none is set."""
    named = os.environ.get(STATE_DIR_VARIABLE)
    return Path(named) if named else None
