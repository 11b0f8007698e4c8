"""The access logs say who called which route from where, and nothing that a caller wrote into a path or a body."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.check

ANYTHING_OF_A_CALLER = re.compile(r"path|body|query|domain|integration\.(?!error)|rawQuery", re.IGNORECASE)
"""Paths hold the tokens of callbacks and of live songs."""


@pytest.fixture(scope="module")
def formats(template: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The format of each API's access log by field, as API Gateway reads it."""
    return {
        name: json.loads(each["Properties"]["AccessLogSettings"]["Format"])
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Serverless::HttpApi"
    }


def test_a_line_says_who_called_which_route_from_where_and_with_what(formats: dict[str, dict[str, str]]) -> None:
    of_all = {"request_id", "route", "status", "source", "user_agent", "latency_ms", "integration_error"}

    assert formats["MusicApi"].keys() == {*of_all, "tenant", "key_id"}
    # A live song needs no key.
    assert formats["LiveApi"].keys() == of_all


def test_no_line_holds_a_path_or_a_body(formats: dict[str, dict[str, str]]) -> None:
    variables = [variable for fields in formats.values() for variable in fields.values()]

    assert len(variables) == 16
    assert [variable for variable in variables if ANYTHING_OF_A_CALLER.search(variable)] == []


def test_the_authorizer_gives_what_the_log_says_of_a_caller(formats: dict[str, dict[str, str]], root: Path) -> None:
    given = (root / "functions/authorize_request/app.py").read_text("utf-8")
    asked = {part for value in formats["MusicApi"].values() for part in re.findall(r"authorizer\.(\w+)", value)}

    assert asked == {"tenant_id", "key_id"}
    assert [name for name in asked if f'"{name}"' not in given] == []
