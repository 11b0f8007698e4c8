"""Fetching what a provider links to: every address is checked before a connection is made, and nothing is added."""

import gzip
import logging
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from socket import socket

import httpcore
import pytest

import fermata
from fermata.adapters.http import audio_links as http_audio_links
from fermata.adapters.http.audio_links import (
    MAX_AUDIO_REDIRECTS,
    MAX_REDIRECTS,
    HttpAudioLinks,
    HttpReferenceLinks,
)
from fermata.adapters.http.bodies import PIECE_BYTES
from fermata.adapters.http.transport import Resolver
from fermata.errors import (
    AudioTooLargeError,
    FermataError,
    LinkExpiredError,
    LinkTroubleError,
    SlowLinkError,
    TransientError,
    UnsafeLinkError,
)
from tests.support.certificates import certificate_for, vouched_for
from tests.support.loopback import Answer, Loopback, close, closed_port, listening, redirect, reset, respond

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
    return HttpAudioLinks([".example.com"], ["extra.example.net"], origins, 1, loopback)


def resolving(names: Names) -> HttpAudioLinks:
    return HttpAudioLinks([".example.com"], ["extra.example.net"], [], 1, names)


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
        "/a?x=[1]&y={2}|3^4`(!*)",
        "/?/?/?",
    ],
)
def test_a_signed_target_is_passed_byte_for_byte(target: str) -> None:
    with listening(respond(SONG)) as server:
        fetch(trusting(server), server.origin + target)
    assert server.requests[0].split(b" ")[1] == target.encode()


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        ("/My Song/a.mp3?k=1 2", b"/My%20Song/a.mp3?k=1%202"),
        ("/夜の雨/a.mp3?t=雨", b"/%E5%A4%9C%E3%81%AE%E9%9B%A8/a.mp3?t=%E9%9B%A8"),
        ("/a.mp3?k=1\n", b"/a.mp3?k=1"),
        ("/a\r\n.mp3?k\t=1  ", b"/a.mp3?k=1"),
        ("/a%2520 b%2F?sig=%2B+ c", b"/a%2520%20b%2F?sig=%2B+%20c"),
        ("/\"q\"/<a>?'x'", b"/%22q%22/%3Ca%3E?%27x%27"),
        ("/a.mp3?k=1#t=0,30 \x00", b"/a.mp3?k=1"),
        ("?a b", b"/?a%20b"),
    ],
)
def test_a_link_is_sent_as_a_browser_sends_it(raw: str, sent: bytes) -> None:
    with listening(respond(SONG)) as server:
        assert fetch(trusting(server), f" {server.origin}{raw}") == SONG
    assert server.requests[0].split(b"\r\n")[0] == b"GET " + sent + b" HTTP/1.1"


def test_a_host_outside_ascii_is_looked_up_and_called_as_idna(connects: list[Address]) -> None:
    asked: list[str] = []

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    with pytest.raises(LinkTroubleError):
        fetch(HttpAudioLinks([], [], [], 1, look_up), "https://夜の雨.example/a")
    assert set(asked) == {"xn--u9jt83jbd5b.example"}
    assert {address for address, _ in connects} == {PUBLIC}


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\x85", "\\"])
def test_a_link_with_a_control_character_or_a_backslash_is_not_called(character: str) -> None:
    with listening(respond(SONG)) as server:
        with pytest.raises(UnsafeLinkError):
            fetch(trusting(server), f"{server.origin}/a{character}b")
        assert server.connections == 0


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
        assert f"User-Agent: Fermata/{fermata.__version__}\r\n".encode() in request


# ---- redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_within_what_is_trusted_is_followed_byte_for_byte(status: str) -> None:
    with listening(respond(SONG)) as second, listening(redirect(f"{second.origin}/x%2Fy?sig=a%2Bb", status)) as first:
        assert fetch(trusting(first, second), f"{first.origin}/a") == SONG
    assert second.requests[0].split(b" ")[1] == b"/x%2Fy?sig=a%2Bb"


