"""What an operator sets over the catalogue is checked as a whole, and no value of it is ever shown."""

import json
from collections.abc import Mapping
from decimal import Decimal

import pytest

from fermata.domain.catalogue.models import Estimate, read_catalogue
from fermata.domain.catalogue.operator_settings import (
    NOTHING_SET,
    GivenSettings,
    OperatorSettings,
    read_settings,
    refuse_plain_addresses,
)
from fermata.domain.providers.settings import ProviderChanges
from fermata.errors import ConfigurationError
from tests.fakes.settings import PROVIDERS

CATALOGUE = read_catalogue()
LOCAL = "http://127.0.0.1:9000"


def given(
    providers: object = None,
    priors: object = None,
    single: Mapping[str, Mapping[str, str]] | None = None,
    prices: object = None,
) -> GivenSettings:
    texts = [each if isinstance(each, str) else json.dumps(each or {}) for each in (providers, priors, prices)]
    return GivenSettings(texts[0], texts[1], texts[2], single or {})


def read(settings: GivenSettings, *trusted: str) -> OperatorSettings:
    return read_settings(settings, CATALOGUE, frozenset(trusted))


def refusal(settings: GivenSettings, *trusted: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read(settings, *trusted)
    assert "canary" not in str(refused.value)
    return str(refused.value)


def test_where_nothing_is_set_the_catalogue_stays_as_it_is() -> None:
    unset = read(given(single={provider: {"base_url": "", "rpm": ""} for provider in PROVIDERS}))
    assert unset == OperatorSettings()
    assert unset.version == NOTHING_SET
    assert unset.applied_to(CATALOGUE) == CATALOGUE


def test_a_setting_replaces_the_catalogues_and_leaves_the_others() -> None:
    changed = read(given({"minimax": {"rpm": 7, "daily_budget_usd": "12.5"}})).applied_to(CATALOGUE)
    minimax = changed.settings_of("minimax")
    assert (minimax.origin, minimax.rpm, minimax.concurrency) == ("https://api.minimax.io", 7, 20)
    assert (minimax.limits.gap_ms, minimax.limits.concurrent, minimax.budget_micro_usd) == (8572, 20, 12_500_000)
    assert changed.settings_of("aimlapi") == CATALOGUE.settings_of("aimlapi")
    assert changed.models == CATALOGUE.models


def test_a_prior_replaces_an_estimate() -> None:
    priors = {"minimax/music-2.5": {"p50_s": 1, "p80_s": 2}, "minimax/music-*": {"p50_s": 3, "p80_s": 4}}
    changed = read(given(priors=priors)).applied_to(CATALOGUE)
    found = [changed.find(name) for name in ("minimax/music-2.5", "minimax/music-2.6", "minimax/music-9")]
    assert [model and model.estimate for model in found] == [
        Estimate(p50_s=1, p80_s=2),
        Estimate(p50_s=70, p80_s=120),
        Estimate(p50_s=3, p80_s=4),
    ]


def test_the_object_of_all_providers_wins_setting_by_setting() -> None:
    single = {"minimax": {"rpm": "7", "concurrency": "3"}, "aimlapi": {"daily_budget_usd": "2.50"}}
    assert read(given({"minimax": {"rpm": 9}, "skillboss": {}}, single=single)).providers == {
        "minimax": ProviderChanges(rpm=9, concurrency=3),
        "aimlapi": ProviderChanges(daily_budget_usd=Decimal("2.50")),
    }


@pytest.mark.parametrize(
    ("usd", "micro_usd"), [(0, 0), ("12.5", 12_500_000), (0.195, 195_000), ("3", 3_000_000), (1_000_000, 10**12)]
)
def test_a_budget_is_given_in_usd_and_counted_in_millionths(usd: object, micro_usd: int) -> None:
    changed = read(given({"aimlapi": {"daily_budget_usd": usd}})).applied_to(CATALOGUE)
    usual = CATALOGUE.settings_of("minimax").budget_micro_usd
    assert [changed.settings_of(each).budget_micro_usd for each in PROVIDERS] == [usual, usual, usual, micro_usd]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("rpm", value) for value in (0, -1, 60_001, 1.5, "canary", "", True, [1], {"canary": 1})],
        *[("concurrency", value) for value in (0, 20_001, "canary", False)],
        *[("daily_budget_usd", value) for value in (-1, "canary", "NaN", "Infinity", 1_000_001, True)],
        *[("base_url", value) for value in (1, True, ["canary"])],
    ],
)
def test_a_value_that_cannot_be_is_named_and_not_shown(name: str, value: object) -> None:
    assert refusal(given({"minimax": {name: value}})).startswith(f"ProviderSettings.minimax.{name} ")


