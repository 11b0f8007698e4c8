"""Ports that stay the same from start to start."""

import random
import socket
from typing import Final

from local.errors import PortInUseError
from local.http.server import HOST, listen

_FIRST, _LAST = 20_000, 32_000
"""Below the ports that Linux gives to outgoing connections, which would occupy a port between two starts."""
_TRIES: Final = 50


def free_port() -> int:
    """Return a port that nothing uses now; raises `PortInUseError` where none was found."""
    for _ in range(_TRIES):
        port = random.randint(_FIRST, _LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise PortInUseError(f"no free port from {_FIRST} to {_LAST}; stop what listens there")


def check_free(port: int, owner: str) -> None:
    """Raise `PortInUseError` where a port of a kept state is taken."""
    try:
        listen(port).close()
    except PortInUseError as error:
        raise PortInUseError(
            f"port {port} is in use, and the kept state has its {owner} there: stop what listens there, or start with "
            "--fresh to begin anew"
        ) from error