@pytest.mark.parametrize(
    ("location", "sent"),
    [
        ("/My Song.mp3", b"/My%20Song.mp3"),
        ("  /b\t.mp3 ", b"/b.mp3"),
        ("b c?d e", b"/x/b%20c?d%20e"),
        ("../b", b"/b"),
        ("?b=%2F", b"/x/a?b=%2F"),
        ("/夜?é".encode().decode("latin-1"), b"/%E5%A4%9C?%C3%A9"),
        ("/Été?é", b"/%C9t%E9?%E9"),
        ("//127.0.0.1:{port}/b%2Fc", b"/b%2Fc"),
        ("http://127.0.0.1:{port}/a/../b//c#d", b"/a/../b//c"),
    ],
)
def test_a_location_is_taken_as_a_browser_takes_it(location: str, sent: bytes) -> None:
    def lead_on(connection: socket) -> None:
        redirect(location.replace("{port}", str(server.port)))(connection)

    with listening(lead_on, respond(SONG)) as server:
        assert fetch(trusting(server), f"{server.origin}/x/a?k") == SONG
    assert server.requests[1].split(b" ")[1] == sent


def test_a_location_that_is_sent_twice_counts_once() -> None:
    twice = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    with listening(lambda connection: connection.sendall(twice), respond(SONG)) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == SONG


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
        "//\uff11\uff12\uff17.0.0.1:{port}/a".encode().decode("latin-1"),
        "/\t/127.0.0.1:{port}/a",
        "http://127.0.0.1:{port}\x01/a",
        "http://169.254.169.254/latest/meta-data",
        "https://audio.example.com/a",
    ],
)
def test_a_redirect_to_a_disguised_or_private_address_is_refused_before_it_is_called(location: str) -> None:
    with listening(respond(SONG)) as other, listening(redirect(location.format(port=other.port))) as server:
        with pytest.raises(UnsafeLinkError):
            fetch(trusting(server), f"{server.origin}/a")
        assert other.connections == 0


def test_ten_redirects_are_followed_and_the_eleventh_is_trouble_that_may_pass() -> None:
    with listening(*[redirect("/again")] * MAX_AUDIO_REDIRECTS, respond(SONG)) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == SONG
    with listening(redirect("/again")) as endless:
        with pytest.raises(LinkTroubleError, match="more than 10") as caught:
            fetch(trusting(endless), f"{endless.origin}/a")
        assert len(endless.requests) == MAX_AUDIO_REDIRECTS + 1
    assert caught.value.status == 302


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(respond(status="302 Found"), id="none"),
        pytest.param(respond(status="302 Found", Location="/b", location="/c"), id="two"),
    ],
)
def test_a_redirect_that_does_not_say_where_to_is_trouble(answer: Answer) -> None:
    with listening(answer) as server, pytest.raises(LinkTroubleError) as caught:
        fetch(trusting(server), f"{server.origin}/a")
    assert caught.value.status == 302
    assert server.connections == 1


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
    with pytest.raises((UnsafeLinkError, LinkTroubleError)):
        fetch(resolving(names), "https://audio.example.com/a")
    assert connects == [(PUBLIC, 443)]


