"""One client's HTTP/1.1 connection, based on h11, with answers delivered normally or with network faults."""

import socket
import struct
import time
from contextlib import suppress
from typing import Final

import h11

from local.simulators.http.exchange import Answer, Request, simulator_error

MAX_BODY_BYTES: Final = 112 * 1024 * 1024
"""Limit for request bodies: the longest recording, ten minutes of 44.1 kHz stereo WAV, has 106 MB."""

_IDLE_S: Final = 75.0
_RECEIVE_BYTES: Final = 64 * 1024
_MAX_PIPELINED_BYTES: Final = 1024 * 1024
_LONGEST_HEAD_BYTES: Final = 64 * 1024
_TRICKLE_S: Final = 0.02
_LOOK_AT_HOLD_EVERY_S: Final = 0.05
_DRAIN_S: Final = 1.0


class ClientGoneError(Exception):
    """The client closed the connection, or the simulator stopped, before the answer was sent."""


class BadRequestError(Exception):
    """An invalid request; `status` is the answer before the connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Connection:
    """Reads requests and sends answers, one after the other."""

    def __init__(self, client: socket.socket) -> None:
        self._socket = client
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_LONGEST_HEAD_BYTES)
        self._reusable = True
        self._head_only = False

    def next_request(self) -> Request | None:
        """The next complete request; None where the client closed or the connection must end."""
        if not self._reusable or not self._ready_for_another():
            return None
        head = self._next_event()
        if not isinstance(head, h11.Request):
            return None
        self._head_only = head.method == b"HEAD"
        path, _, query = head.target.decode("latin-1").partition("?")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        return Request(head.method.decode("latin-1"), path, query, headers, self._body(headers.get("content-length")))

    def deliver(self, answer: Answer, not_before: float) -> int | None:
        """Send `answer` at the monotonic instant `not_before` in its manner; returns the sent status, if any."""
        manner = answer.manner
        self._wait_until(not_before + manner.hang_s)
        if manner.reset:
            self._reset()
            return None
        if answer.pace and manner.bytes_per_s is None:
            self._send_paced(answer, not_before + manner.hang_s)
            return answer.status
        head, body = self._serialised(answer)
        if manner.cut_percent is not None:
            self._socket.sendall(head + body[: int(len(body) * manner.cut_percent / 100)])
            self._reusable = False
        elif manner.bytes_per_s is not None:
            self._socket.sendall(head)
            self._trickle(body, manner.bytes_per_s)
        else:
            self._socket.sendall(head + body)
        if self._reusable:
            self._protocol.send(h11.EndOfMessage())
        return answer.status

    def _send_paced(self, answer: Answer, started: float) -> None:
        """Send a body in HTTP chunks as it is made, up to the share that a cut leaves."""
        percent = answer.manner.cut_percent
        most = len(answer.body) if percent is None else int(len(answer.body) * percent / 100)
        headers = [("content-type", answer.content_type), ("transfer-encoding", "chunked"), *answer.headers.items()]
        self._socket.sendall(self._protocol.send(h11.Response(status_code=answer.status, headers=headers)) or b"")
        sent = 0
        for after_s, end in (*answer.pace, (0.0, most)):
            self._wait_until(started + after_s)
            while answer.hold and end > answer.hold.sent and not answer.hold.opened.is_set():
                self._wait_until(time.monotonic() + _LOOK_AT_HOLD_EVERY_S)
            chunk = b"" if self._head_only else answer.body[sent : min(end, most)]
            if chunk:
                self._socket.sendall(self._protocol.send(h11.Data(data=chunk)) or b"")
                sent += len(chunk)
        if percent is None:
            self._socket.sendall(self._protocol.send(h11.EndOfMessage()) or b"")
        else:
            self._reusable = False

    def refuse(self, error: BadRequestError) -> None:
        """Answer an invalid request if the client is still connected, and end the connection."""
        self._reusable = False
        if self._protocol.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        head, body = self._serialised(simulator_error(error.status, str(error)), close=True)
        self._socket.sendall(head + body)
        self._drain()

    def _ready_for_another(self) -> bool:
        if self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE:
            self._protocol.start_next_cycle()
        return self._protocol.our_state is h11.IDLE

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        self._socket.settimeout(_IDLE_S)
        try:
            event = self._protocol.next_event()
            while event is h11.NEED_DATA:
                self._protocol.receive_data(self._socket.recv(_RECEIVE_BYTES))
                event = self._protocol.next_event()
        except h11.RemoteProtocolError as error:
            raise BadRequestError(error.error_status_hint, f"this is no HTTP/1.1 request: {error}") from error
        return event

    def _body(self, declared: str | None) -> bytes:
        if declared is not None and int(declared) > MAX_BODY_BYTES:
            raise BadRequestError(413, f"expected a body of at most {MAX_BODY_BYTES} bytes, found {declared[:20]}")
        if self._protocol.they_are_waiting_for_100_continue:
            self._socket.sendall(self._protocol.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        body = bytearray()
        while isinstance(event := self._next_event(), h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise BadRequestError(413, f"expected a body of at most {MAX_BODY_BYTES} bytes, found more")
        return bytes(body)

    def _serialised(self, answer: Answer, *, close: bool = False) -> tuple[bytes, bytes]:
        headers = [
            ("content-type", answer.content_type),
            ("content-length", str(len(answer.body))),
            *answer.headers.items(),
            *([("connection", "close")] if close else []),
        ]
        head = self._protocol.send(h11.Response(status_code=answer.status, headers=headers)) or b""
        body = b"" if self._head_only else self._protocol.send(h11.Data(data=answer.body)) or b""
        return head, body

    def _trickle(self, body: bytes, bytes_per_s: int) -> None:
        started = time.monotonic()
        piece = max(1, int(bytes_per_s * _TRICKLE_S))
        for start in range(0, len(body), piece):
            self._wait_until(started + start / bytes_per_s)
            self._socket.sendall(body[start : start + piece])
        self._wait_until(started + len(body) / bytes_per_s)

    def _wait_until(self, instant: float) -> None:
        """Wait; raises `ClientGoneError` as soon as the client closes or the simulator stops."""
        pipelined = 0
        while (left := instant - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                received = self._socket.recv(_RECEIVE_BYTES)
            except TimeoutError:
                break
            pipelined += len(received)
            if not received or pipelined > _MAX_PIPELINED_BYTES:
                raise ClientGoneError
            self._protocol.receive_data(received)
        self._socket.settimeout(None)

    def _reset(self) -> None:
        """Close with a TCP reset."""
        self._reusable = False
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _drain(self) -> None:
        """Read for a moment, because closing with unread bytes would reset the connection and drop the answer."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(_DRAIN_S)
            deadline = time.monotonic() + _DRAIN_S
            while self._socket.recv(_RECEIVE_BYTES) and time.monotonic() < deadline:
                pass
