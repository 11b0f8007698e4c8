"""One call to a provider over real sockets: sent once, within one deadline, and honest about how it ended."""

import gzip
import json
import logging
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import httpcore
import pytest

import fermata
from fermata.adapters.http import upstream as http_upstream
from fermata.adapters.http.transport import KEEP_ALIVE_IDLE_S, DeadlineBackend, keep_alive_options
from fermata.adapters.http.upstream import HttpUpstream
from fermata.domain.providers.calls import UploadCall, UpstreamCall
from fermata.errors import AnswerLostError, NotSentError
from tests.fakes.providers.provider_keys import KEY
from tests.support.certificates import certificate_for, vouched_for
from tests.support.loopback import Answer, Loopback, close, closed_port, listening, redirect, reset, respond

ANSWER = b'{"data": {"audio": "00ff"}, "base_resp": {"status_code": 0}}'
POST = UpstreamCall("POST", "/v1/music_generation", body={"model": "music-2.5", "prompt": "雨 canary"})


def upstream_at(origin: str, read_gap_s: float = 2, connect_timeout_s: float = 2) -> HttpUpstream:
    return HttpUpstream(lambda _: origin, connect_timeout_s, read_gap_s)


def call(upstream: HttpUpstream, request: UpstreamCall = POST, within_s: float = 5) -> tuple[int, bytes]:
    with upstream.send("minimax", request, KEY, within_s) as answer:
        return answer.http_status, b"".join(answer.chunks())


def head_of(server: Loopback, number: int = 0) -> dict[str, str]:
    lines = server.requests[number].partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return {"": lines[0], **dict(line.lower().split(": ", 1) for line in lines[1:])}


def hang(stopped: Callable[[], bool]) -> None:
    """Keep a connection open until the client has left, at most for a minute."""
    deadline = time.monotonic() + 60
    while not stopped() and time.monotonic() < deadline:
        threading.Event().wait(0.02)


def has_left(connection: socket.socket) -> bool:
    connection.settimeout(0)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def silence(connection: socket.socket) -> None:
    hang(lambda: has_left(connection))


def begin_and_fall_silent(connection: socket.socket) -> None:
    respond(b'{"data"', length=1000)(connection)
    silence(connection)


def trickle(connection: socket.socket) -> None:
    respond(b"", length=100_000)(connection)
    hang(lambda: not _sent(connection, b"x"))


def trickle_the_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    hang(lambda: not _sent(connection, b"x"))


def _sent(connection: socket.socket, piece: bytes) -> bool:
    try:
        connection.sendall(piece)
    except OSError:
        return False
    return True


# ---- what is sent


def test_one_call_is_one_request_with_the_key_and_the_body_as_json() -> None:
    with listening(respond(b'{"a": 1}')) as server:
        assert call(upstream_at(server.origin)) == (200, b'{"a": 1}')
    assert (server.connections, len(server.requests)) == (1, 1)
    head = head_of(server)
    assert head[""] == "POST /v1/music_generation HTTP/1.1"
    assert (head["authorization"], head["content-type"]) == (f"bearer {KEY}", "application/json")
    assert head["accept-encoding"] == "identity"
    assert head["user-agent"] == f"fermata/{fermata.__version__}"
    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == POST.body


def test_a_task_id_with_special_characters_is_encoded_once() -> None:
    poll = UpstreamCall("GET", "/v2/generate/audio", query={"generation_id": "uuid:minimax/music-2.0 &+é"})
    with listening(respond(b"{}")) as server:
        call(upstream_at(server.origin), poll)
    target = head_of(server)[""].split(" ")[1]
    assert target == "/v2/generate/audio?generation_id=uuid%3Aminimax%2Fmusic-2.0+%26%2B%C3%A9"
    assert server.requests[0].endswith(b"\r\n\r\n")