def test_a_name_that_does_not_resolve_is_tried_again_later(connects: list[Address]) -> None:
    def no_answer(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    links = HttpAudioLinks([".example.com"], [], [], 1, no_answer)
    with pytest.raises(LinkTroubleError, match=r"^audio[.]example[.]com could not be reached$") as caught:
        fetch(links, "https://audio.example.com/a")
    assert caught.value.status is None
    assert connects == []


@pytest.mark.parametrize(
    "url",
    [
        "http://audio.example.com/a",
        "https://audio.example.com:8443/a",
        "https://2130706433/a",
        "https://0177.0.0.1/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://127.0.0.1/a",
        "ftp://audio.example.com/a",
        "not a link",
        "",
    ],
)
@pytest.mark.parametrize("audio_hosts", [[".example.com"], []], ids=["listed", "any_public_host"])
def test_a_link_that_is_not_public_https_of_an_allowed_host_is_not_even_looked_up(
    connects: list[Address], url: str, audio_hosts: list[str]
) -> None:
    links = HttpAudioLinks(audio_hosts, [], [], 1, nowhere)
    with pytest.raises(UnsafeLinkError):
        fetch(links, url)
    assert connects == []


@pytest.mark.parametrize(
    ("audio_hosts", "extra_hosts", "url", "called"),
    [
        ([], [], "https://any-cdn.example.org/a", True),
        ([], ["extra.example.net"], "https://any-cdn.example.org/a", True),
        ([".example.com"], [], "https://audio.example.com/a", True),
        ([".example.com"], [], "https://any-cdn.example.org/a", False),
        ([".example.com"], ["extra.example.net"], "https://extra.example.net/a", True),
        ([".example.com"], ["extra.example.net"], "https://any-cdn.example.org/a", False),
    ],
)
def test_a_list_that_is_set_is_the_whole_list_with_the_extra_hosts(
    connects: list[Address], audio_hosts: list[str], extra_hosts: list[str], url: str, called: bool
) -> None:
    links = HttpAudioLinks(audio_hosts, extra_hosts, [], 1, Names([PUBLIC]))
    with pytest.raises(LinkTroubleError if called else UnsafeLinkError):
        fetch(links, url)
    assert {address for address, _ in connects} == ({PUBLIC} if called else set())


def test_what_to_do_about_an_unlisted_host_is_for_the_operators_log_and_not_for_the_tenant(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_audio_links, "logger", logging.getLogger("operator"))
    with pytest.raises(UnsafeLinkError) as caught:
        fetch(resolving(Names([PUBLIC])), "https://any-cdn.example.org/secret?sig=canary")
    assert "AudioHosts" not in str(caught.value)
    [line] = caplog.records
    assert "ExtraAudioHosts" in line.message
    assert (vars(line)["host"], vars(line)["provider"]) == ("any-cdn.example.org", "minimax")
    assert "canary" not in str(vars(line))


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


@pytest.mark.parametrize(
    "status",
    [
        *("300 Multiple", "304 Not Modified", "400 Bad", "401 No", "402 Pay", "403 Forbidden", "404 Not Found"),
        *("408 Late", "409 Conflict", "410 Gone", "416 Range", "425 Early", "429 Too Many", "451 Law", "500 Error"),
        *("502 Bad Gateway", "503 Slow Down", "504 Late", "520 Odd", "599 Odd", "999 Odd"),
    ],
)
def test_any_status_but_2xx_is_trouble_with_its_status(status: str) -> None:
    body = b"" if status.startswith("304") else SONG
    with listening(respond(body, status)) as server, pytest.raises(LinkTroubleError) as caught:
        fetch(trusting(server), f"{server.origin}/a?sig=canary")
    assert (caught.value.status, caught.value.retry_after_s) == (int(status[:3]), None)
    assert str(caught.value) == f"127.0.0.1 answered {status[:3]}"


@pytest.mark.parametrize(("asked", "seconds"), [("1", 1), ("420", 420), ("999999999", 86_400), ("soon", None)])
def test_the_retry_after_of_a_busy_host_is_passed_on(asked: str, seconds: int | None) -> None:
    with (
        listening(respond(b"busy", "503 Busy", Retry_After=asked)) as server,
        pytest.raises(LinkTroubleError) as caught,
    ):
        fetch(trusting(server), f"{server.origin}/a")
    assert caught.value.retry_after_s == seconds


def ranged(said: str) -> Answer:
    return respond(SONG, "206 Partial Content", "audio/mpeg", Content_Range=said)


@pytest.mark.parametrize(
    "answer",
    [
        *(respond(SONG, f"{status} Odd", "audio/mpeg") for status in (201, 202, 203, 206, 226, 299)),
        ranged(f"bytes 0-{len(SONG) - 1}/{len(SONG)}"),
    ],
)
def test_a_whole_file_is_a_file_whichever_2xx_it_has(answer: Answer) -> None:
    with listening(answer) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == SONG


@pytest.mark.parametrize("said", ["bytes 0-99/200", "bytes 1-199/200", "bytes 0-99/*", "bytes */200", "0-199/200", ""])
def test_a_part_of_a_file_is_trouble_after_what_came(said: str) -> None:
    received: list[bytes] = []
    with listening(ranged(said)) as server, pytest.raises(LinkTroubleError, match="a part of the file"):
        received.extend(trusting(server).fetch("minimax", f"{server.origin}/a"))
    assert b"".join(received) == SONG


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>not ready</html>" * 100, "text/html"),
        (b"<!DOCTYPE html>", "audio/mpeg"),
        (b"\xef\xbb\xbf\n <?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "application/octet-stream"),
        (b'{"status": "processing"}', "audio/mpeg"),
        (b"[]", ""),
        (b"busy", "text/plain"),
        ("まだ準備中です".encode(), "audio/mpeg"),
        ("<html>Été".encode("latin-1"), "audio/mpeg"),
        ("<html>".encode("utf-16"), "text/html; charset=utf-16"),
        (b"\r\n--part\r\n\x00\xff", "multipart/byteranges; boundary=part"),
    ],
)
def test_a_text_in_place_of_a_song_is_trouble_after_what_came(body: bytes, content_type: str) -> None:
    received: list[bytes] = []
    with (
        listening(respond(body, content_type=content_type)) as server,
        pytest.raises(LinkTroubleError, match="a text instead of audio") as caught,
    ):
        received.extend(trusting(server).fetch("minimax", f"{server.origin}/a"))
    assert (caught.value.status, b"".join(received)) == (200, body)


