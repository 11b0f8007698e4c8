"""The catalogue that ships is consistent, and finds models by id or by family."""

import json
from decimal import Decimal

import pytest
from pydantic import ValidationError

from fermata.adapters.providers import load_provider
from fermata.domain.catalogue.models import Catalogue, Estimate, Model, ReferenceRule, read_catalogue
from fermata.domain.orders.order_request import DEFAULT_BITRATES, DEFAULT_SAMPLE_RATES
from fermata.domain.providers.calls import ReferenceTaker
from fermata.errors import ConfigurationError
from tests.fakes.settings import PROVIDERS

CATALOGUE = read_catalogue()
BLOCKING = {"minimax", "skillboss", "aimlapi_music01"}


@pytest.mark.parametrize("model", CATALOGUE.models, ids=lambda model: model.id)
def test_every_model_can_be_ordered_as_it_says(model: Model) -> None:
    assert model.id.startswith(f"{model.provider}/")
    assert model.upstream_model.endswith(model.id.partition("/")[2])
    assert set(model.delivery) == set(model.formats)
    assert not model.sample_rates or DEFAULT_SAMPLE_RATES[model.kind] in model.sample_rates
    assert not model.bitrates or DEFAULT_BITRATES[model.kind] in model.bitrates
    assert Decimal(model.cost_usd) > 0
    assert model.prompt.min <= model.prompt.max
    assert model.lyrics.min <= model.lyrics.max
    assert CATALOGUE.settings_of(model.provider).origin.startswith("https://")
    assert load_provider(model.spoken).blocking is (model.kind == "speech" or model.spoken in BLOCKING)


def test_ids_are_unique() -> None:
    ids = CATALOGUE.offered_ids()
    assert len(ids) == len(set(ids)) == len(CATALOGUE.models)


@pytest.mark.parametrize("model", [model for model in CATALOGUE.models if model.reference], ids=lambda model: model.id)
def test_a_model_with_a_reference_can_be_handed_one_as_it_says(model: Model) -> None:
    rule = model.reference
    assert rule is not None
    assert 0 < rule.shortest_ms < rule.max_s * 1000
    # As MP3 of 256 kbps the longest recording passes in any case, as WAV where the provider puts no number to bytes.
    assert rule.max_s * 32_000 <= rule.max_bytes
    assert rule.max_bytes == 50_000_000 or rule.max_s * 44_100 * 4 <= rule.max_bytes
    assert isinstance(load_provider(model.spoken), ReferenceTaker) is (rule.handed_over == "ids")
    assert bool(rule.purposes) is (rule.handed_over == "ids")


@pytest.mark.parametrize("model_id", ["minimax/music-2.5", "minimax/music-2.5+", "aimlapi/minimax/music-2.0"])
def test_a_listed_model_is_found_by_its_id(model_id: str) -> None:
    found = CATALOGUE.find(model_id)
    assert found is not None
    assert found.id == model_id


def test_a_listed_model_wins_over_its_family() -> None:
    found = CATALOGUE.find("minimax/music-1.5")
    assert found is not None
    assert (found.prompt.max, found.price_credits) == (300, 6)


def test_an_unlisted_model_of_a_family_gets_the_familys_limits() -> None:
    found = CATALOGUE.find("minimax/music-9")
    family = next(model for model in CATALOGUE.models if model.id == "minimax/music-*")
    assert found == family.model_copy(update={"id": "minimax/music-9", "upstream_model": "music-9"})


@pytest.mark.parametrize(
    "model_id",
    [
        "",
        "minimax",
        "music-2.5",
        "minimax/song-1",
        "minimax/music-9/x",
        "minimax/music-\n",
        "minimax/music-",
        "minimax/speech-",
        "minimax/music-" + "x" * 40,
    ],
)
def test_every_other_model_id_is_unknown(model_id: str) -> None:
    assert CATALOGUE.find(model_id) is None