def test_the_answers_status_type_and_requested_pause_are_passed_on() -> None:
    answer = respond(b"slow down", "429 Too Many Requests", "text/plain", Retry_After="17")
    with (
        listening(answer) as server,
        upstream_at(server.origin).send("minimax", POST, KEY, 5) as found,
    ):
        assert (found.http_status, found.content_type, found.retry_after_s) == (429, "text/plain", 17)
        assert b"".join(found.chunks()) == b"slow down"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_an_answer_and_not_followed(status: str) -> None:
    with listening() as other, listening(redirect(f"{other.origin}/v1/music_generation", status)) as server:
        assert call(upstream_at(server.origin))[0] == int(status[:3])
    assert (other.connections, len(server.requests)) == (0, 1)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
def test_no_proxy_of_the_environment_sees_a_call(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with listening(respond(b"{}")) as proxy, listening(respond(b"{}")) as server:
        monkeypatch.setenv(name, proxy.origin)
        call(upstream_at(server.origin))
    assert (proxy.connections, server.connections) == (0, 1)


def test_no_netrc_of_the_operator_replaces_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other")
    monkeypatch.setenv("NETRC", str(netrc))
    with listening(respond(b"{}")) as server:
        call(upstream_at(server.origin))
    assert head_of(server)["authorization"] == f"bearer {KEY}"


def test_every_call_has_a_connection_of_its_own() -> None:
    keep_open = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with listening(lambda connection: connection.sendall(keep_open)) as server:
        upstream = upstream_at(server.origin)
        assert [call(upstream)[0] for _ in range(3)] == [200] * 3
    assert server.connections == 3


def test_a_silent_connection_is_kept_alive_on_the_real_socket() -> None:
    with listening(silence) as server:
        backend = DeadlineBackend(time.monotonic() + 5, lambda _host, _port: ["127.0.0.1"], 1_000_000)
        stream = backend.connect_tcp("anything", server.port, 2, None, keep_alive_options())
        connection: socket.socket = stream.get_extra_info("socket")
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == KEEP_ALIVE_IDLE_S
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == KEEP_ALIVE_IDLE_S
        stream.close()


def test_the_connection_of_a_call_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[httpcore.NetworkStream] = []
    connect = DeadlineBackend.connect_tcp

    def remember(*args: object, **kwargs: object) -> httpcore.NetworkStream:
        opened.append(connect(*args, **kwargs))  # type: ignore[arg-type]  # whatever httpcore hands over
        return opened[-1]

    monkeypatch.setattr(DeadlineBackend, "connect_tcp", remember)
    with (
        listening(respond(b"{}")) as server,
        upstream_at(server.origin).send("minimax", POST, KEY, 5) as answer,
    ):
        connection: socket.socket = opened[0].get_extra_info("socket")
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == KEEP_ALIVE_IDLE_S
        assert b"".join(answer.chunks()) == b"{}"
    assert len(opened) == 1


# ---- surely not sent


def test_a_refused_connection_is_not_sent() -> None:
    with pytest.raises(NotSentError, match="nothing was ordered"):
        call(upstream_at(f"http://127.0.0.1:{closed_port()}"))


@pytest.mark.parametrize("failure", [socket.gaierror(-2, "no such name"), OSError("no network")])
def test_a_name_that_does_not_resolve_is_not_sent(failure: OSError) -> None:
    def resolver(_host: str, _port: int) -> list[str]:
        raise failure

    with pytest.raises(NotSentError):
        call(HttpUpstream(lambda _: "http://api.example.com", 1, 1, resolver))


@pytest.mark.parametrize(("connect_timeout_s", "within_s"), [(0.05, 60), (60, 0.05)])
def test_a_resolver_that_says_nothing_ends_the_call_in_time_and_before_anything_is_sent(
    connect_timeout_s: float, within_s: float
) -> None:
    over = threading.Event()

    def hangs(_host: str, _port: int) -> list[str]:
        over.wait(20)
        return ["127.0.0.1"]

    with listening(respond(b"{}")) as server:
        upstream = HttpUpstream(lambda _: f"http://api.example.com:{server.port}", connect_timeout_s, 60, hangs)
        try:
            with pytest.raises(NotSentError, match="no connection to minimax: ConnectTimeout; nothing was ordered"):
                call(upstream, within_s=within_s)
        finally:
            over.set()
        for thread in [each for each in threading.enumerate() if each.name == "resolve"]:
            thread.join(10)
        assert server.connections == 0


def test_an_address_that_comes_after_the_deadline_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    answered = threading.Event()

    def late(_host: str, _port: int) -> list[str]:
        answered.wait(20)
        return ["127.0.0.1"]

    def connect(_self: httpcore.SyncBackend, host: str, *_: object) -> httpcore.NetworkStream:
        tried.append(host)
        raise httpcore.ConnectError("this test connects to nobody")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    backend = DeadlineBackend(time.monotonic() + 0.05, late, 1_000_000)
    with pytest.raises(httpcore.ConnectTimeout):
        backend.connect_tcp("api.example.com", 443)
    answered.set()
    for thread in [each for each in threading.enumerate() if each.name == "resolve"]:
        thread.join(10)
    assert tried == []


def test_without_a_thread_for_the_lookup_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with listening(respond(b"{}")) as server:
        monkeypatch.setattr(threading.Thread, "start", start)
        with pytest.raises(NotSentError):
            call(upstream_at(server.origin))
        monkeypatch.undo()
        assert server.connections == 0


def test_a_name_without_addresses_is_not_sent() -> None:
    with pytest.raises(NotSentError):
        call(HttpUpstream(lambda _: "http://api.example.com", 1, 1, lambda _host, _port: []))


def test_the_second_address_of_a_name_is_tried_when_the_first_takes_no_connection() -> None:
    with listening(respond(b"{}")) as server:
        addresses = ["::1", "127.0.0.1"]
        upstream = HttpUpstream(lambda _: f"http://api.example.com:{server.port}", 2, 2, lambda _host, _port: addresses)
        assert call(upstream) == (200, b"{}")
    assert server.connections == 1


def test_a_deadline_that_has_passed_already_sends_nothing() -> None:
    with listening(respond(b"{}")) as server:
        with pytest.raises(NotSentError):
            call(upstream_at(server.origin), within_s=-1)
        assert server.connections == 0


@pytest.mark.parametrize("origin", ["ftp://127.0.0.1", "http://127.0.0.1:99999", "nonsense", "http://"])
def test_an_address_that_cannot_be_called_is_not_sent(origin: str) -> None:
    with pytest.raises(NotSentError):
        call(upstream_at(origin))


def test_a_key_that_no_header_can_carry_is_not_sent() -> None:
    with (
        listening(respond(b"{}")) as server,
        pytest.raises(NotSentError) as caught,
        upstream_at(server.origin).send("minimax", POST, f"{KEY}\nX-Evil: 1", 5),
    ):
        pass
    assert server.requests in ([], [b""])
    assert KEY not in str(caught.value)


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return certificate_for("127.0.0.1", tmp_path_factory.mktemp("tls") / "server.pem")


def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(self_signed: ssl.SSLContext) -> None:
    with listening(respond(b"{}"), tls=self_signed) as server:
        with pytest.raises(NotSentError):
            call(upstream_at(f"https://127.0.0.1:{server.port}"))
        assert server.requests == []


@pytest.mark.parametrize(("named", "is_sent"), [("api.example.com", True), ("other.example.com", False)])
def test_nothing_is_sent_to_a_server_with_a_trusted_certificate_of_another_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str, is_sent: bool
) -> None:
    tls = certificate_for(named, tmp_path / "server.pem")
    with vouched_for(tmp_path / "server.pem", monkeypatch), listening(respond(b"{}"), tls=tls) as server:
        upstream = HttpUpstream(lambda _: f"https://api.example.com:{server.port}", 2, 2, lambda *_: ["127.0.0.1"])
        if is_sent:
            assert call(upstream) == (200, b"{}")
        else:
            with pytest.raises(NotSentError, match="nothing was ordered"):
                call(upstream)
        assert len(server.requests) == is_sent