@pytest.mark.parametrize("begins", [b"#EXTM3U\n", b"<html>"])
def test_of_an_endless_text_only_the_start_is_handed_over(begins: bytes) -> None:
    received: list[bytes] = []
    with (
        listening(respond(begins + b"x" * 3_000_000, content_type="text/plain")) as server,
        pytest.raises(LinkTroubleError, match="a text instead of audio"),
    ):
        received.extend(trusting(server).fetch("minimax", f"{server.origin}/a"))
    assert len(b"".join(received)) == http_audio_links.MOST_OF_NO_SONG_BYTES


def test_a_song_in_an_encoding_that_cannot_be_read_is_trouble_after_what_came() -> None:
    packed, received = b"\x8b\xff\x03" * 4000, list[bytes]()
    with (
        listening(respond(packed, content_type="audio/mpeg", Content_Encoding="br")) as server,
        pytest.raises(LinkTroubleError, match="an encoding that cannot be read"),
    ):
        received.extend(trusting(server).fetch("minimax", f"{server.origin}/a"))
    assert b"".join(received) == packed


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "204 No Content"])
def test_an_empty_file_is_trouble(status: str) -> None:
    with (
        listening(respond(b"", status, "audio/mpeg")) as server,
        pytest.raises(LinkTroubleError, match="empty") as caught,
    ):
        fetch(trusting(server), f"{server.origin}/a")
    assert caught.value.status == int(status[:3])


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "text/plain", "", "image/png"])
def test_audio_is_audio_whatever_its_type_claims(content_type: str) -> None:
    with listening(respond(SONG, content_type=content_type)) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == SONG


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "deflate"])
@pytest.mark.parametrize("lead", [bytes(9000), b"\r\n" * 4000], ids=["zeros", "line_ends"])
def test_a_song_behind_zeros_or_line_ends_is_a_song(lead: bytes, encoding: str) -> None:
    with listening(respond(lead + SONG, content_type="text/plain", Content_Encoding=encoding)) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == lead + SONG


def test_what_is_neither_text_nor_known_audio_is_left_to_the_meter() -> None:
    odd = b"\x00\x01\x02\x03" * 500
    with listening(respond(odd, content_type="audio/mpeg")) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == odd


