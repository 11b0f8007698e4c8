"""Which route a request takes."""

import pytest

from local.deploy.deployment import Route
from local.http.routes import RouteTable

ROUTES = [
    Route("ANY", "$default", "arn:default", None),
    Route("ANY", "/v1/{rest+}", "arn:greedy", None),
    Route("GET", "/v1/jobs/{id}", "arn:read", None),
    Route("GET", "/v1/jobs/latest", "arn:latest", None),
    Route("ANY", "/v1/jobs/{id}", "arn:any", None),
    Route("POST", "/v1/jobs", "arn:submit", None),
]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/jobs", "arn:submit"),
        ("GET", "/v1/jobs/job_1", "arn:read"),
        ("GET", "/v1/jobs/latest", "arn:latest"),
        ("DELETE", "/v1/jobs/job_1", "arn:any"),
        ("GET", "/v1/jobs/job_1/audio", "arn:greedy"),
        ("GET", "/v1/jobs/", "arn:greedy"),
        ("GET", "/", "arn:default"),
        ("GET", "/v1/jobsx", "arn:greedy"),
        ("GET", "/v1/", "arn:greedy"),
        ("GET", "/v1", "arn:default"),
        ("GET", "/other\nline", "arn:default"),
    ],
)
def test_the_most_specific_route_wins(method: str, path: str, expected: str) -> None:
    match = RouteTable(ROUTES).match(method, path)
    assert match is not None
    assert match.route.function_arn == expected


def test_variables_of_the_path_are_named() -> None:
    table = RouteTable([Route("GET", "/v1/jobs/{id}/tracks/{number}", "arn:read", None)])
    match = table.match("GET", "/v1/jobs/job_1/tracks/2")
    assert match is not None
    assert match.path_parameters == {"id": "job_1", "number": "2"}
    assert match.route_key == "GET /v1/jobs/{id}/tracks/{number}"


def test_without_a_default_route_nothing_matches_an_unknown_path() -> None:
    assert RouteTable(ROUTES[2:]).match("GET", "/v2/jobs") is None


def test_a_route_does_not_match_another_method() -> None:
    assert RouteTable([ROUTES[-1]]).match("GET", "/v1/jobs") is None


def test_a_greedy_variable_is_empty_where_the_path_ends_with_its_slash() -> None:
    match = RouteTable([Route("GET", "/console/{path+}", "arn:page", None)]).match("GET", "/console/")
    assert match is not None
    assert match.path_parameters == {"path": ""}