def test_a_server_that_speaks_no_tls_is_not_sent() -> None:
    with listening(respond(b"{}")) as server:
        with pytest.raises(NotSentError):
            call(upstream_at(f"https://127.0.0.1:{server.port}", connect_timeout_s=0.3))
        assert not any(KEY.encode() in request for request in server.requests)


# ---- perhaps paid: sent once, and no whole answer


@pytest.mark.parametrize(
    ("answer", "within_s"),
    [
        pytest.param(silence, 30, id="the_read_gap_ends_a_silence_before_the_answer"),
        pytest.param(begin_and_fall_silent, 30, id="the_read_gap_ends_a_silence_in_the_body"),
        pytest.param(trickle, 0.7, id="the_deadline_ends_a_trickling_body"),
        pytest.param(trickle_the_head, 0.7, id="the_deadline_ends_a_trickling_head"),
        pytest.param(reset, 5, id="reset_before_the_answer"),
        pytest.param(close, 5, id="closed_before_the_answer"),
        pytest.param(respond(b'{"data": {"audio": "00', length=50_000), 5, id="cut_before_the_claimed_length"),
        pytest.param(
            lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), 5, id="cut_chunk"
        ),
        pytest.param(lambda connection: connection.sendall(b"this is no HTTP\r\n\r\n"), 5, id="no_http"),
        pytest.param(respond(gzip.compress(ANSWER)[:-12], Content_Encoding="gzip"), 5, id="cut_gzip"),
        pytest.param(respond(b"\x1f\x8b\x08" + b"no gzip" * 9, Content_Encoding="gzip"), 5, id="broken_gzip"),
    ],
)
def test_an_answer_that_does_not_arrive_whole_is_lost_and_the_request_is_not_repeated(
    answer: Answer, within_s: float
) -> None:
    with listening(answer) as server:
        began = time.monotonic()
        with pytest.raises(AnswerLostError):
            call(upstream_at(server.origin, read_gap_s=0.6), within_s=within_s)
        assert time.monotonic() - began < 20
        assert (server.connections, len(server.requests)) == (1, 1)