# ---- encodings


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(SONG, "gzip", id="gzip_that_is_none"),
        pytest.param(SONG, "br", id="br_that_is_none"),
        pytest.param(SONG, "deflate", id="deflate_that_is_none"),
        pytest.param(SONG, "aws-chunked", id="aws_chunked"),
        pytest.param(SONG, "zstd, x-odd", id="unknown"),
        pytest.param(gzip.compress(SONG), "gzip", id="gzip"),
        pytest.param(gzip.compress(SONG), "X-GZip", id="x_gzip"),
        pytest.param(gzip.compress(SONG), "", id="gzip_without_a_mark"),
        pytest.param(gzip.compress(SONG), "aws-chunked, gzip", id="gzip_among_others"),
        pytest.param(gzip.compress(gzip.compress(SONG)), "gzip", id="gzip_twice"),
        pytest.param(gzip.compress(SONG[:9]) + gzip.compress(SONG[9:]) + bytes(5), "gzip", id="members_and_padding"),
        pytest.param(zlib.compress(SONG), "deflate", id="deflate"),
        pytest.param(zlib.compress(SONG, wbits=-15), "deflate", id="bare_deflate"),
    ],
)
def test_a_song_is_read_whatever_encoding_its_header_claims(body: bytes, encoding: str) -> None:
    with listening(respond(body, content_type="audio/mpeg", Content_Encoding=encoding)) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == SONG


PACKED_SONG = gzip.compress(SONG)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(PACKED_SONG[:-100], "gzip", id="cut_gzip"),
        pytest.param(PACKED_SONG[:-8] + b"\x00" * 8, "gzip", id="wrong_checksum"),
        pytest.param(PACKED_SONG[:20] + b"\xff" * 2000, "gzip", id="broken_gzip"),
        pytest.param(b"\x1b\x03\x00\xf8\xa5" * 999, "br", id="br"),
        pytest.param(b"\x28\xb5\x2f\xfd\x00" * 999, "zstd", id="zstd"),
        pytest.param(b"\x00\x01\xff" * 999, "gzip", id="neither_gzip_nor_audio"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_trouble(body: bytes, encoding: str) -> None:
    with (
        listening(respond(body, content_type="audio/mpeg", Content_Encoding=encoding)) as server,
        pytest.raises(LinkTroubleError, match=r"broken or cut|cannot be read") as caught,
    ):
        fetch(trusting(server), f"{server.origin}/a")
    assert caught.value.status == 200


BOMBS = {
    "song": gzip.compress(gzip.compress(b"ID3" + bytes(40_000_000))),
    # Nothing comes out of it, however long what is between the two decoders is.
    "nothing": gzip.compress(gzip.compress(b"")[:10] + b"\0\0\0\xff\xff" * 2_000_000),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_the_size_bound_holds_for_what_comes_out_of_a_compressed_file(
    monkeypatch: pytest.MonkeyPatch, bomb: bytes
) -> None:
    monkeypatch.setattr(http_audio_links, "MAX_AUDIO_BYTES", 1_000_000)
    received: list[int] = []
    with listening(respond(bomb, Content_Encoding="gzip, gzip")) as server, pytest.raises(AudioTooLargeError):
        received.extend(len(piece) for piece in trusting(server).fetch("minimax", f"{server.origin}/a"))
    assert max(received, default=0) < 3 * PIECE_BYTES
    assert sum(received) <= 1_000_000


def test_the_framing_of_a_file_is_read_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_audio_links, "MOST_READ_BYTES", 100_000)
    chunk = b"1;" + b"x" * 1000 + b"\r\na\r\n"

    def endless(connection: socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 10_000)

    with listening(endless) as server, pytest.raises(AudioTooLargeError, match="on its way"):
        fetch(trusting(server), f"{server.origin}/a")


def test_a_reference_beyond_the_size_bound_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_audio_links, "MAX_AUDIO_BYTES", 1_000_000)
    with listening(respond(BOMBS["song"], Content_Encoding="gzip")) as server, pytest.raises(AudioTooLargeError):
        list(HttpReferenceLinks([server.origin], 5).fetch(f"{server.origin}/a"))


