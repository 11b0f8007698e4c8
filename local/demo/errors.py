"""Errors of the demo.

DemoError
├── CloudStartError     no cloud: nothing was ordered
├── OutputFolderError   no folder for the songs: nothing was ordered
├── RefusalError        no simulated refusal: nothing was ordered
└── SongError           one song failed; the others continue
"""


class DemoError(Exception):
    """The message is one line with the expected state, the found one, and advice."""


class CloudStartError(DemoError):
    """The one-machine cloud did not start."""


class OutputFolderError(DemoError):
    """The folder for the songs cannot be created."""


class RefusalError(DemoError):
    """A simulated provider did not accept the fault for an order."""


class SongError(DemoError):
    """One song did not become a file that plays and matches its record."""
