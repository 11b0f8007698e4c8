"""Connections to AWS are kept and trusted as botocore's are, and fail with its errors."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, SSLError

from fermata.adapters.wire.answer import Answer, Times
from fermata.adapters.wire.connections import Connections, sender
from fermata.adapters.wire.proxies import through_proxies
from fermata.adapters.wire.signature import Request
from tests.support.certificates import certificate_for
from tests.support.loopback import close, closed_port, listening, reset, respond

TIMES = Times(20, 20)
HASTY = Times(20, 1)
BODY = b'{"TableName": "jobs"}'
Make = Callable[[Times], Callable[[Request], Answer]]


def ours(times: Times) -> Callable[[Request], Answer]:
    return Connections(times).send


MAKERS: tuple[Make, ...] = (ours, through_proxies)
"""Ours, and botocore's, which goes directly where no proxy is named."""


def asking(origin: str, path: str = "/") -> Request:
    return Request("POST", f"{origin}{path}", {"X-Amz-Target": "Get", "Content-Type": "application/json"}, BODY)


class Keeping:
    """A server that keeps connections until a request says otherwise."""

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.ended = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def finish(self) -> None:
                super().finish()
                self.connection.close()
                outer.ended.set()

            def do_POST(self) -> None:
                outer.heads.append({name.lower(): value for name, value in self.headers.items()})
                outer.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("x-amzn-RequestId", "request-1")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
                # Without a word of it in the answer, as a server ends what was idle for long.
                self.close_connection = self.path == "/last"

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def keeping() -> Iterator[Keeping]:
    keeping = Keeping()
    thread = threading.Thread(target=keeping.server.serve_forever)
    thread.start()
    yield keeping
    keeping.server.shutdown()
    thread.join()
    keeping.server.server_close()


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_request_and_its_answer_arrive_whole_and_the_connection_is_kept(make: Make, keeping: Keeping) -> None:
    send = make(TIMES)
    answers = [send(asking(keeping.origin)) for _ in range(3)]

    assert [(each.status_code, each.content, each.headers["x-amzn-requestid"]) for each in answers] == [
        (200, b"{}", "request-1")
    ] * 3
    assert keeping.bodies == [BODY] * 3
    assert keeping.connections == 1
    assert keeping.heads[0]["host"] == keeping.origin.removeprefix("http://")
    assert keeping.heads[0]["x-amz-target"] == "Get"


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_connection_that_the_server_has_ended_is_not_used_again(make: Make, keeping: Keeping) -> None:
    send = make(TIMES)
    send(asking(keeping.origin, "/last"))
    assert keeping.ended.wait(20)

    assert send(asking(keeping.origin)).status_code == 200
    assert keeping.connections == 2


def test_threads_share_connections_and_no_answer_is_anothers(keeping: Keeping) -> None:
    send = ours(TIMES)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: send(asking(keeping.origin)), range(64)))

    assert [each.content for each in answers] == [b"{}"] * 64
    assert keeping.bodies == [BODY] * 64
    assert keeping.connections <= 8


def failure(make: Make, times: Times, origin: str) -> type[BotoCoreError]:
    with pytest.raises(BotoCoreError) as failed:
        make(times)(asking(origin))
    assert origin in str(failed.value)
    return type(failed.value)


@pytest.mark.parametrize("answer", [close, reset], ids=["closed", "reset"])
def test_a_connection_that_ends_without_an_answer_is_botocores_error(answer: Callable[..., None]) -> None:
    with listening(answer) as server:
        mine, theirs = (failure(make, TIMES, server.origin) for make in MAKERS)

    assert mine is theirs


def test_an_answer_that_stays_away_is_botocores_error() -> None:
    found = []
    for make in MAKERS:
        given_up = threading.Event()

        def silent(_: socket.socket, until: threading.Event = given_up) -> None:
            until.wait(20)

        with listening(silent) as server:
            found.append(failure(make, HASTY, server.origin))
            given_up.set()

    assert found[0] is found[1]


def test_a_port_where_nobody_listens_is_botocores_error() -> None:
    mine, theirs = (failure(make, TIMES, f"http://127.0.0.1:{closed_port()}") for make in MAKERS)

    assert mine is theirs


def test_an_answer_that_is_cut_is_lost() -> None:
    with listening(respond(b"{}", length=100)) as server, pytest.raises(BotoCoreError):
        ours(TIMES)(asking(server.origin))


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_server_is_trusted_by_the_operators_certificates_alone(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificate_for("127.0.0.1", tmp_path / "one.pem")
    certificate_for("127.0.0.1", tmp_path / "other.pem")
    with listening(respond(b"{}"), tls=tls) as server:
        origin = server.origin.replace("http:", "https:")
        assert failure(make, TIMES, origin) is SSLError
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "other.pem"))
        assert failure(make, TIMES, origin) is SSLError
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "one.pem"))
        assert make(TIMES)(asking(origin)).content == b"{}"


def test_a_certificate_of_another_host_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = certificate_for("dynamodb.example", tmp_path / "one.pem")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "one.pem"))
    with listening(respond(b"{}"), tls=tls) as server:
        assert failure(ours, TIMES, server.origin.replace("http:", "https:")) is SSLError


def test_a_proxy_is_asked_for_other_hosts_and_not_for_those_it_is_not_for(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(respond(b"by the proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.origin)
        monkeypatch.setenv("no_proxy", "127.0.0.1")

        assert sender(TIMES)(asking("http://dynamodb.example")).content == b"by the proxy"
        assert sender(TIMES)(asking(keeping.origin)).content == b"{}"
        assert proxy.requests[0].startswith(b"POST http://dynamodb.example/ HTTP/1.1\r\n")
    monkeypatch.setenv("http_proxy", "")
    monkeypatch.setenv("no_proxy", "")
    assert isinstance(getattr(sender(TIMES), "__self__", None), Connections)
