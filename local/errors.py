"""Why the one-machine cloud refuses to start, one class per exit code.

LocalCloudError                 1
├── ResourceCreationError       1
├── UsageError                  2
│   ├── UnknownParameterError   2
│   ├── RefusedParameterError   2
│   └── CustomResourceError     2
├── PortInUseError              3
├── UnsupportedTemplateError    4
└── SeamMismatchError           5
"""

import sys
from collections.abc import Callable, Iterable
from typing import ClassVar


class LocalCloudError(Exception):
    """Ends the process with `exit_code`; the message is one line of cause per problem and holds no secret."""

    exit_code: ClassVar[int] = 1


class ResourceCreationError(LocalCloudError):
    """The emulator refused to create a resource that the template describes."""


class UsageError(LocalCloudError):
    """What the caller asked for cannot be done: an argument is wrong or something is not set up."""

    exit_code: ClassVar[int] = 2


class UnknownParameterError(UsageError):
    """A value was given for a parameter that the template does not have."""


class RefusedParameterError(UsageError):
    """A parameter's value breaks what the template allows for it, alone or together with others."""


class CustomResourceError(UsageError):
    """A function that a custom resource asks refused what the template, or a parameter of it, hands over."""


class PortInUseError(LocalCloudError):
    """Another process listens on the port."""

    exit_code: ClassVar[int] = 3


class UnsupportedTemplateError(LocalCloudError):
    """The template asks for something that the one-machine cloud does not do; `problems` holds one line for each."""

    exit_code: ClassVar[int] = 4

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SeamMismatchError(LocalCloudError):
    """A private part of the emulator that is replaced at start-up looks different from what was expected."""

    exit_code: ClassVar[int] = 5


def exit_code_of(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; where it fails, print the causes on stderr, one a line."""
    try:
        return command()
    except LocalCloudError as error:
        print("\n".join(f"error: {line}" for line in str(error).splitlines()), file=sys.stderr)
        return error.exit_code
