"""The OpenAPI document says what the deployed API is, whole and up to date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from fermata import errors
from tests.support.api_document import problems_with, read_document, response_of, target
from tooling.openapi.__main__ import main
from tooling.openapi.document import openapi_document, written
from tooling.openapi.operations import OPERATIONS
from tooling.openapi.parameters import HEADERS, PARAMETERS
from tooling.openapi.problems import PROBLEM_TYPES

pytestmark = pytest.mark.check

Json = dict[str, Any]
TOLD_BY_EVENTS_ALONE = {"trigger_off", "too_many_batches"}
"""Types of problem that no route has, but events and files that came in."""
PROMISED = {
    *("POST /v1/jobs", "GET /v1/jobs", "GET /v1/jobs/{id}", "DELETE /v1/jobs/{id}", "GET /v1/jobs/{id}/audio"),
    *("GET /v1/jobs/{id}/attempts", "POST /v1/jobs/{id}/cancel", "POST /v1/jobs/{id}/webhooks/replay"),
    *("POST /v1/quote", "GET /v1/models", "GET /v1/account", "GET /v1/ledger", "GET /v1/usage"),
    *("POST /v1/references", "GET /openapi.json", "GET /healthz"),
}
"""The routes that clients were promised; more may be added."""
HOW_TO = (
    "every route of template.yaml needs an Operation in tooling/openapi/operations.py, and the other way round: add it "
    "there (bodies of answers are the models of fermata.api.responses, with an example in examples.py), then run "
    "`make openapi`"
)


def routes(resources: Json) -> dict[str, bool]:
    """The routes of the HTTP API, and whether each is open to callers without a key."""
    events = [
        event["Properties"]
        for resource in resources.values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "HttpApi"
        and "Path" in event["Properties"]
        # Live songs have an API of their own; a job's `urls.live` leads there. The console is a page, not the API.
        and event["Properties"]["ApiId"]["Ref"] != "LiveApi"
        and not event["Properties"]["Path"].startswith("/console")
    ]
    return {f"{each['Method']} {each['Path']}": is_open(each, resources) for each in events}


def is_open(event: Json, resources: Json) -> bool:
    """Whether a route needs no key: by itself, or because its API has none."""
    api = resources[event["ApiId"]["Ref"]]["Properties"]
    return event.get("Auth") == {"Authorizer": "NONE"} or "DefaultAuthorizer" not in api.get("Auth", {})


def test_the_operations_of_the_document_are_the_routes_of_the_template(resources: Json) -> None:
    assert {each.route_key: each.public for each in OPERATIONS} == routes(resources), HOW_TO


def test_every_route_that_was_promised_is_there() -> None:
    assert {each.route_key for each in OPERATIONS} >= PROMISED


def test_the_committed_document_is_what_the_code_says(root: Path) -> None:
    committed = (root / "layers/fermata/fermata/openapi.json").read_text("utf-8")
    assert committed == written(), "write the document again with `make openapi`"
    assert main(["--check"]) == 0


def test_the_document_is_one_of_openapi_3_1() -> None:
    document = openapi_document()
    validate(document)
    assert document["openapi"] == "3.1.0"


def test_every_operation_has_a_name_of_its_own_and_leaves_nothing_unsaid() -> None:
    assert len({each.id for each in OPERATIONS}) == len(OPERATIONS)
    for operation in OPERATIONS:
        assert operation.summary
        assert set(operation.parameters) <= set(PARAMETERS)
        assert set(operation.problems) <= set(PROBLEM_TYPES), (
            "problem types are the rows of PROBLEMS in fermata.domain.web.problem"
        )
        assert operation.body is None or operation.body_examples
        assert all(answer.example for answer in operation.answers if answer.body and not isinstance(answer.body, dict))
        assert {name for answer in operation.answers for name in answer.headers} <= set(HEADERS)
        assert {name for answer in operation.answers for name in answer.links} <= {each.id for each in OPERATIONS}


def _contents(document: Json) -> Iterator[Json]:
    for operations in document["paths"].values():
        for operation in operations.values():
            yield from operation.get("requestBody", {}).get("content", {}).values()
            for status in operation["responses"]:
                yield from response_of(operation, status).get("content", {}).values()


def test_every_example_is_what_its_schema_says() -> None:
    contents = list(_contents(read_document()))
    for content in contents:
        examples = [*([content["example"]] if "example" in content else [])]
        examples += [target(example)["value"] for example in content.get("examples", {}).values()]
        for example in examples:
            assert problems_with(content["schema"], example) == []


def test_every_type_of_problem_is_explained() -> None:
    told = read_document()["info"]["description"]
    for kind in PROBLEM_TYPES.values():
        assert f"| `{kind.urn}` | {kind.status} | {kind.title} | {kind.when} |" in told
        assert len(kind.when) > 10
    named = {name for operation in OPERATIONS for name in operation.problems}
    assert named | TOLD_BY_EVENTS_ALONE | {"insufficient_scope", "internal", "unavailable"} == set(PROBLEM_TYPES), (
        "each type of problem is one of an operation's"
    )


def test_what_the_gateway_answers_itself_is_in_the_form_of_aws() -> None:
    operation = read_document()["paths"]["/v1/jobs"]["post"]
    for status in (401, 403, 413, 429, 500, 503):
        content = response_of(operation, status)["content"]["application/json"]
        assert problems_with({"$ref": "#/components/schemas/GatewayMessage"}, content["example"]) == []
    assert {"type": "http", "scheme": "bearer"}.items() <= read_document()["components"]["securitySchemes"][
        "ApiKey"
    ].items()


def test_a_request_is_described_by_the_model_that_validates_it() -> None:
    schema = read_document()["components"]["schemas"]["SongRequest"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["model"]
    assert problems_with(schema, {"model": "minimax/music-2.5", "audio": {"format": "pcm"}}) != []
    assert problems_with(schema, {"model": "minimax/music-2.5", "finish_by": "2026-11-21T18:30:00+01:00"}) != []


def test_every_refusal_of_the_error_tree_is_a_type_of_problem() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    refusals = [kind for kind in kinds if issubclass(kind, errors.RequestRefusedError)]
    statuses = {kind.status for kind in PROBLEM_TYPES.values()}
    assert len(refusals) > 5
    assert statuses >= {400, 402, 404, 409, 413, 422, 500, 503}