@pytest.mark.parametrize(
    "url", ["canary", "ftp://canary", "https://canary/path", "https://canary?x", "https://can ary", "https://"]
)
def test_an_address_is_an_origin(url: str) -> None:
    assert "the base_url of minimax must be scheme://host[:port]" in refusal(given({"minimax": {"base_url": url}}))


@pytest.mark.parametrize(
    ("name", "value", "parameter"),
    [
        ("rpm", "60001", "MinimaxRpm"),
        ("concurrency", "20001", "MinimaxConcurrency"),
        ("daily_budget_usd", "1000001", "MinimaxDailyBudgetUsd"),
    ],
)
def test_an_error_in_a_single_parameter_is_reported_under_its_own_name(name: str, value: str, parameter: str) -> None:
    assert refusal(given(single={"minimax": {name: value}})).startswith(f"{parameter} ")


@pytest.mark.parametrize("text", ["", "canary", "[]", "1", "null", '{"minimax":{},"minimax":{}}', '{"a":NaN}'])
def test_what_is_no_object_is_refused_by_its_parameter(text: str) -> None:
    wrong = "must be one JSON object without duplicate names"
    assert refusal(given(providers=text)) == f"ProviderSettings {wrong}"
    assert refusal(given(priors=text)) == f"ModelLatencyPriors {wrong}"


def test_a_provider_that_is_no_object_is_refused() -> None:
    assert refusal(given({"minimax": "canary"})).startswith("ProviderSettings.minimax ")
    assert refusal(given(priors={"minimax/music-2.5": "canary"})).startswith("ModelLatencyPriors.minimax/music-2.5 ")


def test_an_unknown_name_is_reported_with_the_known_ones() -> None:
    assert refusal(given({"suno": {"rpm": 1}})) == (
        "ProviderSettings: there is no provider suno; expected one of aimlapi, apiinone, minimax, skillboss"
    )
    assert refusal(given({"minimax": {"rmp": "canary"}})) == "ProviderSettings.minimax.rmp is not a setting"
    assert refusal(given(priors={"minimax/music-9": {"p50_s": 1, "p80_s": 2}})) == (
        "ModelLatencyPriors: there is no model minimax/music-9 in the catalogue"
    )
    assert f"no provider {'x' * 60}...; " in refusal(given({"x" * 61: {}}))


@pytest.mark.parametrize(
    "prior", [{"p50_s": 2, "p80_s": 1}, {"p50_s": 0, "p80_s": 1}, {"p50_s": 1}, {"p50_s": "canary", "p80_s": 2}, {}]
)
def test_a_prior_that_cannot_be_is_named_and_not_shown(prior: object) -> None:
    assert refusal(given(priors={"minimax/music-2.5": prior})).startswith("ModelLatencyPriors.minimax/music-2.5")


def test_every_problem_is_reported_at_once() -> None:
    problems = refusal(
        given({"suno": {}, "minimax": {"rpm": 0, "base_url": LOCAL}}, {"a": {}}, {"aimlapi": {"concurrency": "0"}})
    )
    assert len(problems.split("; ")) == len({*problems.split("; ")}) == 5


def test_what_is_wrong_is_not_in_the_chain_of_causes_either() -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(given({"minimax": {"rpm": "canary"}}))
    assert refused.value.__cause__ is None
    assert "canary" not in str(refused.value.__context__)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("trusted", ["", "http://127.0.0.1:9001", "https://127.0.0.1:9000", "http://127.0.0.1"])
