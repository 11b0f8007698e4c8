"""The settings of a cloud are checked before anything starts."""

import json
from pathlib import Path

import pytest

from local import settings
from local.deploy.parameters import MOST_VALUE_BYTES
from local.errors import UsageError
from local.settings import (
    PROJECT_ROOT,
    CloudSettings,
    check_settings,
    is_loopback,
    known_providers,
    origin,
    template_parameters,
)
from tests.fakes.settings import PROVIDERS

TEMPLATE = """
Parameters:
  MinimaxBaseUrl: {Type: String, Default: ""}
  ProviderSettings: {Type: String, Default: "{}"}
  TrustedLocalOrigins: {Type: String, Default: ""}
  TrustedWebhookOrigins: {Type: String, Default: ""}
  ModelLatencyPriors: {Type: String, Default: "{}"}
  Other: {Type: String, Default: x}
Resources: {}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE, "utf-8")
    return path


def refusal(settings: CloudSettings) -> str:
    with pytest.raises(UsageError) as error:
        check_settings(settings)
    assert error.value.exit_code == 2
    return str(error.value)


def of_providers(parameters: dict[str, str]) -> dict[str, str]:
    others = {"ModelLatencyPriors", "TrustedWebhookOrigins"}
    return {name: value for name, value in parameters.items() if name not in others}


def test_providers_are_those_of_the_catalogue_where_the_template_takes_settings_of_them(
    template: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("Resources: {}", "utf-8")
    assert set(known_providers(template)) == set(PROVIDERS)
    assert known_providers(other) == ()


def test_an_unknown_provider_is_refused_with_the_known_ones(template: Path) -> None:
    keys = {"udio": "k"}
    text = refusal(CloudSettings(template=template, providers={"suno": "http://127.0.0.1:1"}, provider_keys=keys))
    assert "'suno'" in text
    assert "'udio'" in text
    assert "the catalogue has aimlapi, apiinone, minimax, skillboss" in text


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1:80", "https://api.minimax.io", "http://0.0.0.0:80", "http://127.0.0.1.evil:80"]
)
def test_a_provider_elsewhere_is_refused_without_permission_to_spend(template: Path, url: str) -> None:
    text = refusal(CloudSettings(template=template, providers={"minimax": url}))
    assert "--real minimax" in text


def test_permission_to_spend_is_per_provider(template: Path) -> None:
    elsewhere = {"minimax": "https://api.minimax.io", "aimlapi": "https://api.aimlapi.com"}
    text = refusal(CloudSettings(template=template, providers=elsewhere, real=("minimax",)))
    assert "--provider aimlapi" in text
    assert "--provider minimax" not in text


@pytest.mark.parametrize(
    "url", ["127.0.0.1:9000", "ftp://127.0.0.1", "http://127.0.0.1:9000/path", "http://", "http://127.0.0.1?x"]
)
def test_a_provider_address_is_an_origin(template: Path, url: str) -> None:
    assert "expected scheme://host:port" in refusal(CloudSettings(template=template, providers={"minimax": url}))


def test_an_address_cannot_come_in_as_an_ordinary_parameter(template: Path) -> None:
    text = refusal(CloudSettings(template=template, parameters={"MinimaxBaseUrl": "https://api.minimax.io"}))
    assert "--provider minimax=URL" in text


def test_an_address_cannot_come_in_among_other_settings(template: Path) -> None:
    given = '{"minimax":{"rpm":1},"aimlapi":{"base_url":"https://api.aimlapi.com"}}'
    text = refusal(CloudSettings(template=template, parameters={"ProviderSettings": given}))
    assert text == ("--param ProviderSettings: expected --provider aimlapi=URL, which also starts no simulator for it")


@pytest.mark.parametrize("given", ["", "x", "[]", '{"minimax":1}', "null"])
def test_settings_of_providers_are_an_object_of_objects(template: Path, given: str) -> None:
    text = refusal(CloudSettings(template=template, parameters={"ProviderSettings": given}))
    assert text == "--param ProviderSettings: expected a JSON object with an object for each provider"


@pytest.mark.parametrize("scale", [0, -1, float("inf"), float("nan")])
def test_a_time_scale_is_above_zero(template: Path, scale: float) -> None:
    assert "--time-scale" in refusal(CloudSettings(template=template, time_scale=scale))


@pytest.mark.parametrize("amount", [-1, 1_000_000_001])
def test_the_demo_tenants_credits_are_a_number_that_can_be_granted(template: Path, amount: int) -> None:
    assert "--credits" in refusal(CloudSettings(template=template, credits=amount))


def test_all_problems_are_reported_at_once(template: Path) -> None:
    text = refusal(CloudSettings(template=template, time_scale=0, provider_latency_s=-1, port=70000, real=("suno",)))
    assert len(text.splitlines()) == 4


def test_exactly_the_simulators_and_given_addresses_are_trusted(template: Path) -> None:
    settings = CloudSettings(
        template=template, providers={"aimlapi": "http://127.0.0.1:9000/"}, parameters={"Other": "y"}
    )
    assert of_providers(template_parameters(settings, {"minimax": "http://127.0.0.1:4000"})) == {
        "Other": "y",
        "ProviderSettings": (
            '{"minimax":{"base_url":"http://127.0.0.1:4000"},"aimlapi":{"base_url":"http://127.0.0.1:9000"}}'
        ),
        "TrustedLocalOrigins": "http://127.0.0.1:4000,http://127.0.0.1:9000",
    }


@pytest.mark.parametrize(("latency_s", "p50_s"), [(0, 1), (2, 2), (2.5, 3), (90, 90)])
def test_every_model_of_a_simulator_is_expected_to_take_as_long_as_the_simulator(
    template: Path, latency_s: float, p50_s: int
) -> None:
    settings = CloudSettings(template=template, provider_latency_s=latency_s, providers={"aimlapi": "http://[::1]:1"})
    parameters = template_parameters(settings, {"minimax": "http://127.0.0.1:1", "apiinone": "http://127.0.0.1:2"})
    priors = json.loads(parameters["ModelLatencyPriors"])
    assert {name.partition("/")[0] for name in priors} == {"minimax", "apiinone"}
    assert {"minimax/music-2.5", "minimax/speech-2.8-hd", "apiinone/suno", "apiinone/suno-*"} <= set(priors)
    assert all(prior == {"p50_s": p50_s, "p80_s": p50_s + 1} for prior in priors.values())


def test_webhooks_may_go_to_every_port_of_this_machine_unless_strict_or_told_otherwise(template: Path) -> None:
    given = {"TrustedWebhookOrigins": "http://192.168.1.5:80"}
    found = [
        template_parameters(settings, {})["TrustedWebhookOrigins"]
        for settings in (
            CloudSettings(template=template),
            CloudSettings(template=template, strict=True),
            CloudSettings(template=template, parameters=given),
        )
    ]
    assert found == ["http://127.0.0.1:*,http://localhost:*,http://[::1]:*", "", "http://192.168.1.5:80"]


def test_a_given_latency_stands_as_it_is_given(template: Path) -> None:
    given = '{"apiinone/suno":{"p50_s":7,"p80_s":9}}'
    settings = CloudSettings(template=template, parameters={"ModelLatencyPriors": given})
    assert template_parameters(settings, {"apiinone": "http://127.0.0.1:2"})["ModelLatencyPriors"] == given


def test_the_latency_of_all_simulated_models_fits_into_a_parameter() -> None:
    parameters = template_parameters(CloudSettings(provider_latency_s=3600), dict.fromkeys(PROVIDERS, "http://[::1]:1"))
    assert len(parameters["ModelLatencyPriors"].encode()) <= MOST_VALUE_BYTES


def test_a_real_provider_is_not_trusted_with_plain_http(template: Path) -> None:
    settings = CloudSettings(template=template, providers={"minimax": "https://api.minimaxi.com"}, real=("minimax",))
    assert of_providers(template_parameters(settings, {})) == {
        "ProviderSettings": '{"minimax":{"base_url":"https://api.minimaxi.com"}}',
        "TrustedLocalOrigins": "",
    }


def test_addresses_stand_beside_the_given_parameters(template: Path) -> None:
    asked = '{"minimax":{"rpm":7},"apiinone":{"concurrency":2}}'
    settings = CloudSettings(template=template, parameters={"ProviderSettings": asked})
    assert json.loads(template_parameters(settings, {"minimax": "http://127.0.0.1:1"})["ProviderSettings"]) == {
        "minimax": {"rpm": 7, "base_url": "http://127.0.0.1:1"},
        "apiinone": {"concurrency": 2},
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80", True),
        ("http://localhost.evil", False),
        ("x", False),
    ],
)
def test_loopback_is_an_address_and_not_a_likeness(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1", "http://127.0.0.1:80"),
        ("https://localhost/", "https://localhost:443"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_an_origin_has_its_port_written_out(url: str, expected: str) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize("environments", [0, -1, 1001])
def test_a_cloud_has_at_least_one_environment(template: Path, environments: int) -> None:
    told = refusal(CloudSettings(template=template, environments=environments))
    assert f"--environments: expected 1 to 1000, found {environments}" in told


def test_songs_are_signed_only_where_the_library_for_it_is_set_up(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "C2PA_ENVIRONMENT", PROJECT_ROOT / ".tools" / "missing")
    signing = CloudSettings(template=template, parameters={"Marking": "c2pa"})
    assert refusal(signing) == "not set up: .tools/missing is missing; run make setup"
    check_settings(CloudSettings(template=template, parameters={"Marking": "tags"}))
