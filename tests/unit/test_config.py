"""Settings come from the environment; every wrong name is reported at once, and no value ever."""

import json
from pathlib import Path

import pytest

from fermata import config
from fermata.domain.providers.circuit import CircuitRules
from fermata.errors import ConfigurationError
from tests.fakes.settings import CIRCUIT_SETTINGS

START = {
    "TABLE_NAME": "jobs",
    "AUDIO_BUCKET": "audio",
    "PROVIDER_KEYS_SECRET_ARN": "arn:secret",
    "PROVIDER_KEY_MAX_AGE_SECONDS": "300",
    "TRUSTED_LOCAL_ORIGINS": "",
    "SETTINGS_VERSION": "0123abcd",
    "CONNECT_TIMEOUT_SECONDS": "10",
    "READ_GAP_SECONDS": "600",
    "START_TIMEOUT_SECONDS": "900",
    "POST_RESERVE_SECONDS": "45",
    "CLAIM_MARGIN_SECONDS": "60",
    "RETRY_LATER_SECONDS": "10",
    "CALLBACK_TIMEOUT_SECONDS": "120",
    "API_URL_PARAMETER": "/fermata/fermata/api-url",
    "REFERENCE_LINK_SECONDS": "3600",
    "LIVE_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:live",
    "START_BY_SECONDS": "3600",
    "GENERATION_TIMEOUT_SECONDS": "3600",
    "PATIENCE_SECONDS": "3600",
    "MARKING": "tags",
    **CIRCUIT_SETTINGS,
}


def refused(changes: dict[str, str | None]) -> str:
    environment = {name: value for name, value in {**START, **changes}.items() if value is not None}
    with pytest.raises(ConfigurationError) as caught:
        config.load(config.StartSettings, environment)
    return str(caught.value)


def test_settings_are_read_with_their_types() -> None:
    settings = config.load(
        config.StartSettings,
        {
            **START,
            "TRUSTED_LOCAL_ORIGINS": " http://127.0.0.1:1 ,http://127.0.0.1:2,",
            "SOMETHING_ELSE": "ignored",
        },
    )
    assert (settings.table_name, settings.read_gap_seconds) == ("jobs", 600)
    assert settings.trusted_local_origins == {"http://127.0.0.1:1", "http://127.0.0.1:2"}
    assert settings.settings_version == "0123abcd"


def test_an_empty_list_is_empty() -> None:
    assert config.load(config.StartSettings, START).trusted_local_origins == frozenset()


def test_the_environment_is_the_source_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "jobs")
    assert config.load(config.TableSettings).table_name == "jobs"


def test_every_missing_name_is_reported_at_once() -> None:
    message = refused({"TABLE_NAME": None, "AUDIO_BUCKET": None, "READ_GAP_SECONDS": None})
    assert message == "StartSettings: TABLE_NAME is not set; AUDIO_BUCKET is not set; READ_GAP_SECONDS is not set"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("READ_GAP_SECONDS", "0"),
        ("READ_GAP_SECONDS", "-1"),
        ("READ_GAP_SECONDS", "canary"),
        ("READ_GAP_SECONDS", ""),
        ("READ_GAP_SECONDS", "1.5"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(name: str, value: str) -> None:
    message = refused({name: value})
    assert name in message
    assert "canary" not in message


def test_a_wrong_value_is_not_in_the_chain_of_causes_either() -> None:
    with pytest.raises(ConfigurationError) as caught:
        config.load(config.StartSettings, {**START, "READ_GAP_SECONDS": "canary"})
    assert caught.value.__suppress_context__
    assert "canary" not in str(caught.value.__context__)


def test_an_answer_that_does_not_fit_into_the_function_is_refused() -> None:
    message = refused({"READ_GAP_SECONDS": "856"})
    assert "READ_GAP_SECONDS + POST_RESERVE_SECONDS = 901" in message
    assert "START_TIMEOUT_SECONDS = 900" in message
    assert config.load(config.StartSettings, {**START, "READ_GAP_SECONDS": "855"}).read_gap_seconds == 855


def test_the_circuit_has_its_rules() -> None:
    settings = config.load(config.StartSettings, START)
    assert settings.circuit_rules == CircuitRules(failures=5, window_ms=60_000, open_ms=30_000, longest_open_ms=600_000)


def test_a_circuit_that_could_not_stay_open_is_refused() -> None:
    assert "CIRCUIT_LONGEST_OPEN_SECONDS = 29 is less than CIRCUIT_OPEN_SECONDS = 30" in refused(
        {"CIRCUIT_LONGEST_OPEN_SECONDS": "29"}
    )


@pytest.mark.parametrize(("seconds", "works"), [("1", True), ("3600", True), ("3601", False), ("0", False)])
def test_a_link_works_for_an_hour_at_most(seconds: str, works: bool) -> None:
    given = {"TABLE_NAME": "jobs", "AUDIO_BUCKET": "audio", "SETTINGS_VERSION": "none", "LINK_TTL_SECONDS": seconds}
    if works:
        assert config.load(config.ShowSettings, given).link_ttl_seconds == int(seconds)
    else:
        with pytest.raises(ConfigurationError, match="LINK_TTL_SECONDS"):
            config.load(config.ShowSettings, given)


def test_a_patience_that_does_not_fit_into_an_execution_is_refused() -> None:
    message = refused({"PATIENCE_SECONDS": "13501"})
    assert "PATIENCE_SECONDS = 21601" in message
    assert config.load(config.StartSettings, {**START, "PATIENCE_SECONDS": "13500"}).patience_seconds == 13_500


def test_an_execution_takes_as_long_as_the_machine_says() -> None:
    machine = Path(__file__).parents[2] / "statemachine" / "music_job.asl.json"
    assert json.loads(machine.read_text("utf-8"))["TimeoutSeconds"] == config.MACHINE_TIMEOUT_S


def test_origins_of_webhooks_are_those_of_links_and_more_in_lower_case() -> None:
    given = {"TABLE_NAME": "t", "TRUSTED_LOCAL_ORIGINS": "http://A:1", "TRUSTED_WEBHOOK_ORIGINS": "http://LOCALHOST:*"}
    trusted = config.load(config.EndpointSettings, given).trusted
    assert trusted.links == {"http://a:1"}
    assert trusted.webhooks == {"http://a:1", "http://localhost:*"}