def test_a_deadline_ends_an_exchange_in_which_every_gap_is_short() -> None:
    with listening(trickle) as server:
        began = time.monotonic()
        with pytest.raises(AnswerLostError):
            call(upstream_at(server.origin, read_gap_s=60), within_s=0.5)
        assert 0.4 < time.monotonic() - began < 20


def test_what_arrived_before_the_cut_was_handed_over() -> None:
    received: list[bytes] = []
    with (
        listening(respond(b"x" * 200_000, length=300_000)) as server,
        upstream_at(server.origin).send("minimax", POST, KEY, 5) as answer,
        pytest.raises(AnswerLostError, match="answer ended after"),
    ):
        received.extend(answer.chunks())
    assert b"".join(received) == b"x" * 200_000


@pytest.mark.parametrize(
    "answer", [reset, respond(b"x", length=9), lambda connection: connection.sendall(b"no\r\n\r\n")]
)
def test_no_message_holds_the_key_the_prompt_or_the_address(answer: Answer) -> None:
    with listening(answer) as server, pytest.raises(AnswerLostError) as caught:
        call(upstream_at(server.origin))
    told = f"{caught.value} {caught.value.__cause__}"
    for canary in (KEY, "canary", str(server.port)):
        assert canary not in told


def test_a_call_writes_no_line_with_its_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    poll = UpstreamCall("GET", "/v2/generate/audio", query={"generation_id": "canary"})
    with listening(respond(b"{}")) as server:
        call(upstream_at(server.origin), poll)
    assert "canary" not in caplog.text


