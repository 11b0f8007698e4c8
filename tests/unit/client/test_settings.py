"""A base URL or a key that cannot be right is refused before anything is sent."""

import pytest

from fermata_client import Fermata, errors
from tests.fakes.client.fake_fermata import API_KEY


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("https://api.example.com/v1/", "https://api.example.com"),
        (" https://api.example.com/prod ", "https://api.example.com/prod"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_a_base_url_is_taken_as_people_write_it(given: str, used: str) -> None:
    with Fermata(API_KEY, given) as client:
        assert client.subject.base_url == used
        assert repr(client) == f"Fermata(base_url='{used}')"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "no base URL"),
        ("api.example.com", "expected a base URL"),
        ("ftp://api.example.com", "expected a base URL"),
        ("https://", "expected a base URL"),
        ("https://api.example.com/?key=1", "expected a base URL"),
        ("https://api.example.com:port", "cannot be read"),
        ("https://[api", "cannot be read"),
        ("https://api.example.com\x00", "cannot be read"),
        ("https://exa mple.com", "cannot be read"),
        ("https://user:secret@api.example.com", "leave them out"),
        ("http://api.example.com", "use https"),
        ("http://127.0.0.1.example.com", "use https"),
    ],
)
def test_a_wrong_base_url_is_refused_with_what_to_do(given: str, reason: str) -> None:
    with pytest.raises(errors.SettingsError, match=reason) as refused:
        Fermata(API_KEY, given)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("key", "reason"), [("", "no API key"), ("fk_a b", "copy it anew"), ("fk_é", "copy it anew")])
def test_a_wrong_key_is_refused_and_not_shown(key: str, reason: str) -> None:
    with pytest.raises(errors.SettingsError, match=reason) as refused:
        Fermata(key, "https://api.example.com")

    assert "fk_" not in str(refused.value)


def test_key_and_base_url_come_from_the_environment_where_none_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERMATA_API_KEY", f" {API_KEY}\n")
    monkeypatch.setenv("FERMATA_BASE_URL", "http://localhost:3000")

    with Fermata() as client:
        assert (client.subject.api_key, client.subject.base_url) == (API_KEY, "http://localhost:3000")