# ---- cuts


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        pytest.param(respond(SONG[:100_000], length=len(SONG)), SONG[:100_000], id="cut"),
        pytest.param(respond(SONG[:5], length=len(SONG)), SONG[:5], id="cut_in_the_first_bytes"),
        pytest.param(respond(b"", length=len(SONG)), b"", id="cut_before_the_first_byte"),
        pytest.param(
            lambda connection: connection.sendall(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(SONG) + SONG[:70_000]
            ),
            SONG[:70_000],
            id="cut_in_a_chunk",
        ),
        pytest.param(
            lambda connection: connection.sendall(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % 2000 + SONG[:2000] + b"\r\n"
            ),
            SONG[:2000],
            id="cut_between_chunks",
        ),
    ],
)
def test_a_cut_file_is_trouble_after_every_byte_that_came(answer: Answer, whole: bytes) -> None:
    received: list[bytes] = []
    with listening(answer) as server, pytest.raises(LinkTroubleError, match="before the file was whole") as caught:
        received.extend(trusting(server).fetch("minimax", f"{server.origin}/a?sig=canary"))
    assert b"".join(received) == whole
    assert caught.value.status == 200


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reset, id="reset"),
        pytest.param(close, id="closed"),
        pytest.param(lambda connection: connection.sendall(b"no http\r\n\r\n"), id="no_http"),
    ],
)
def test_a_connection_without_an_answer_is_trouble_without_a_status(answer: Answer) -> None:
    with listening(answer) as server, pytest.raises(LinkTroubleError) as caught:
        fetch(trusting(server), f"{server.origin}/a?sig=canary")
    assert caught.value.status is None


@pytest.mark.parametrize("begun", [SONG[:9], SONG[:5000]], ids=["within_the_first_bytes", "later"])
def test_a_link_that_dribbles_ends_at_the_deadline_with_what_came(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    def dribble(connection: socket) -> None:
        respond(begun, content_type="audio/mpeg", length=len(SONG))(connection)
        with suppress(OSError):
            while not server.stopped.wait(0.01):
                connection.sendall(b"x")

    monkeypatch.setattr(http_audio_links, "FETCH_WITHIN_S", 0.5)
    received: list[bytes] = []
    with listening(dribble) as server, pytest.raises(LinkTroubleError, match="took too long") as caught:
        received.extend(trusting(server).fetch("minimax", f"{server.origin}/a"))
    assert b"".join(received).startswith(begun)
    assert caught.value.status == 200


def test_a_single_use_link_is_requested_once_and_for_the_file() -> None:
    with listening(respond(SONG), respond(b"", "404 Gone")) as server:
        assert fetch(trusting(server), f"{server.origin}/a") == SONG
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET"]


def test_an_origin_that_takes_no_connection_is_tried_again_later() -> None:
    origin = f"http://127.0.0.1:{closed_port()}"
    links = HttpAudioLinks([], [], [origin], 1, loopback)
    with pytest.raises(LinkTroubleError, match="could not be reached"):
        fetch(links, f"{origin}/a")


def test_a_file_of_exactly_the_size_bound_is_taken_and_one_byte_more_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening(respond(SONG)) as server:
        monkeypatch.setattr(http_audio_links, "MAX_AUDIO_BYTES", len(SONG))
        assert fetch(trusting(server), f"{server.origin}/a") == SONG
        monkeypatch.setattr(http_audio_links, "MAX_AUDIO_BYTES", len(SONG) - 1)
        with pytest.raises(AudioTooLargeError, match=str(len(SONG) - 1)):
            fetch(trusting(server), f"{server.origin}/a")


def test_a_file_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_audio_links, "MAX_AUDIO_BYTES", 10_000)
    with listening(respond(SONG)) as server, pytest.raises(AudioTooLargeError, match="longer than 10000"):
        fetch(trusting(server), f"{server.origin}/a")


@pytest.mark.parametrize(
    "answer",
    [
        *(respond(b"", "403 No"), respond(b"", "500 No"), respond(b"busy"), respond(SONG[:9], length=99), reset),
        *(redirect("//evil\x01/secret?sig=canary"), redirect("https://10.0.0.1/secret?sig=canary")),
        *(redirect("ftp://127.0.0.1/secret?sig=canary"), redirect("/secret?sig=canary")),
    ],
)
def test_no_message_holds_the_path_or_the_signature(answer: Answer) -> None:
    with listening(answer) as server, pytest.raises((LinkTroubleError, UnsafeLinkError)) as caught:
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


