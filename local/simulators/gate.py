"""A gate at which answers wait until a test opens it, so that tests need not be faster than a provider."""

from threading import Event, Lock


class Gate:
    """Holds answers until the next `open`; thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = Event()

    def next_opening(self) -> Event:
        """The event that the next `open` sets."""
        with self._lock:
            return self._next

    def open(self) -> None:
        """Let all waiting answers go on; later ones wait for the next time."""
        with self._lock:
            self._next.set()
            self._next = Event()
