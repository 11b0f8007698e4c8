"""Arguments of `python -m local`."""

from pathlib import Path

import pytest

from local.cli import main, parse_settings
from local.console import export_lines
from local.errors import UsageError

DESCRIPTION = {
    "api_url": "http://127.0.0.1:1",
    "api_key": "fk_1",
    "tenant": "demo",
    "aws_endpoint_url": "http://127.0.0.1:2",
    "region": "eu-west-1",
    "access_key_id": "A",
    "secret_access_key": "it's $ecret",
    "logs_dir": "/with a space",
    "state_dir": "/state",
    "outputs": {"AudioBucketName": "b", "ApiUrl": "http://127.0.0.1:1"},
}


def test_pairs_may_hold_further_equals_signs_and_repeat() -> None:
    settings = parse_settings(
        "up",
        [
            "--param",
            "A=x=y",
            "--param",
            "B=",
            "--provider",
            "minimax=http://127.0.0.1:9",
            "--provider-key",
            "minimax=k=",
        ],
    )
    assert settings.parameters == {"A": "x=y", "B": ""}
    assert settings.providers == {"minimax": "http://127.0.0.1:9"}
    assert settings.provider_keys == {"minimax": "k="}


def test_without_arguments_it_is_port_3000_real_time_and_two_seconds_a_song() -> None:
    settings = parse_settings("up", [])
    assert (settings.port, settings.time_scale, settings.provider_latency_s) == (3000, 1.0, 2.0)
    assert (settings.state_dir, settings.real, settings.built) == (None, (), False)
    assert (settings.credits, settings.environments) == (None, 64)
    assert (settings.keep_port, settings.keeps_state, settings.fresh) == (True, True, False)


def test_every_argument_arrives() -> None:
    settings = parse_settings(
        "up",
        [
            *("--port=0", "--real=minimax", "--time-scale=50", "--provider-latency=0.5"),
            *("--state-dir=/x", "--credits=300", "--environments=12", "--built", "--fresh", "--in-memory"),
        ],
    )
    assert (settings.credits, settings.environments) == (300, 12)
    assert (settings.fresh, settings.in_memory, settings.keep_port) == (True, True, False)
    assert (settings.port, settings.time_scale, settings.provider_latency_s) == (0, 50.0, 0.5)
    assert (settings.state_dir, settings.real, settings.built) == (Path("/x"), ("minimax",), True)


@pytest.mark.parametrize(
    ("arguments", "keeps"),
    [
        ([], True),
        (["--port", "0"], False),
        (["--port", "0", "--state-dir", "/x"], True),
        (["--in-memory"], False),
        (["--state-dir", "/x", "--in-memory"], False),
    ],
)
def test_a_cloud_keeps_its_state_unless_it_is_on_a_free_port_or_told_otherwise(
    arguments: list[str], keeps: bool
) -> None:
    assert parse_settings("up", arguments).keeps_state is keeps


@pytest.mark.parametrize(
    "argv",
    [
        ["--port", "many"],
        ["--param", "NoEquals"],
        ["--param", "=x"],
        ["--unknown"],
        ["--time-scale"],
        ["positional"],
        ["--provi", "a=b"],
        ["--credits", "1.5"],
    ],
)
def test_a_wrong_argument_is_a_usage_error(argv: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_settings("up", argv)


def test_a_refused_key_is_not_repeated() -> None:
    with pytest.raises(UsageError) as error:
        parse_settings("up", ["--provider-key", "sk-canary"])
    assert "canary" not in str(error.value)


@pytest.mark.parametrize(
    "argv",
    [
        ["fly"],
        ["env", "--nope"],
        ["env", "--state-dir", "x", "--stack", "y"],
        ["admin"],
        ["admin", "rename", "x"],
        ["admin", "issue-key"],
        ["admin", "grant", "acme"],
        *[["admin", "grant", "acme", amount] for amount in ("1.5", "1e3", "1_000", "\u0665", "", "many", "9" * 101)],
        ["admin", "set-plan", "acme", "barter"],
        ["admin", "set-plan", "acme", "postpaid", "--cap", "1.5"],
        ["admin", "set-plan", "acme", "prepaid", "--submits-per-minute", "many"],
        ["admin", "rotate-key"],
        ["admin", "rotate-key", "aaaaaaaa", "--overlap", "soon"],
        ["admin", "issue-key", "acme", "--days", "1", "--expires-at", "2027-01-01T00:00:00Z"],
        ["admin", "set-triggers", "acme", "--inbox", "yes"],
        ["admin", "set-triggers"],
        ["admin", "pause"],
        ["admin", "reconcile", "minimax"],
    ],
)
def test_a_wrong_command_ends_with_two_and_one_line_of_cause(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("command", [["env"], ["admin"]])
def test_without_a_cloud_there_is_nothing_to_call(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["create-tenant", "x"] if command == ["admin"] else []
    assert main([*command, "--state-dir", str(tmp_path), *more]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert str(tmp_path) in said.err


def test_exports_are_quoted_for_a_shell() -> None:
    lines = list(export_lines(DESCRIPTION))
    assert "export API_URL=http://127.0.0.1:1" in lines
    assert "export AWS_DEFAULT_REGION=eu-west-1" in lines
    assert "export AUDIO_BUCKET_NAME=b" in lines
    assert "export FERMATA_STATE_DIR=/state" in lines
    assert """export AWS_SECRET_ACCESS_KEY='it'"'"'s $ecret'""" in lines
    assert "export LOGS_DIR='/with a space'" in lines
    assert len(lines) == len({line.split("=")[0] for line in lines})