class Clock:
    """Seconds that pass with each look, and with nothing else."""

    def __init__(self, step_s: float) -> None:
        self.now_s, self.step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def patiently(server: Loopback, step_s: float) -> HttpReferenceLinks:
    return HttpReferenceLinks([server.origin], 5, loopback, Clock(step_s))


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "],
    ids=["body", "head"],
)
def test_a_recording_that_drips_is_given_up_long_before_the_deadline(head: bytes) -> None:
    sent: list[bytes] = []

    def drip(connection: socket) -> None:
        connection.sendall(head)
        with suppress(OSError):
            while not server.stopped.wait(0.001):
                connection.sendall(b"x")
                sent.append(b"x")

    with listening(drip) as server, pytest.raises(SlowLinkError, match="fell silent or took too long"):
        list(patiently(server, 2.0).fetch(f"{server.origin}/a?sig=canary"))
    assert len(sent) < 10_000


@pytest.mark.parametrize(("step_s", "kind"), [(1.0, TransientError), (9.0, SlowLinkError)])
def test_slow_failures_are_distinguished_from_failures_that_are_cheap_to_repeat(
    step_s: float, kind: type[FermataError]
) -> None:
    with listening(respond(b"", "503 Busy")) as server, pytest.raises(kind):
        list(patiently(server, step_s).fetch(f"{server.origin}/a"))


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


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        *((respond(SONG, f"{status} No"), LinkExpiredError) for status in (403, 404, 410)),
        *((respond(SONG, f"{status} No"), TransientError) for status in (400, 401, 408, 429, 451, 500, 503)),
        (respond(SONG[:2000], length=len(SONG)), TransientError),
        (reset, TransientError),
        (redirect("/again"), UnsafeLinkError),
        (redirect("https://10.0.0.1/a"), UnsafeLinkError),
    ],
)
def test_a_callers_link_that_gives_no_file_ends_as_it_always_did(answer: Answer, error: type[FermataError]) -> None:
    with listening(answer) as server, pytest.raises(error):
        list(callers(server).fetch(f"{server.origin}/a"))
    assert len(server.requests) <= MAX_REDIRECTS + 1


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>"], ids=["empty", "html"])
def test_a_callers_file_that_is_no_audio_is_left_to_the_meter_which_refuses_it_at_once(body: bytes) -> None:
    with listening(respond(body, content_type="text/html")) as server:
        assert b"".join(callers(server).fetch(f"{server.origin}/a")) == body


@pytest.mark.parametrize("raw", [" {}/a", "{}/a b", "{}/夜", "{}/a\n", "{}/a\tb"])
def test_a_callers_link_is_not_cleaned(raw: str) -> None:
    with listening(respond(SONG)) as server:
        with pytest.raises(UnsafeLinkError):
            list(callers(server).fetch(raw.format(server.origin)))
        assert server.connections == 0


@pytest.mark.parametrize(("named", "comes"), [("any.example.com", True), ("other.example.com", False)])
def test_a_link_to_a_host_with_the_certificate_of_another_one_is_trouble_that_may_pass(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str, comes: bool
) -> None:
    tls = certificate_for(named, tmp_path / "server.pem")
    with vouched_for(tmp_path / "server.pem", monkeypatch), listening(respond(SONG), tls=tls) as server:
        origin = f"https://any.example.com:{server.port}"
        links = HttpAudioLinks([], [], [origin], 2, loopback)
        if comes:
            assert fetch(links, f"{origin}/song.mp3") == SONG
        else:
            with pytest.raises(LinkTroubleError, match=r"any\.example\.com could not be reached"):
                fetch(links, f"{origin}/song.mp3")
        assert len(server.requests) == comes


def test_a_resolver_that_says_nothing_ends_a_fetch_as_trouble_that_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_audio_links, "FETCH_WITHIN_S", 0.05)
    over = threading.Event()

    def hangs(_host: str, _port: int) -> list[str]:
        over.wait(20)
        return [PUBLIC]

    try:
        with pytest.raises(LinkTroubleError, match=r"audio\.example\.com could not be reached"):
            fetch(HttpAudioLinks([], [], [], 60, hangs), "https://audio.example.com/song.mp3")
    finally:
        over.set()
