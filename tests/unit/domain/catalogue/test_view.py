"""Which models a caller sees, and in which order."""

import pytest

from fermata.domain.catalogue.models import Catalogue, Estimate, Model, read_catalogue
from fermata.domain.catalogue.view import ModelQuery, model_views, parse_model_query
from fermata.errors import InvalidRequestError

SHIPPED = read_catalogue()
SONG = SHIPPED.models[0]


def model(name: str, price_credits: int, p50_s: int, **changes: object) -> Model:
    about = {"id": name, "price_credits": price_credits, "estimate": Estimate(p50_s=p50_s, p80_s=200)}
    return SONG.model_copy(update={**about, **changes})


def shown(query: ModelQuery, *models: Model) -> list[str]:
    catalogue = Catalogue(providers=SHIPPED.providers, models=models)
    return [view.model.id for view in query.of(model_views(catalogue, {}, lambda _: True))]


def test_without_a_query_every_model_is_shown_in_the_catalogues_order() -> None:
    assert shown(parse_model_query({}), model("b", 2, 2), model("a", 1, 1)) == ["b", "a"]


def test_models_are_sorted_by_price_then_time_then_id() -> None:
    models = (model("d", 3, 10), model("c", 2, 20), model("b", 2, 10), model("a", 2, 20))
    assert shown(parse_model_query({"sort": "price"}), *models) == ["b", "a", "c", "d"]


def test_models_are_sorted_by_time_then_price_then_id() -> None:
    models = (model("d", 3, 10), model("c", 2, 20), model("b", 2, 10), model("a", 2, 20))
    assert shown(parse_model_query({"sort": "p50_s"}), *models) == ["b", "d", "a", "c"]


def test_models_are_sorted_by_what_was_learned_of_their_times() -> None:
    catalogue = Catalogue(providers=SHIPPED.providers, models=(model("a", 1, 10), model("b", 1, 20)))
    views = model_views(catalogue, {"b": Estimate(p50_s=5, p80_s=6)}, lambda _: True)
    assert [view.model.id for view in ModelQuery(sort="p50_s").of(views)] == ["b", "a"]


def test_only_models_of_the_kind_are_shown() -> None:
    speaker = next(each for each in SHIPPED.models if each.kind == "speech")
    models = (model("song", 1, 1), speaker)
    assert shown(parse_model_query({"kind": "speech"}), *models) == [speaker.id]
    assert shown(parse_model_query({"kind": "song"}), *models) == ["song"]


@pytest.mark.parametrize("kind", ["", "songs", "Song", " song"])
def test_another_kind_is_refused_with_what_is_allowed(kind: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_model_query({"kind": kind})
    assert [(each.pointer, each.message) for each in refused.value.fields] == [("/kind", "must be one of song, speech")]


@pytest.mark.parametrize("sort", ["", "id", "-price", "p80_s", "PRICE"])
def test_another_order_is_refused_with_what_is_allowed(sort: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_model_query({"sort": sort})
    assert [(each.pointer, each.message) for each in refused.value.fields] == [("/sort", "must be one of price, p50_s")]
