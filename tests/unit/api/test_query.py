"""A query parameter that an operation does not have is refused, as a field would be, and never passed over."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from fermata.api.query import refuse_unknown_parameters, takes_any_query
from fermata.domain.tenants.api_keys import Scope
from fermata.errors import InvalidRequestError
from tests.fakes.world import World
from tests.functions import Event, FakeContext, callback_event, http_event, wired_app
from tests.songs import JOB_ID, LYRICS, PROMPT, callback, called_back_job, delivered_job
from tests.support.api_document import read_document
from tooling.openapi.operations import OPERATIONS

APP_OF = {
    "submit_job": "submit_job",
    "quote_job": "submit_job",
    "list_jobs": "list_jobs",
    "get_job": "read_jobs",
    "get_audio": "read_jobs",
    "list_attempts": "read_jobs",
    "get_timeline": "read_timeline",
    "list_models": "read_jobs",
    "list_voices": "list_voices",
    "cancel_job": "cancel_job",
    "delete_job": "delete_job",
    "create_reference": "create_reference",
    "list_webhook_attempts": "replay_webhook",
    "replay_webhook": "replay_webhook",
    "get_account": "read_account",
    "list_ledger": "list_ledger",
    "list_usage": "list_usage",
    "list_usage_log": "list_usage",
    "get_document": "read_jobs",
    "create_key": "manage_keys",
    "list_keys": "manage_keys",
    "rotate_key": "manage_keys",
    "revoke_key": "manage_keys",
    "get_webhook": "manage_webhook",
    "put_webhook": "manage_webhook",
    "delete_webhook": "manage_webhook",
    "rotate_webhook_secret": "manage_webhook",
    "test_webhook": "try_webhook",
}
"""The function behind each operation that refuses what it does not know."""

BODY = json.dumps({"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}).encode()
Ask = Callable[..., Event]


@pytest.fixture
def world() -> World:
    world = World()
    world.jobs.create(delivered_job())
    return world


@pytest.fixture
def ask(world: World) -> Ask:
    def send(name: str, event: Event) -> Event:
        answer: Event = wired_app(name, world).lambda_handler(event, FakeContext())
        return answer

    return send


def names_of(answer: Event) -> dict[str, str]:
    assert answer["statusCode"] == 422, answer
    return {error["pointer"]: error["message"] for error in json.loads(answer["body"])["errors"]}


def test_every_operation_is_checked() -> None:
    closed = {each.id for each in OPERATIONS if not takes_any_query(each.path)}
    assert closed == set(APP_OF)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.id in APP_OF], ids=lambda each: each.id)
def test_an_operation_refuses_a_parameter_that_it_does_not_have(operation: Any, ask: Ask) -> None:  # noqa: ANN401
    path = operation.path.replace("{id}", JOB_ID)
    event = http_event(operation.method, path, BODY if operation.body else None, query="surprise=1")
    event["requestContext"]["authorizer"]["lambda"]["scopes"] = " ".join(Scope)
    if operation.public:
        del event["requestContext"]["authorizer"]
    message = names_of(ask(APP_OF[operation.id], event))["/surprise"]
    names = [each["name"] for each in parameters_of(operation) if each["in"] == "query"]
    told = f"allowed: {', '.join(names)}" if names else "this operation has none"
    assert message == f"is not a query parameter here; {told}"
    assert "422" in read_document()["paths"][operation.path][operation.method.lower()]["responses"]


def parameters_of(operation: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - an operation
    components = read_document()["components"]["parameters"]
    return [components[name] for name in operation.parameters]


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("Status=failed", ["/Status"]),
        ("limit=5&Limit=5&limits=5", ["/Limit", "/limits"]),
        ("stat%75s=failed&limi%74s=1", ["/limits"]),
        ("wait", ["/wait"]),
        ("=1", ["/"]),
        ("a/b~c=1", ["/a~1b~0c"]),
        ("limit=5&%20limit=5", ["/ limit"]),
        ("limit[]=5", ["/limit[]"]),
        ("metadata=5&Metadata.a=5", ["/metadata", "/Metadata.a"]),
        ("metadata.a=1&metadata.b=2&metadat%61.a=1", ["/metadata.a"]),
    ],
)
def test_each_unknown_name_is_reported_and_no_known_one(query: str, pointers: list[str], ask: Ask) -> None:
    event = http_event("GET", "/v1/jobs")
    event["rawQueryString"] = query
    assert list(names_of(ask("list_jobs", event))) == pointers


@pytest.mark.parametrize("query", ["", "limit=5", "status=failed&limit=5", "limit=5&limit=5"])
def test_known_parameters_of_an_operation_pass(query: str, ask: Ask) -> None:
    event = http_event("GET", "/v1/jobs", query=query.rpartition("limit=5&")[2])
    event["rawQueryString"] = query
    assert ask("list_jobs", event)["statusCode"] == 200


def test_a_field_of_metadata_is_a_parameter_of_lists_of_jobs_alone(ask: Ask) -> None:
    assert ask("list_jobs", http_event("GET", "/v1/jobs", query="metadata.order=42"))["statusCode"] == 200
    assert list(names_of(ask("read_jobs", http_event("GET", "/v1/models", query="metadata.order=42")))) == [
        "/metadata.order"
    ]


def test_an_order_with_a_misspelled_parameter_is_not_stored(world: World, ask: Ask) -> None:
    before = len(world.jobs)
    answer = ask("submit_job", http_event("POST", "/v1/jobs", BODY, query="wait=9"))
    assert names_of(answer) == {"/wait": "is not a query parameter here; this operation has none"}
    assert (json.loads(answer["body"])["charged"], len(world.jobs)) == ("no", before)


def test_a_key_without_the_scope_learns_nothing_of_parameters(ask: Ask) -> None:
    event = http_event("GET", "/v1/jobs", query="surprise=1")
    event["requestContext"]["authorizer"]["lambda"]["scopes"] = "jobs:write"
    assert ask("list_jobs", event)["statusCode"] == 403


def test_many_unknown_names_are_not_all_reported(ask: Ask) -> None:
    event = http_event("GET", "/v1/jobs")
    event["rawQueryString"] = "&".join(f"n{number}=1" for number in range(500))
    assert len(names_of(ask("list_jobs", event))) == 100


def test_a_provider_may_add_what_it_likes_to_the_address_that_it_calls_back() -> None:
    token, record = callback()
    world = World()
    world.jobs.create(called_back_job())
    world.callbacks.create(record)
    event = callback_event(token)
    event["rawQueryString"] = "status=done&surprise=1"
    answer = wired_app("receive_callback", world).lambda_handler(event, FakeContext())
    assert answer["statusCode"] == 204


def test_a_probe_may_add_what_it_likes(ask: Ask) -> None:
    event = http_event("GET", "/healthz", query="t=1")
    del event["requestContext"]["authorizer"]
    assert ask("read_jobs", event)["statusCode"] == 200


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/v1/callbacks/token", True),
        ("/v1/live/token/index.m3u8", True),
        ("/healthz", True),
        ("/v1/callbacks", False),
        ("/v1/livestock/1", False),
        ("/healthz/more", False),
        ("/v1/jobs/v1/live/x", False),
    ],
)
def test_only_addresses_that_others_call_take_any_query(path: str, is_open: bool) -> None:
    assert takes_any_query(path) is is_open


def test_an_unknown_route_is_not_found_whatever_its_query(ask: Ask) -> None:
    answer = ask("read_jobs", http_event("GET", "/v1/songs", query="surprise=1"))
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["detail"] == "there is no GET /v1/songs; /openapi.json has the routes"


def test_a_query_is_read_where_only_its_parsed_form_is_there() -> None:
    event = http_event("GET", "/v1/jobs", query="surprise=1")
    event["rawQueryString"] = ""
    with pytest.raises(InvalidRequestError, match="surprise"):
        refuse_unknown_parameters(APIGatewayProxyEventV2(event))