def test_a_provider_is_called_without_tls_only_where_its_exact_origin_is_trusted(provider: str, trusted: str) -> None:
    plain = given({provider: {"base_url": LOCAL}})
    assert f"the base_url of {provider} must begin with https://" in refusal(plain, trusted)
    settings = read(plain, LOCAL)
    assert settings.applied_to(CATALOGUE).settings_of(provider).origin == LOCAL

    refuse_plain_addresses(settings.applied_to(CATALOGUE), {LOCAL})
    with pytest.raises(ConfigurationError, match=f"the base_url of {provider} must begin with https://"):
        refuse_plain_addresses(settings.applied_to(CATALOGUE), {trusted})


def test_the_port_of_http_may_be_left_out() -> None:
    assert read(given({"minimax": {"base_url": "http://LOCALHOST"}}), "http://localhost:80").providers


def test_an_origin_has_no_slash_at_its_end() -> None:
    settings = OperatorSettings(providers={"minimax": ProviderChanges(base_url="https://api.example/")})
    assert settings.applied_to(CATALOGUE).settings_of("minimax").origin == "https://api.example"


def test_a_version_belongs_to_its_contents_in_whatever_order_they_were_given() -> None:
    one = read(given({"minimax": {"rpm": 7}, "aimlapi": {"rpm": 8, "concurrency": 1}}))
    same = read(given({"aimlapi": {"concurrency": 1, "rpm": 8}, "minimax": {"rpm": 7}}))
    other = read(given({"minimax": {"rpm": 7}, "aimlapi": {"rpm": 8, "concurrency": 2}}))
    assert one.version == same.version != other.version
    assert len(one.version) == 32
    assert OperatorSettings.model_validate_json(one.as_json()) == one


def test_settings_of_what_a_later_catalogue_does_not_have_change_nothing() -> None:
    prior = Estimate(p50_s=1, p80_s=2)
    settings = OperatorSettings(providers={"gone": ProviderChanges(rpm=1)}, priors={"gone/song": prior})
    assert settings.applied_to(CATALOGUE) == CATALOGUE


# ---- prices


def test_the_operators_price_replaces_the_catalogues_and_the_rest_stays() -> None:
    prices = {"minimax/music-2.5": {"price_credits": 40}, "minimax/music-*": {"cost_usd": "0.12"}}
    changed = read(given(prices=prices)).applied_to(CATALOGUE)
    named, family = changed.find("minimax/music-2.5"), changed.find("minimax/music-9")
    assert named is not None
    assert (named.price_credits, named.cost_usd) == (40, "0.15")
    assert family is not None
    assert (family.price_credits, family.cost_usd) == (30, "0.12")
    assert read(given(prices=prices)).version != NOTHING_SET


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        ({"minimax/nope": {"price_credits": 1}}, "PriceOverrides: there is no model minimax/nope in the catalogue"),
        ({"minimax/music-2.5": {"price_credits": -1}}, "price_credits Input should be greater than or equal to 0"),
        ({"minimax/music-2.5": {"price_credits": 1.5}}, "PriceOverrides.minimax/music-2.5.price_credits "),
        ({"minimax/music-2.5": {"price_credits": True}}, "price_credits Input should be a valid integer"),
        ({"minimax/music-2.5": {"price_credits": 10**10}}, "less than or equal to 1000000000"),
        ({"minimax/music-2.5": {"cost_usd": "-0.1"}}, "cost_usd must be an amount of USD, 0 or more"),
        ({"minimax/music-2.5": {"cost_usd": 0.1}}, "cost_usd Input should be a valid string"),
        ({"minimax/music-2.5": {"cost_usd": "1e3"}}, "cost_usd must be an amount of USD"),
        ({"minimax/music-2.5": {"price": 1}}, "PriceOverrides.minimax/music-2.5.price is not a setting"),
        ({"minimax/music-2.5": 7}, "PriceOverrides.minimax/music-2.5 "),
        ("[]", "PriceOverrides must be one JSON object"),
    ],
)
def test_a_price_that_cannot_be_is_refused_by_name(prices: object, why: str) -> None:
    assert why in refusal(given(prices=prices))
