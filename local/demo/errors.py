"""Why a demo shows fewer songs than it orders.

DemoError
├── CloudStartError     no cloud: nothing was ordered
├── OutputFolderError   nowhere to put the songs: nothing was ordered
├── RefusalError        no provider that refuses: nothing was ordered
└── SongError           one song did not become a file that plays; the others go on
"""


class DemoError(Exception):
    """The message is one line: what was expected, what was found, what to do."""


class CloudStartError(DemoError):
    """The one-machine cloud did not come up."""


class OutputFolderError(DemoError):
    """The folder for the songs cannot be made."""


class RefusalError(DemoError):
    """A simulated provider did not agree to refuse an order."""


class SongError(DemoError):
    """One song did not become a file that plays and is what its record says."""
