"""The OpenAPI document tells a stranger everything, in a form that generators of clients take."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.catalogue.offer import example_of
from fermata.domain.orders.order_request import SongRequest, parse_song_request
from tests.support.api_document import problems_with, read_document, response_of, target
from tooling.openapi.operation import COSTS, TAGS
from tooling.openapi.operations import OPERATIONS

pytestmark = pytest.mark.check

Json = dict[str, Any]
HOW_TO = "write a docstring below the field of its model: what it is, its unit, and what it means to leave it out"


def schemas() -> dict[str, Json]:
    found: dict[str, Json] = read_document()["components"]["schemas"]
    return found


def properties() -> Iterator[tuple[str, str, Json]]:
    for name, schema in schemas().items():
        for each, value in schema.get("properties", {}).items():
            yield name, each, value


def requests() -> set[str]:
    """The schemas of requests, and those within them."""
    named = {operation.body.__name__ for operation in OPERATIONS if operation.body}
    return named | {"AudioRequest", "ReferenceRequest"}


def parts(value: object, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every object of a JSON value with its path."""
    if isinstance(value, dict):
        yield path, value
        for name, each in value.items():
            yield from parts(each, f"{path}/{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from parts(each, f"{path}/{number}")


def test_every_schema_and_every_property_is_described() -> None:
    assert len(list(properties())) > 300
    assert [name for name, schema in schemas().items() if not schema.get("description")] == []
    bare = [f"{schema}.{name}" for schema, name, value in properties() if len(value.get("description", "")) < 10]
    assert bare == [], HOW_TO


SAID_WITH = {
    "_s": ("second",),
    "_ms": ("millisecond",),
    "_credits": ("credit",),
    "_percent": ("percent",),
    "_bps": ("bits per second",),
    "_hz": ("Hz",),
    "_at": ("UTC",),
    "_by": ("UTC",),
    "_until": ("UTC",),
    "_bytes": ("byte",),
    "bytes": ("byte",),
    "_minute": ("minute",),
    "_day": ("day",),
}
"""By the end of a property's name, what its description has to say."""
NO_UNIT = {"Limits.unknown_paid_by"}


def test_a_property_with_a_unit_says_it_in_words() -> None:
    for schema, name, value in properties():
        said = value["description"]
        units = [words for end, words in SAID_WITH.items() if name.endswith(end)]
        if f"{schema}.{name}" not in NO_UNIT:
            for words in units:
                assert any(word in said for word in words), (
                    f"{schema}.{name} names no unit of {words}: {said}; {HOW_TO}"
                )
        if "date-time" in (value.get("format"), *(each.get("format") for each in value.get("anyOf", ()))):
            assert "UTC" in said, f"{schema}.{name}: {said}; {HOW_TO}"


def test_a_property_that_may_be_null_says_what_null_means() -> None:
    for schema, name, value in properties():
        may_be_null = "null" in str(value.get("type")) or {"type": "null"} in value.get("anyOf", ())
        if may_be_null and schema not in requests():
            assert "null" in value["description"].lower(), f"{schema}.{name}: {value['description']}; {HOW_TO}"


def test_nothing_has_a_default_and_a_request_says_in_words_what_leaving_out_means() -> None:
    described = {name: value for name, value in read_document()["components"].items() if name != "examples"}
    assert [path for path, value in parts(described) if "default" in value] == []
    for schema in requests():
        required = schemas()[schema].get("required", ())
        for name, value in schemas()[schema]["properties"].items():
            says = any(word in value["description"] for word in ("default", "eft out"))
            assert says or name in required, f"{schema}.{name}: {value['description']}; {HOW_TO}"


def test_the_defaults_that_descriptions_name_are_those_of_the_models() -> None:
    order = SongRequest(model="minimax/music-2.5")
    said = schemas()["SongRequest"]["properties"]
    assert order.audio.format in schemas()["AudioRequest"]["properties"]["format"]["description"]
    assert f"`{order.on_unknown}` (the default)" in said["on_unknown"]["description"]
    for name in ("subtitles", "instrumental", "auto_lyrics", "live"):
        assert getattr(order, name) is False
        assert said[name]["description"].endswith("false by default.")
    for name in ("prompt", "lyrics", "text"):
        assert getattr(order, name) == ""
        assert said[name]["description"].endswith("empty by default.")


def test_bounds_are_in_the_words_of_json_schema() -> None:
    words = {"ge", "le", "gt", "lt", "min_length", "max_length"}
    assert [path for path, value in parts(read_document()["components"]["schemas"]) if words & set(value)] == []
    order = {"$ref": "#/components/schemas/SongRequest"}
    assert problems_with(order, {"model": "auto", "max_credits": -1}) != []
    assert problems_with(order, {"model": "auto", "duration_s": 0}) != []


def test_what_may_be_null_is_a_list_of_types_or_a_choice_of_a_reference_and_null() -> None:
    for path, value in parts(schemas()):
        choices = value.get("anyOf", [])
        if {"type": "null"} in choices:
            (other,) = [each for each in choices if each != {"type": "null"}]
            assert "$ref" in other or "enum" in other, path


def test_a_model_is_any_text_and_its_ids_are_listed() -> None:
    model = schemas()["SongRequest"]["properties"]["model"]
    assert "enum" not in model
    assert problems_with(model, "minimax/music-9.9") == []
    for offered in read_catalogue().offered_ids():
        assert f"`{offered}`" in model["description"]
        assert offered in model["examples"] or "*" in offered
    assert model["examples"][0] == "auto"


def test_every_model_has_an_example_that_is_accepted_as_it_stands() -> None:
    catalogue = read_catalogue()
    shown = read_document()["components"]["examples"]
    orders = [example["value"] for example in shown.values()]
    assert {order["model"] for order in orders} == {example_of(model)["model"] for model in catalogue.models}
    found = [parse_song_request(json.dumps(order).encode(), catalogue)[1] for order in orders]
    assert {model.id for model in found if model} >= {each for each in catalogue.offered_ids() if "*" not in each}
    for path in ("/v1/jobs", "/v1/quote"):
        examples = read_document()["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
        assert {name for name, example in examples.items() if "$ref" in example} == set(shown)


def test_only_an_operation_that_buys_warns_of_its_cost() -> None:
    described = read_document()["paths"]
    warned = {
        f"{method.upper()} {path}"
        for path, methods in described.items()
        for method, operation in methods.items()
        if operation["description"].startswith(COSTS)
    }
    orders = {each.route_key for each in OPERATIONS if each.id == "submit_job"}
    assert warned == {each.route_key for each in OPERATIONS if each.buys} == orders


def test_every_operation_has_a_description_and_a_tag_that_is_explained() -> None:
    assert [each.id for each in OPERATIONS if not each.description] == []
    assert {each.tag for each in OPERATIONS} == set(TAGS)
    assert [tag["name"] for tag in read_document()["tags"]] == list(TAGS)


def test_a_failure_is_a_problem_and_only_what_the_gateway_may_answer_has_another_form() -> None:
    allowed = {
        ("application/problem+json",): "Problem",
        ("application/json",): "GatewayMessage",
        ("application/problem+json", "application/json"): "Failure",
    }
    for operations in read_document()["paths"].values():
        for operation in operations.values():
            for status in operation["responses"]:
                content = response_of(operation, status).get("content", {})
                if int(status) >= 400:
                    schema = {"$ref": f"#/components/schemas/{allowed[tuple(content)]}"}
                    assert [each["schema"] for each in content.values()] == [schema] * len(content)
    either = [target(each) for each in schemas()["Failure"]["anyOf"]]
    assert either == [schemas()["Problem"], schemas()["GatewayMessage"]]


def test_a_models_example_and_an_order_are_one_schema() -> None:
    example = schemas()["Model"]["properties"]["example"]
    assert example["$ref"] == "#/components/schemas/SongRequest"


def test_names_of_operations_are_words_that_every_language_can_write() -> None:
    for operation in OPERATIONS:
        assert operation.id.isidentifier()
        assert operation.id == operation.id.lower()


def test_live_songs_are_no_part_of_the_document() -> None:
    assert not [path for path in read_document()["paths"] if path.startswith("/v1/live")]


def test_no_enumeration_of_more_than_one_place_stands_in_a_schema() -> None:
    places = [tuple(value["enum"]) for _, value in parts(schemas()) if isinstance(value.get("enum"), list)]
    assert sorted(each for each in set(places) if places.count(each) > 1) == [], (
        "give it a name in tooling/openapi/enumerations.py"
    )


def test_a_schema_and_a_parameter_share_no_name() -> None:
    components = read_document()["components"]
    assert set(components["schemas"]) & set(components["parameters"]) == set()