def test_a_whole_answer_without_a_length_is_taken() -> None:
    plain = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}"
    with listening(lambda connection: connection.sendall(plain)) as server:
        assert call(upstream_at(server.origin)) == (200, b"{}")


def test_an_answer_of_another_status_is_taken_whole() -> None:
    with listening(respond(b"<html>" + b"x" * 100_000, "502 Bad Gateway", "text/html")) as server:
        status, body = call(upstream_at(server.origin))
    assert (status, len(body)) == (502, 100_006)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(ANSWER, "gzip", id="gzip_that_is_none"),
        pytest.param(ANSWER, "deflate", id="deflate_that_is_none"),
        pytest.param(ANSWER, "br", id="br_that_is_none"),
        pytest.param(ANSWER, "aws-chunked", id="aws_chunked_that_is_none"),
        pytest.param(ANSWER, "UTF-8", id="no_encoding_at_all"),
        pytest.param(gzip.compress(ANSWER), "gzip", id="gzip"),
        pytest.param(gzip.compress(ANSWER), "identity", id="gzip_without_a_mark"),
        pytest.param(gzip.compress(ANSWER), "br", id="gzip_with_another_mark"),
        pytest.param(gzip.compress(gzip.compress(ANSWER)), "gzip, gzip", id="gzip_twice"),
        pytest.param(zlib.compress(ANSWER), "deflate", id="deflate"),
    ],
)
@pytest.mark.parametrize("request_", [POST, UpstreamCall("GET", "/task")], ids=["paid_post", "poll"])
def test_an_answer_is_read_whatever_encoding_its_header_claims(
    request_: UpstreamCall, body: bytes, encoding: str
) -> None:
    with listening(respond(body, Content_Encoding=encoding)) as server:
        assert call(upstream_at(server.origin), request_) == (200, ANSWER)


def test_an_answer_in_an_encoding_that_cannot_be_read_is_handed_over_as_it_came() -> None:
    packed = b"\x1b\x03\x00\xf8\xa5\x01\x02\x80\xff" * 9
    with listening(respond(packed, Content_Encoding="br")) as server:
        assert call(upstream_at(server.origin)) == (200, packed)


BOMB = gzip.compress(gzip.compress(bytes(40_000_000)))


@pytest.mark.parametrize("request_", [POST, UpstreamCall("GET", "/task")], ids=["paid_post", "poll"])
@pytest.mark.parametrize("answer", [respond(BOMB, Content_Encoding="gzip, gzip"), respond(bytes(1_000_001))])
def test_an_answer_beyond_the_size_bound_is_lost_and_the_request_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, request_: UpstreamCall, answer: Answer
) -> None:
    monkeypatch.setattr(http_upstream, "MAX_ANSWER_BYTES", 1_000_000)
    received: list[int] = []
    with listening(answer) as server:
        with (
            upstream_at(server.origin).send("minimax", request_, KEY, 5) as found,
            pytest.raises(
                AnswerLostError, match=r"^minimax's answer was given up after \d+ bytes: longer than 1000000 bytes"
            ),
        ):
            received.extend(len(chunk) for chunk in found.chunks())
        assert (server.connections, len(server.requests)) == (1, 1)
    assert sum(received) <= 1_000_000


def flood(connection: socket.socket) -> None:
    """Announce an answer again and again, which is no answer yet."""
    hang(lambda: not _sent(connection, b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 1000))


def test_answers_before_the_answer_are_read_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_upstream, "MOST_READ_BYTES", 200_000)
    with listening(flood) as server:
        with pytest.raises(AnswerLostError, match="BodyOutOfBoundsError"):
            call(upstream_at(server.origin), within_s=60)
        assert (server.connections, len(server.requests)) == (1, 1)


def test_a_redirect_whose_location_is_no_address_is_an_answer() -> None:
    with listening(respond(b"moved", "302 Found", Location="http://[::1/a b\x01")) as server:
        assert call(upstream_at(server.origin)) == (302, b"moved")


# ---- uploads

