"""A text that belongs to a song is fetched under the same guard as the song."""

import pytest

from fermata.adapters.http.audio_links import HttpAudioLinks
from fermata.errors import LinkTroubleError, UnsafeLinkError
from tests.support.loopback import Loopback, closed_port, listening, redirect, respond

TEXT = b'[{"text": "A canary."}]'


def trusting(*servers: Loopback) -> HttpAudioLinks:
    return HttpAudioLinks([], [], [server.origin for server in servers], 1)


def fetch(links: HttpAudioLinks, url: str) -> bytes:
    return b"".join(links.fetch_text("minimax", url))


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/octet-stream"])
def test_a_text_is_fetched_whole_whatever_its_type(content_type: str) -> None:
    with listening(respond(TEXT, content_type=content_type)) as server:
        assert fetch(trusting(server), f"{server.origin}/titles.json?Signature=a%2Fb") == TEXT
    assert b"authorization" not in server.requests[0].lower()


def test_an_address_that_is_not_public_is_refused_before_a_connection() -> None:
    with listening(respond(TEXT)) as server:
        with pytest.raises(UnsafeLinkError):
            fetch(HttpAudioLinks([], [], [], 1), f"{server.origin}/titles.json")
        with pytest.raises(UnsafeLinkError):
            fetch(HttpAudioLinks([], [], [], 1), "https://127.0.0.1/titles.json")
    assert server.connections == 0


def test_a_redirect_to_such_an_address_is_refused_too() -> None:
    with listening(respond(TEXT)) as private:
        away = redirect(f"{private.origin}/titles.json")
        with listening(away) as server, pytest.raises(UnsafeLinkError):
            fetch(trusting(server), f"{server.origin}/titles.json")
    assert private.connections == 0


def test_a_host_that_says_no_or_cannot_be_reached_is_trouble() -> None:
    with listening(respond(b"no", "403 Forbidden")) as server, pytest.raises(LinkTroubleError):
        fetch(trusting(server), f"{server.origin}/titles.json")
    origin = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(LinkTroubleError):
        fetch(HttpAudioLinks([], [], [origin], 1), f"{origin}/titles.json")
