"""Errors of the one-machine cloud and of the command line, with their exit codes.

LocalCloudError                 1
├── ResourceCreationError       1
├── UsageError                  2
│   ├── UnknownParameterError   2
│   ├── RefusedParameterError   2
│   └── CustomResourceError     2
├── PortInUseError              3
├── StateInUseError             3
├── UnsupportedTemplateError    4
└── SeamMismatchError           5
"""

import sys
from collections.abc import Callable, Iterable
from typing import ClassVar


class LocalCloudError(Exception):
    """Ends the process with `exit_code`; the message has one line per problem and contains no secret."""

    exit_code: ClassVar[int] = 1


class ResourceCreationError(LocalCloudError):
    """The emulator refused to create a resource of the template."""


class UsageError(LocalCloudError):
    """The command is invalid: an argument is wrong, or a tool is not set up."""

    exit_code: ClassVar[int] = 2


class UnknownParameterError(UsageError):
    """A value was given for a parameter that the template does not have."""


class RefusedParameterError(UsageError):
    """A parameter's value violates a constraint of the template, alone or together with others."""


class CustomResourceError(UsageError):
    """A function that a custom resource asks refused what the template, or a parameter of it, hands over."""


class PortInUseError(LocalCloudError):
    """Another process listens on the port."""

    exit_code: ClassVar[int] = 3


class StateInUseError(LocalCloudError):
    """Another cloud uses the state directory."""

    exit_code: ClassVar[int] = 3


class UnsupportedTemplateError(LocalCloudError):
    """The template uses features that the one-machine cloud does not support; `problems` has one line for each."""

    exit_code: ClassVar[int] = 4

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SeamMismatchError(LocalCloudError):
    """A private part of the emulator that start-up replaces differs from the expected version."""

    exit_code: ClassVar[int] = 5


def exit_code_of(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; where it fails, print the causes on stderr, one a line."""
    try:
        return command()
    except LocalCloudError as error:
        print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return error.exit_code
