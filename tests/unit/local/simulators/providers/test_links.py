"""Links to finished songs."""

import json
from urllib.parse import unquote

import pytest

from tests.unit.local.simulators.offline import Provider


@pytest.fixture
def link(minimax: Provider) -> str:
    return str(json.loads(minimax.order(output_format="url").body)["data"]["audio"])


def test_a_link_is_signed_with_characters_that_clients_like_to_change(link: str) -> None:
    query = link.partition("?")[2]
    assert "%2F" in query
    assert "&" in query
    assert "Signature=" in query


def test_a_link_works_more_than_once_and_without_a_key(minimax: Provider, link: str) -> None:
    assert [minimax.file(link).status for _ in range(2)] == [200, 200]


def test_a_link_works_only_byte_for_byte(minimax: Provider, link: str) -> None:
    changed = [unquote(link), link.replace("%2F", "%2f"), link[:-1], f"{link}&x=1", link.partition("?")[0]]
    assert [minimax.file(other).status for other in changed] == [403] * len(changed)


def test_a_link_with_a_bearer_key_is_refused_as_object_stores_do(minimax: Provider, link: str) -> None:
    answer = minimax.file(link, key="key-of-the-test")
    assert answer.status == 400
    assert b"Only one auth mechanism allowed" in answer.body


def test_an_unknown_file_is_404(minimax: Provider) -> None:
    assert minimax.file("/files/0000/song.mp3?Signature=x").status == 404


def test_an_expired_link_stays_expired(minimax: Provider, link: str) -> None:
    minimax.fault("link_expired")
    assert [minimax.file(link).status for _ in range(3)] == [403, 403, 403]


def test_expiry_hits_one_link_only(minimax: Provider, link: str) -> None:
    other = json.loads(minimax.order(output_format="url").body)["data"]["audio"]
    minimax.fault("link_expired")
    assert [minimax.file(link).status, minimax.file(other).status] == [403, 200]


def test_a_redirect_leads_where_the_fault_says(minimax: Provider, link: str) -> None:
    minimax.fault("redirect:http://10.0.0.1/private")
    answer = minimax.file(link)
    assert (answer.status, answer.headers["location"]) == (302, "http://10.0.0.1/private")
