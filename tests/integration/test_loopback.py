"""Ports for programs of a test's own are not those that the system hands out."""

import socket

from tests.support.loopback import closed_port

EPHEMERAL = 32_768
"""Linux gives ports from here on to whoever asks for any."""


def test_a_port_that_is_named_for_later_is_given_to_nobody_else() -> None:
    ports = {closed_port() for _ in range(50)}
    assert len(ports) == 50
    assert max(ports) < EPHEMERAL


def test_a_port_that_is_taken_is_not_named() -> None:
    port = closed_port()
    with socket.create_server(("127.0.0.1", port + 1)):
        assert closed_port() not in (port, port + 1)
