"""A provider on loopback that answers every POST with one song in hex, and S3 on loopback as far as songs need it. Each
runs in a process of its own, so that none of its work counts as the work of its caller.

Usage: python -m tests.benchmarks.audio_servers source|sink
"""

import json
import socket
import sys
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Final
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.audio_files import mp3

BEFORE: Final = b'{"data":{"audio":"'
AFTER: Final = b'","status":2},"extra_info":{"music_size":1},"base_resp":{"status_code":0,"status_msg":"success"}}'
_PIECE_BYTES: Final = 256 * 1024


def song(size: int) -> bytes:
    """Whole MP3 frames of about `size` bytes."""
    part = mp3(kbps=256, seconds=10)
    return part * max(1, size // len(part))


@dataclass
class Request:
    """A request without its headers' case; `body` is free of the framing of AWS's chunks."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Bucket:
    """What S3 holds, and what was asked of it: `counts` has requests by kind and the bytes of bodies either way."""

    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        with self.lock:
            if request.path == "/_counts":
                counts, self.counts = self.counts, Counter()
                return 200, {}, json.dumps(counts).encode()
            status, headers, body = self._answer(request)
            self.counts["received"] += len(request.body)
            self.counts["sent"] += len(body) if request.method == "GET" else 0
            return status, headers, body

    def _answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        key, source = request.path, request.headers.get("x-amz-copy-source")
        self.counts[f"{request.method}{' copy' if source else ''}"] += 1
        if request.method == "PUT" and "partNumber" in request.query:
            self.parts[request.query["uploadId"][0]][int(request.query["partNumber"][0])] = request.body
            return 200, {"ETag": '"part"'}, b""
        if request.method == "PUT" and source:
            self.objects[key] = (self.objects["/" + unquote(source).lstrip("/")][0], _kept(request))
            return 200, {}, b"<CopyObjectResult><ETag>&quot;e&quot;</ETag></CopyObjectResult>"
        if request.method == "PUT":
            self.objects[key] = (request.body, _kept(request))
            return 200, {"ETag": '"e"'}, b""
        if request.method == "POST":
            return self._in_parts(request)
        if key not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>"
        body, headers = self.objects[key]
        return 200, {**headers, "Content-Length": str(len(body))}, body if request.method == "GET" else b""

    def _in_parts(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        if "uploads" in request.query:
            upload = str(len(self.parts))
            self.parts[upload] = {}
            self.objects[f"{request.path} {upload}"] = (b"", _kept(request))
            return 200, {}, f"<R><UploadId>{upload}</UploadId></R>".encode()
        upload = request.query["uploadId"][0]
        parts = self.parts.pop(upload)
        headers = self.objects.pop(f"{request.path} {upload}")[1]
        self.objects[request.path] = (b"".join(parts[number] for number in sorted(parts)), headers)
        return 200, {}, b"<R><ETag>e</ETag></R>"


def _kept(request: Request) -> dict[str, str]:
    return {
        name: value
        for name, value in request.headers.items()
        if name.startswith("x-amz-meta-") or name == "content-type"
    }


def read_request(reader: IO[bytes], connection: socket.socket) -> Request | None:
    """The next request of a connection, or None at its end."""
    line = reader.readline()
    if not line.strip():
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers = {}
    while (header := reader.readline().strip()) != b"":
        name, _, value = header.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    url = urlsplit(target)
    body = _read_body(reader, headers)
    return Request(method, unquote(url.path), parse_qs(url.query, keep_blank_values=True), headers, body)


def _read_body(reader: IO[bytes], headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") == "chunked":
        body = _unchunked(reader)
    else:
        length = int(headers.get("content-length", 0))
        body = reader.read(length) if length else b""
    return body


def _unchunked(reader: IO[bytes]) -> bytes:
    pieces = []
    while size := int(reader.readline().split(b";")[0], 16):
        pieces.append(reader.read(size))
        reader.readline()
    while reader.readline().strip():
        pass
    return b"".join(pieces)


def _serve_s3(connection: socket.socket, bucket: Bucket) -> None:
    reader = connection.makefile("rb")
    while (request := read_request(reader, connection)) is not None:
        status, headers, body = bucket.answer(request)
        lines = {"Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.sendall(f"HTTP/1.1 {status} OK\r\n{head}\r\n".encode("latin-1"))
        connection.sendall(body)


def _serve_song(connection: socket.socket, songs: dict[int, bytes]) -> None:
    reader = connection.makefile("rb")
    while (request := read_request(reader, connection)) is not None:
        size = int(request.path.strip("/").split("/")[0])
        if size not in songs:
            songs[size] = BEFORE + song(size).hex().encode() + AFTER
        text = songs[size]
        connection.sendall(
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n".encode()
        )
        for at in range(0, len(text), _PIECE_BYTES):
            connection.sendall(text[at : at + _PIECE_BYTES])


def main(role: str) -> None:
    """Serve until the standard input ends; the first line of the output is the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    bucket, songs = Bucket(), dict[int, bytes]()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(ConnectionError):
            if role == "source":
                _serve_song(connection, songs)
            else:
                _serve_s3(connection, bucket)

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