def test_an_operators_prior_replaces_an_estimate_and_nothing_else() -> None:
    prior = Estimate(p50_s=1, p80_s=2)
    changed = CATALOGUE.with_priors({"minimax/music-2.5": prior, "nobody/nothing": prior})
    found, before = changed.find("minimax/music-2.5"), CATALOGUE.find("minimax/music-2.5")
    assert before is not None
    assert found == before.model_copy(update={"estimate": prior})
    assert changed.find("minimax/music-2.6") == CATALOGUE.find("minimax/music-2.6")


@pytest.mark.parametrize("model_id", ["minimax/music-cover", "aimlapi/minimax/music-cover"])
def test_a_cover_takes_the_recording_that_the_vendor_takes(model_id: str) -> None:
    model = CATALOGUE.find(model_id)
    assert model is not None
    assert model.reference is not None
    assert (model.reference.min_s, model.reference.max_s, model.reference.max_bytes) == (6, 360, 50_000_000)
    assert model.reference.formats == ("mp3", "wav", "flac")


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("suno", (200, 3000)),
        ("suno-v9", (200, 3000)),
        ("chirp-v3", (200, 3000)),
        ("chirp-v3-0", (200, 3000)),
        ("chirp-v3-5", (200, 3000)),
        ("chirp-v4", (200, 3000)),
        ("chirp-v4-5", (1000, 5000)),
        ("chirp-v4-5-plus", (1000, 5000)),
        ("chirp-v5", (1000, 5000)),
        ("chirp-v5-5", (1000, 5000)),
        ("chirp-v6", (1000, 5000)),
        ("chirp-crow", (1000, 5000)),
    ],
)
def test_the_longer_texts_are_those_of_chirp_4_5_and_later(name: str, longest: tuple[int, int]) -> None:
    model = CATALOGUE.find(f"apiinone/{name}")
    assert model is not None
    assert model.prompt_beside_lyrics is not None
    assert (model.prompt_beside_lyrics.max, model.lyrics.max) == longest
    assert (model.prompt.max, model.callbacks, model.songs, model.upstream_model) == (400, True, 2, name)


@pytest.mark.parametrize("changes", [{"min_s": 6, "longer_than_s": 6}, {"min_s": None, "longer_than_s": None}])
def test_a_recordings_shortest_length_is_said_in_one_way(changes: dict[str, int | None]) -> None:
    rule = next(model.reference for model in CATALOGUE.models if model.reference)
    with pytest.raises(ValidationError, match="expected either min_s or longer_than_s"):
        ReferenceRule.model_validate({**rule.model_dump(), **changes})


@pytest.mark.parametrize("estimate", [{"p50_s": 2, "p80_s": 1}, {"p50_s": 0, "p80_s": 1}, {"p50_s": 1}])
def test_an_estimate_that_cannot_be_is_refused(estimate: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Estimate.model_validate(estimate)


def test_a_misspelled_entry_is_refused() -> None:
    document = json.loads(CATALOGUE.model_dump_json())
    document["models"][0]["prise_credits"] = 1
    with pytest.raises(ValidationError, match="prise_credits"):
        Catalogue.model_validate(document)


def test_every_provider_has_its_settings() -> None:
    assert set(CATALOGUE.provider_ids()) == set(CATALOGUE.providers) == set(PROVIDERS)
    assert {each.budget_micro_usd for each in CATALOGUE.providers.values()} == {50_000_000}
    assert {(each.limits.gap_ms, each.limits.concurrent) for each in CATALOGUE.providers.values()} == {(500, 20)}


@pytest.mark.parametrize("provider", ["", "nobody", "models"])
def test_an_unknown_provider_has_no_settings(provider: str) -> None:
    with pytest.raises(ConfigurationError, match=f"the catalogue has no provider '{provider}'"):
        CATALOGUE.settings_of(provider)


def test_a_model_whose_provider_is_missing_is_refused() -> None:
    document = json.loads(CATALOGUE.model_dump_json())
    del document["providers"]["aimlapi"]
    with pytest.raises(ValidationError, match="providers lacks aimlapi, whose models are on offer"):
        Catalogue.model_validate(document)
