"""`fermata mcp` serves the account of the credentials, or says why not before it serves."""

import sys
from pathlib import Path

import pytest

from fermata_client.mcp import server
from tests.fakes.client.command_line import CommandLine
from tests.fakes.client.fake_fermata import API_KEY, BASE_URL

Served = list[tuple[int, str, str]]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    calls: Served = []
    monkeypatch.setattr(server, "serve", lambda *settings: calls.append(settings))
    return calls


def test_an_agent_is_served_with_the_credentials_and_the_limit(tmp_path: Path, served: Served) -> None:
    ran = CommandLine(tmp_path).type("mcp", "--max-credits", "100")

    assert (ran.code, ran.out, ran.errors) == (0, "", "")
    assert served == [(100, API_KEY, BASE_URL)]


def test_an_agent_buys_nothing_unless_the_user_gives_a_limit(tmp_path: Path, served: Served) -> None:
    CommandLine(tmp_path).type("mcp")

    assert served == [(0, API_KEY, BASE_URL)]


@pytest.mark.parametrize("limit", ["-1", "1.5", "many", ""])
def test_a_limit_is_a_whole_number_of_credits(tmp_path: Path, served: Served, limit: str) -> None:
    assert CommandLine(tmp_path).type("mcp", f"--max-credits={limit}").code == 2
    assert served == []


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "there is no base URL"),
        ({"FERMATA_BASE_URL": BASE_URL}, "there is no API key"),
        ({"FERMATA_BASE_URL": "http://api.example.com", "FERMATA_API_KEY": API_KEY}, "https"),
    ],
)
def test_without_a_key_or_an_address_nothing_is_served(
    tmp_path: Path, served: Served, environment: dict[str, str], said: str
) -> None:
    ran = CommandLine(tmp_path, environment=environment).type("mcp")

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.errors
    assert served == []


def test_without_the_sdk_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("fermata_client.mcp.", "mcp."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)

    ran = CommandLine(tmp_path).type("mcp")

    assert ran.code == 2
    assert "pip install 'fermata-client[mcp]'" in ran.errors
