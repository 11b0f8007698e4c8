"""Fetching what a provider links to: every address is checked before a connection is made, and nothing is added."""

import logging

import httpcore
import pytest

from fermata.adapters.http_audio_links import MAX_REDIRECTS, HttpAudioLinks, HttpReferenceLinks
from fermata.adapters.http_transport import Resolver
from fermata.errors import BadAudioError, LinkExpiredError, TransientError, UnsafeLinkError
from tests.loopback import Loopback, close, closed_port, listening, redirect, reset, respond

SONG = b"ID3" + bytes(range(256)) * 4000
PUBLIC = "93.184.216.34"
Address = tuple[str, int]


def nowhere(host: str, _port: int) -> list[str]:
    raise AssertionError(f"{host} was looked up")


class Names:
    """A resolver whose answers are a script; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def trusting(*servers: Loopback) -> HttpAudioLinks:
    origins = [server.origin for server in servers]
    return HttpAudioLinks({"minimax": [".example.com"]}, ["extra.example.net"], origins, 1, loopback)


def resolving(names: Names) -> HttpAudioLinks:
    return HttpAudioLinks({"minimax": [".example.com"]}, ["extra.example.net"], [], 1, names)


def fetch(links: HttpAudioLinks, url: str, provider: str = "minimax") -> bytes:
    return b"".join(links.fetch(provider, url))


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """Every connection that was tried; none is made."""
    tried: list[Address] = []

    def connect(_self: httpcore.SyncBackend, host: str, port: int, *_: object) -> httpcore.NetworkStream:
        tried.append((host, port))
        raise httpcore.ConnectError("this test connects to nobody")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    return tried


# ---- what is fetched


def test_a_file_of_a_trusted_origin_is_fetched_whole() -> None:
    with listening(respond(SONG, content_type="audio/mpeg")) as server:
        assert fetch(trusting(server), f"{server.origin}/song.mp3") == SONG
    assert server.connections == 1


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb.mp3?Signature=x%2By%3D&Expires=1",
        "/a//b/../c/./d;e=1",
        "/%7Euser/~user/%e9%E9",
        "/a+b%20c?d+e=f%20g&&=",
        "/a?",
        "/a?x=[1]&y={2}|3^4`'\"<>",
        "/?/?/?",
    ],
)
def test_a_signed_target_is_passed_byte_for_byte(target: str) -> None:
    with listening(respond(SONG)) as server:
        fetch(trusting(server), server.origin + target)
    assert server.requests[0].split(b" ")[1] == target.encode()


def test_a_fragment_is_not_sent() -> None:
    with listening(respond(SONG)) as server:
        fetch(trusting(server), f"{server.origin}/a?b#c")
    assert server.requests[0].split(b" ")[1] == b"/a?b"


def test_an_audio_host_sees_no_key_no_cookie_and_no_body(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(redirect("/b", "302 Found"), respond(SONG)) as server:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        assert fetch(trusting(server), f"{server.origin}/a") == SONG
    for request in server.requests:
        head = request.lower()
        assert head.startswith(b"get ")
        for name in (b"authorization", b"cookie", b"content-length", b"x-api-key"):
            assert name not in head
        assert b"accept-encoding: identity" in head


# ---- redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_within_what_is_trusted_is_followed_byte_for_byte(status: str) -> None:
    with listening(respond(SONG)) as second, listening(redirect(f"{second.origin}/x%2Fy?sig=a%2Bb", status)) as first:
        assert fetch(trusting(first, second), f"{first.origin}/a") == SONG
    assert second.requests[0].split(b" ")[1] == b"/x%2Fy?sig=a%2Bb"


def test_a_redirect_to_another_loopback_port_is_refused_before_it_is_called() -> None:
    with listening(respond(SONG)) as other, listening(redirect(f"{other.origin}/a")) as server:
        with pytest.raises(UnsafeLinkError):
            fetch(trusting(server), f"{server.origin}/a")
        assert other.connections == 0
        assert server.connections == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/a",
        "http://127.1:{port}/a",
        "http://2130706433:{port}/a",
        "http://0177.0.0.1:{port}/a",
        "http://[::1]:{port}/a",
        "http://[::ffff:127.0.0.1]:{port}/a",
        "http://user@127.0.0.1:{port}/a",
        "//127.0.0.1:{port}/a",
        "https://127.0.0.1:{port}/a",
        "\\\\127.0.0.1:{port}\\a",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/a",
        "//[::1/x",
        "http://169.254.169.254/latest/meta-data",
        "https://audio.example.com/a",
    ],
)
def test_a_redirect_to_a_disguised_or_private_address_is_refused_before_it_is_called(location: str) -> None:
    with listening(respond(SONG)) as other, listening(redirect(location.format(port=other.port))) as server:
        # What is no address at all is refused by the HTTP library already, as an answer that breaks the rules.
        with pytest.raises((UnsafeLinkError, TransientError)):
            fetch(trusting(server), f"{server.origin}/a")
        assert other.connections == 0


def test_three_redirects_are_followed_and_not_a_fourth() -> None:
    with listening(*[redirect("/again")] * MAX_REDIRECTS, respond(SONG)) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == SONG
    with listening(redirect("/again")) as endless:
        with pytest.raises(UnsafeLinkError, match="more than 3"):
            fetch(trusting(endless), f"{endless.origin}/a")
        assert len(endless.requests) == MAX_REDIRECTS + 1


def test_a_redirect_without_a_location_ends() -> None:
    with listening(respond(status="302 Found")) as server, pytest.raises(UnsafeLinkError):
        fetch(trusting(server), f"{server.origin}/a")


# ---- addresses


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "224.0.0.1",
    ],
)
def test_a_listed_name_that_resolves_to_a_private_address_is_refused(connects: list[Address], address: str) -> None:
    with pytest.raises(UnsafeLinkError, match=r"^audio[.]example[.]com resolves"):
        fetch(resolving(Names([address])), "https://audio.example.com/a?sig=canary")
    assert connects == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(connects: list[Address]) -> None:
    with pytest.raises(UnsafeLinkError):
        fetch(resolving(Names([PUBLIC, "127.0.0.1"])), "https://audio.example.com/a")
    assert connects == []


def test_the_address_that_was_checked_is_the_one_that_is_called(connects: list[Address]) -> None:
    names = Names([PUBLIC], ["127.0.0.1"])
    with pytest.raises((UnsafeLinkError, TransientError)):
        fetch(resolving(names), "https://audio.example.com/a")
    assert connects == [(PUBLIC, 443)]


def test_a_name_that_does_not_resolve_is_tried_again_later(connects: list[Address]) -> None:
    def no_answer(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    links = HttpAudioLinks({"minimax": [".example.com"]}, [], [], 1, no_answer)
    with pytest.raises(TransientError):
        fetch(links, "https://audio.example.com/a")
    assert connects == []


@pytest.mark.parametrize(
    "url",
    [
        "http://audio.example.com/a",
        "https://audio.example.com:8443/a",
        "https://evil.example.org/a",
        "https://2130706433/a",
        "https://0177.0.0.1/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://127.0.0.1/a",
        "ftp://audio.example.com/a",
        "not a link",
        "",
    ],
)
def test_a_link_that_is_not_public_https_of_a_listed_host_is_not_even_looked_up(
    connects: list[Address], url: str
) -> None:
    links = HttpAudioLinks({"minimax": [".example.com"]}, [], [], 1, nowhere)
    with pytest.raises(UnsafeLinkError):
        fetch(links, url)
    assert connects == []


def test_hosts_are_listed_per_provider_and_extra_ones_for_all(connects: list[Address]) -> None:
    links = resolving(Names([PUBLIC]))
    with pytest.raises(UnsafeLinkError):
        fetch(links, "https://audio.example.com/a", provider="aimlapi")
    assert connects == []
    with pytest.raises(TransientError):
        fetch(links, "https://extra.example.net/a", provider="aimlapi")
    assert {address for address, _ in connects} == {PUBLIC}


def test_trusting_one_origin_trusts_no_other_port() -> None:
    with listening(respond(SONG)) as other, listening(respond(SONG)) as server:
        with pytest.raises(UnsafeLinkError):
            fetch(trusting(server), f"{other.origin}/a")
        assert other.connections == 0


def test_a_link_too_long_to_call_is_refused() -> None:
    with listening(respond(SONG)) as server, pytest.raises(UnsafeLinkError):
        fetch(trusting(server), f"{server.origin}/{'a' * 70_000}")


def test_fetching_writes_no_line_with_the_signature(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with listening(redirect("/b?sig=canary"), respond(SONG)) as server:
        fetch(trusting(server), f"{server.origin}/a?sig=canary")
    assert "canary" not in caplog.text


# ---- how it ends


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
def test_a_dead_link_is_expired(status: str) -> None:
    with listening(respond(b"<Error/>", status, "application/xml")) as server, pytest.raises(LinkExpiredError):
        fetch(trusting(server), f"{server.origin}/a?sig=canary")


@pytest.mark.parametrize(
    "status", ["500 Error", "502 Bad Gateway", "503 Slow Down", "429 Too Many", "401 No", "206 Part"]
)
def test_any_other_status_is_tried_again_later(status: str) -> None:
    with listening(respond(b"no", status)) as server, pytest.raises(TransientError):
        fetch(trusting(server), f"{server.origin}/a?sig=canary")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(respond(SONG[:1000], length=len(SONG)), id="cut"),
        pytest.param(reset, id="reset"),
        pytest.param(close, id="closed"),
        pytest.param(lambda connection: connection.sendall(b"no http\r\n\r\n"), id="no_http"),
    ],
)
def test_a_file_that_does_not_arrive_whole_is_tried_again_later(answer: object) -> None:
    assert callable(answer)
    with listening(answer) as server, pytest.raises(TransientError):
        fetch(trusting(server), f"{server.origin}/a?sig=canary")


def test_an_origin_that_takes_no_connection_is_tried_again_later() -> None:
    origin = f"http://127.0.0.1:{closed_port()}"
    links = HttpAudioLinks({}, [], [origin], 1, loopback)
    with pytest.raises(TransientError):
        fetch(links, f"{origin}/a")


def test_a_file_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fetch_module(), "MAX_AUDIO_BYTES", 10_000)
    with listening(respond(SONG)) as server, pytest.raises(BadAudioError, match="longer than 10000"):
        fetch(trusting(server), f"{server.origin}/a")


def fetch_module() -> dict[str, object]:
    return HttpAudioLinks.fetch.__globals__


@pytest.mark.parametrize(
    "answer", [respond(b"", "403 No"), respond(b"", "500 No"), respond(SONG[:9], length=99), reset]
)
def test_no_message_holds_the_path_or_the_signature(answer: object) -> None:
    assert callable(answer)
    with listening(answer) as server, pytest.raises((LinkExpiredError, TransientError)) as caught:
        fetch(trusting(server), f"{server.origin}/secret?sig=canary")
    told = f"{caught.value} {caught.value.__cause__}"
    assert "canary" not in told
    assert "secret" not in told


# ---- callers' links


def callers(*servers: Loopback, names: Resolver = loopback) -> HttpReferenceLinks:
    return HttpReferenceLinks([server.origin.upper() for server in servers], 1, names)


def test_a_recording_of_a_trusted_origin_is_fetched_whole_and_its_signature_is_passed_on() -> None:
    with listening(redirect("/moved?sig=a%2Bb"), respond(SONG)) as server:
        assert b"".join(callers(server).fetch(f"{server.origin}/song.mp3?sig=x%2By")) == SONG
    assert [request.split(b" ")[1] for request in server.requests] == [b"/song.mp3?sig=x%2By", b"/moved?sig=a%2Bb"]


def test_a_callers_link_may_name_a_host_that_no_provider_uses(connects: list[Address]) -> None:
    with pytest.raises(TransientError):
        list(callers(names=Names([PUBLIC])).fetch("https://anywhere.example.org/a"))
    assert {address for address, _ in connects} == {PUBLIC}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
def test_a_callers_name_that_resolves_to_a_private_address_is_refused(connects: list[Address], address: str) -> None:
    with pytest.raises(UnsafeLinkError, match=r"^anywhere[.]example[.]org resolves"):
        list(callers(names=Names([PUBLIC, address])).fetch("https://anywhere.example.org/a?sig=canary"))
    assert connects == []


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/a", "https://2130706433/a", "http://anywhere.example.org/a", "https://localhost/a"]
)
def test_a_callers_link_to_a_private_place_is_not_even_looked_up(connects: list[Address], url: str) -> None:
    with pytest.raises(UnsafeLinkError):
        list(callers(names=nowhere).fetch(url))
    assert connects == []


@pytest.mark.parametrize("location", ["http://127.0.0.1:{port}/a", "https://127.0.0.1:{port}/a", "//127.0.0.1:{port}/"])
def test_a_callers_redirect_to_another_loopback_port_is_refused_before_it_is_called(location: str) -> None:
    with listening(respond(SONG)) as other, listening(redirect(location.format(port=other.port))) as server:
        with pytest.raises(UnsafeLinkError):
            list(callers(server).fetch(f"{server.origin}/a"))
        assert (other.connections, server.connections) == (0, 1)


def test_a_callers_name_whose_address_changes_is_called_where_it_was_checked(connects: list[Address]) -> None:
    with pytest.raises((UnsafeLinkError, TransientError)):
        list(callers(names=Names([PUBLIC], ["127.0.0.1"])).fetch("https://anywhere.example.org/a"))
    assert connects == [(PUBLIC, 443)]
