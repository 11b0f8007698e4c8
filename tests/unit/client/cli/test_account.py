"""Reading the account and the catalogue, and where keys are kept."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fermata_client.cli.credentials import Credentials, PlatformKeyring, credentials_of
from fermata_client.cli.exits import ExitCode, code_of
from fermata_client.cli.surroundings import Surroundings
from fermata_client.errors import FermataError, SettingsError
from tests.documents import Document
from tests.fakes.client.command_line import CommandLine, FakeKeyring, command_names
from tests.fakes.client.fake_fermata import API_KEY, BASE_URL, OFFER, answer, problem, say, say_html, unreachable
from tests.functions import ROOT

GOLDEN = json.loads((ROOT / "tests/fixtures/answers.json").read_text("utf-8"))


@pytest.fixture
def user(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, environment={})


def _golden(user: CommandLine, name: str) -> None:
    user.fermata.cues.append(say(200, {**json.loads(GOLDEN[name]["body"]), "next_cursor": None}))


@pytest.mark.parametrize(
    ("words", "answer", "said"),
    [
        (["models", "--kind", "song", "--sort", "price"], "models", "aimlapi/"),
        (["account"], "account_prepaid", "credits"),
        (["usage", "--from", "2026-11-01", "--to", "2026-11-30", "--group-by", "day"], "usage", "2026-11-"),
    ],
)
def test_what_is_read_is_shown_and_given_as_json(user: CommandLine, words: list[str], answer: str, said: str) -> None:
    _golden(user, answer)
    _golden(user, answer)

    shown, given = user.type(*words), user.type(*words, "--json")

    assert (shown.code, given.code) == (0, 0)
    assert said in shown.out
    body = json.loads(GOLDEN[answer]["body"])
    wanted = body.get("data") or {**body, "next_cursor": None}
    assert given.json() == wanted


def test_groups_and_days_are_asked_for(user: CommandLine) -> None:
    group = {"jobs": 1, "succeeded": 1, "credits": 30, "audio_ms": 1500, "key_id": None, "metadata": {"project": "x"}}
    user.fermata.cues.append(say(200, {"data": [group], "next_cursor": None}))

    ran = user.type("usage", "--from", "2026-11-01", "--group-by", "key", "--group-by", "metadata.project")

    assert user.fermata.requests[0].url.query == b"from=2026-11-01&group_by=key%2Cmetadata.project"
    assert ran.out.splitlines()[1].split() == ["project=x", "1", "1", "30", "1.5", "s"]


def test_the_usage_log_has_a_line_for_each_job(user: CommandLine) -> None:
    line: dict[str, Any] = {
        "finished_at": "2026-11-21T12:00:00Z",
        "job_id": "job_1",
        "key_id": None,
        "model": "minimax/music-2.5",
    }
    line |= {"status": "succeeded", "credits": 30, "units": 1.0, "unit": "song", "audio_ms": 1500}
    line |= {"created_at": "2026-11-21T11:59:00Z", "metadata": {"project": "x"}}
    user.fermata.cues.extend([say(200, {"data": [line], "next_cursor": None})] * 2)

    shown = user.type("usage-log", "--to", "2026-11-30")

    assert shown.out.splitlines()[1].split()[3:] == ["job_1", "succeeded", "minimax/music-2.5", "30"]
    assert user.type("usage-log", "--json").json() == [line]
    assert user.fermata.requests[0].url.query == b"to=2026-11-30"


def test_the_ledger_has_a_line_for_each_movement(user: CommandLine) -> None:
    entry = {"at": "2026-11-21T12:00:00Z", "kind": "grant", "credits": 50, "balance_credits": 70, "note": "a gift"}
    user.fermata.cues.extend([say(200, {"data": [entry], "next_cursor": None})] * 2)

    shown = user.type("ledger", "--from", "2026-11-01")

    assert shown.out.splitlines()[1].split()[3:] == ["grant", "50", "70", "a", "gift"]
    assert user.type("ledger", "--json").json() == [entry]
    assert user.fermata.requests[0].url.query == b"from=2026-11-01"


@pytest.mark.parametrize("command", ["usage-log", "ledger"])
def test_csv_is_printed_page_after_page_and_harmless(user: CommandLine, command: str) -> None:
    kind = "text/csv; charset=utf-8"
    user.fermata.cues.append(answer(200, b"at,note\r\n1,\x1b[2J\r\n", Content_Type=kind, Next_Cursor="more"))
    user.fermata.cues.append(answer(200, b"at,note\r\n2,b\r\n", Content_Type=kind))

    ran = user.type(command, "--csv")

    assert (ran.code, ran.out) == (0, "at,note\n1,\ufffd[2J\n2,b\n")


def test_an_uploaded_recording_is_named_by_its_id_alone(user: CommandLine) -> None:
    user.fermata.cues.extend([say(201, OFFER)] * 2)
    user.fermata.file_cues.extend([say(204)] * 2)
    take = user.folder / "take.mp3"
    take.write_bytes(b"song")

    shown, given = user.type("upload", str(take)), user.type("upload", str(take), "--json")

    assert (shown.code, shown.out) == (0, f"{OFFER['id']}\n")
    assert given.json() == {"id": OFFER["id"], "expires_at": OFFER["expires_at"]}
    assert user.type("upload", str(user.folder / "gone.mp3")).code == 11


def test_voices_are_listed(user: CommandLine) -> None:
    user.fermata.cues.append(say(200, {"data": [{"id": "Wise_Woman", "name": "Wise", "language": None}]}))

    assert "Wise_Woman" in user.type("voices", "--language", "de").out


def test_a_login_keeps_the_key_in_the_keyring_and_only_the_address_in_a_file(stranger: CommandLine) -> None:
    _golden(stranger, "account_prepaid")

    ran = stranger.type("login", f"{BASE_URL}/v1/", "--stdin", stdin=f"{API_KEY}\n")

    assert ran.code == 0
    assert "as acme" in ran.errors
    assert stranger.keyring.secrets == {BASE_URL: API_KEY}
    files = [path for path in stranger.folder.rglob("*") if path.is_file()]
    assert [json.loads(path.read_text("utf-8")) for path in files] == [{"base_url": BASE_URL}]
    _golden(stranger, "account_prepaid")
    assert stranger.type("account").code == 0
    assert stranger.connected[-1] == (API_KEY, BASE_URL)


def test_a_login_asks_for_the_key_and_does_not_show_it(stranger: CommandLine) -> None:
    _golden(stranger, "account_prepaid")

    ran = stranger.type("login", BASE_URL, "--json", stdin=f"{API_KEY}\n")

    assert stranger.keyring.secrets == {BASE_URL: API_KEY}
    assert API_KEY not in ran.out + ran.errors


def test_a_login_with_a_key_that_may_not_read_its_account_is_one(stranger: CommandLine) -> None:
    stranger.fermata.cues.append(problem(403, "insufficient_scope"))

    assert stranger.type("login", BASE_URL, "--stdin", stdin=API_KEY).code == 0
    assert stranger.keyring.secrets == {BASE_URL: API_KEY}


@pytest.mark.parametrize(
    ("cue", "code"), [(say(403, {"message": "Forbidden"}), 3), (say_html(200), 10), (problem(500, "broken"), 10)]
)
def test_a_key_that_fermata_does_not_take_is_not_kept(stranger: CommandLine, cue: object, code: int) -> None:
    stranger.fermata.cues.extend([cue] * 6)  # type: ignore[list-item]

    ran = stranger.type("login", BASE_URL, "--stdin", stdin=API_KEY)

    assert ran.code == code
    assert stranger.keyring.secrets == {}
    assert API_KEY not in ran.out + ran.errors


@pytest.mark.parametrize(
    ("words", "stdin"), [(["http://api.example.com"], API_KEY), ([BASE_URL], ""), ([], API_KEY), ([BASE_URL], "a b")]
)
def test_a_wrong_address_or_key_is_refused_before_anything_is_sent(
    stranger: CommandLine, words: list[str], stdin: str
) -> None:
    ran = stranger.type("login", *words, "--stdin", stdin=stdin)

    assert (ran.code, stranger.fermata.requests) == (2, [])


def test_a_logout_forgets_the_key(stranger: CommandLine) -> None:
    _golden(stranger, "account_prepaid")
    stranger.type("login", BASE_URL, "--stdin", stdin=API_KEY)

    assert stranger.type("logout").code == 0
    assert stranger.keyring.secrets == {}
    assert stranger.type("logout", "--json").json() == {"base_url": BASE_URL}
    ran = stranger.type("account")
    assert ran.code == 2
    assert "fermata login" in ran.errors


def test_the_environment_comes_before_what_was_kept(user: CommandLine) -> None:
    user.keyring.put(BASE_URL, "fk_kept")
    _golden(user, "account_prepaid")

    user.type("account")

    assert user.connected == [(API_KEY, BASE_URL)]


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"base_url": 7}', "\x00"])
def test_a_broken_file_of_settings_is_a_clear_error(stranger: CommandLine, kept: str) -> None:
    (stranger.folder / "kept").mkdir()
    (stranger.folder / "kept" / "config.json").write_text(kept, "utf-8")

    ran = stranger.type("account")

    assert ran.code == 2
    assert "fermata login" in ran.errors


def test_nothing_of_a_network_is_a_network_error_with_what_to_do(user: CommandLine) -> None:
    user.fermata.cues.extend([unreachable] * 6)

    ran = user.type("account")

    assert ran.code == 10
    assert "look at the network and at the base URL" in ran.errors


def test_every_error_has_an_exit_code_of_its_kind() -> None:
    def below(kind: type[FermataError]) -> list[type[FermataError]]:
        return [each for child in kind.__subclasses__() for each in (child, *below(child))]

    codes = {kind.__name__: code_of(kind) for kind in below(FermataError) if kind.__name__ not in BASES}
    assert {name for name, code in codes.items() if code is ExitCode.BROKEN} == {"WebhookError"}
    assert code_of(FileNotFoundError) is ExitCode.FILE


BASES = {"RefusedError", "NoAnswerError", "InvalidRequestError", "ClockOffError"}


def test_the_document_has_every_exit_code_and_every_command() -> None:
    text = Document("docs/client.md").text

    assert [f"| {int(code)} |" in text for code in ExitCode] == [True] * len(ExitCode)
    assert {name for name in command_names() if f"`fermata {name}" not in text} == set()


def test_a_machine_without_a_keyring_says_which_variable_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    broken, kinds = ModuleType("keyring"), ModuleType("keyring.errors")

    class KeyringError(Exception):
        """As keyring's own."""

    class PasswordDeleteError(KeyringError):
        """As keyring's own."""

    def fail(*_: object) -> None:
        raise KeyringError("no backend")

    for name in ("get_password", "set_password", "delete_password"):
        setattr(broken, name, fail)
    kinds.KeyringError, kinds.PasswordDeleteError = KeyringError, PasswordDeleteError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", broken)
    monkeypatch.setitem(sys.modules, "keyring.errors", kinds)
    ring = PlatformKeyring()

    uses: list[Callable[[], object]] = [
        lambda: ring.get("a"),
        lambda: ring.put("a", "b"),
        lambda: ring.forget("a"),
    ]
    for use in uses:
        with pytest.raises(SettingsError, match="FERMATA_API_KEY"):
            use()


def test_by_default_the_credentials_are_those_of_the_process() -> None:
    credentials = Surroundings().credentials

    assert isinstance(credentials, Credentials)
    assert credentials.environment is os.environ
    assert credentials.file.name == "config.json"
    assert isinstance(credentials_of(Path("x")).keyring, PlatformKeyring)
    assert isinstance(FakeKeyring().secrets, dict)


def test_the_version_is_the_packages(user: CommandLine) -> None:
    ran = user.type("--version")

    assert (ran.code, ran.out) == (0, "fermata 0.9.0\n")
