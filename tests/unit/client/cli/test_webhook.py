"""The webhook is managed from the command line; a secret is the only thing on stdout, once."""

from pathlib import Path

import pytest

from tests.fakes.client.command_line import CommandLine
from tests.fakes.client.fake_fermata import problem, say

URL = "https://shop.example.com/fermata"
SHOWN = {"object": "webhook", "url": URL, "disabled_at": None, "has_secret": True}
TESTED = {"webhook_id": "msg_1", "origin": "https://shop.example.com", "delivered": True, "status_code": 204}
MORE = {"object": "webhook_test", "error": None, "duration_ms": 12, "advice": "nothing to do"}


@pytest.fixture
def user(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_the_address_and_why_it_is_off_are_shown(user: CommandLine) -> None:
    off = {**SHOWN, "disabled_at": "2026-11-21T12:00:00Z"}
    user.fermata.cues.extend([say(200, off), say(200, {**SHOWN, "url": None}), say(200, off)])

    assert [line.split(maxsplit=1)[0] for line in user.type("webhook", "show").out.splitlines()] == [
        *("posts", "secret", "switched", "because"),
    ]
    assert "nowhere" in user.type("webhook", "show").out
    assert user.type("webhook", "show", "--json").json() == off


def test_only_a_secret_is_on_stdout(user: CommandLine) -> None:
    rotated = {"secret": "whsec_new", "previous_until": "2026-11-22T12:00:00Z"}
    user.fermata.cues.extend([say(200, {**SHOWN, "secret": "whsec_first"}), say(200, {**SHOWN, "secret": None})])
    user.fermata.cues.extend([say(200, rotated), say(204)])

    ran = [
        user.type("webhook", "set", URL),
        user.type("webhook", "set", URL),
        user.type("webhook", "rotate", "--overlap", "60"),
        user.type("webhook", "remove"),
    ]

    assert [(each.code, each.out) for each in ran] == [(0, "whsec_first\n"), (0, ""), (0, "whsec_new\n"), (0, "")]
    assert "until 2026-11-22 12:00:00 UTC" in ran[2].errors
    assert user.fermata.requests[2].content == b'{"overlap_s": 60}'


def test_every_result_is_given_as_json(user: CommandLine) -> None:
    secret = {"secret": "whsec_new", "previous_until": None}
    answers = [{**SHOWN, "secret": "whsec_first"}, secret, {**TESTED, **MORE}]
    user.fermata.cues.extend([*(say(200, each) for each in answers), say(204)])

    ran = [user.type("webhook", *words, "--json") for words in (["set", URL], ["rotate"], ["test"], ["remove"])]

    assert [each.json() for each in ran] == [*answers, {"url": None}]
    assert [each.errors for each in ran] == [""] * 4


@pytest.mark.parametrize(("delivered", "code"), [(True, 0), (False, 1)])
def test_a_message_that_is_not_taken_is_exit_code_one(user: CommandLine, delivered: bool, code: int) -> None:
    user.fermata.cues.append(say(200, {**TESTED, **MORE, "delivered": delivered}))

    ran = user.type("webhook", "test")

    assert ran.code == code
    assert ran.out == "https://shop.example.com 204 after 12 ms: nothing to do\n"


def test_a_key_without_the_scope_is_exit_code_three(user: CommandLine) -> None:
    user.fermata.cues.append(problem(403, "insufficient_scope", required_scope="account:manage"))

    ran = user.type("webhook", "set", URL)

    assert (ran.code, ran.out) == (3, "")