UPLOAD = UploadCall("/v2/generate/audio/minimax/upload", {"purpose": "voice"}, "file", 'rain "one".wav', "audio/wav")
MB = 1_000_000


def form_of(request: bytes) -> dict[str, Message]:
    """The parts of a received form by name."""
    head, _, body = request.partition(b"\r\n\r\n")
    [kind] = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type:")]
    form = message_from_bytes(kind + b"\r\n\r\n" + body)
    parts = [part for part in form.walk() if part is not form]
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


def upload(upstream: HttpUpstream, file: Path, within_s: float = 5) -> tuple[int, bytes]:
    with upstream.upload("aimlapi", UPLOAD, file, KEY, within_s) as answer:
        return answer.http_status, b"".join(answer.chunks())


def test_an_upload_is_one_form_with_its_fields_and_the_file_byte_for_byte(tmp_path: Path) -> None:
    recording = bytes(range(256)) * 1000 + b"\r\n--\r\n"
    (tmp_path / "a.wav").write_bytes(recording)
    with listening(respond(b'{"voice_id": "vocal-1"}')) as server:
        assert upload(upstream_at(server.origin), tmp_path / "a.wav") == (200, b'{"voice_id": "vocal-1"}')
    assert (server.connections, len(server.requests)) == (1, 1)
    head = head_of(server)
    assert head[""] == "POST /v2/generate/audio/minimax/upload HTTP/1.1"
    assert head["authorization"] == f"bearer {KEY}"
    assert head["user-agent"] == f"fermata/{fermata.__version__}"
    # A length, because many gateways refuse a chunked upload.
    assert int(head["content-length"]) > len(recording)
    form = form_of(server.requests[0])
    assert set(form) == {"purpose", "file"}
    assert form["purpose"].get_payload(decode=True) == b"voice"
    assert form["file"].get_content_type() == "audio/wav"
    assert server.requests[0].count(recording) == 1


def drain(listener: socket.socket, received: list[int]) -> None:
    """Take one request of any size without keeping it, then answer."""
    connection, _ = listener.accept()
    with connection:
        head, piece = b"", connection.recv(65_536)
        while b"\r\n\r\n" not in head + piece:
            head, piece = head + piece, connection.recv(65_536)
        head, _, begun = (head + piece).partition(b"\r\n\r\n")
        [declared] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        left = int(declared.split(b":")[1]) - len(begun)
        while left > 0:
            left -= len(connection.recv(65_536))
        received.append(int(declared.split(b":")[1]))
        respond(b"{}")(connection)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    recording = tmp_path / "long.wav"
    with recording.open("wb") as file:
        file.truncate(100 * MB)
    received: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=drain, args=(listener, received))
        server.start()
        upstream = upstream_at(f"http://127.0.0.1:{listener.getsockname()[1]}")
        tracemalloc.start()
        try:
            assert upload(upstream, recording, within_s=60) == (200, b"{}")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            server.join(10)
    assert received[0] > 100 * MB
    assert peak < 4 * MB


def test_an_upload_without_a_connection_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(NotSentError):
        upload(upstream_at(f"http://127.0.0.1:{closed_port()}"), tmp_path / "a.wav")


@pytest.mark.parametrize("answer", [reset, close, respond(b"{}", length=9)], ids=["reset", "closed", "cut"])
def test_an_upload_whose_answer_is_lost_is_not_repeated(answer: Answer, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF" + bytes(10_000))
    with listening(answer) as server:
        with pytest.raises(AnswerLostError):
            upload(upstream_at(server.origin), tmp_path / "a.wav")
        assert (server.connections, len(server.requests)) == (1, 1)


def test_an_upload_ends_at_its_deadline(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with listening(trickle) as server, pytest.raises(AnswerLostError):
        upload(upstream_at(server.origin, read_gap_s=60), tmp_path / "a.wav", within_s=0.5)


@pytest.fixture(autouse=True)
def _no_connection_is_left_open() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before
