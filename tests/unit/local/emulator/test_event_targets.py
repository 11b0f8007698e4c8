"""What a rule hands to its target."""

import json
from typing import Any

import pytest

from local.emulator.event_targets import as_sent, look_up, payload

EVENT: dict[str, Any] = {
    "id": "1",
    "detail-type": "Step Functions Execution Status Change",
    "time": "2026-01-02T03:04:05Z",
    "resources": ["arn:one", "arn:two"],
    "detail": {"name": "job_1", "status": 'FAILED "hard"', "count": 3, "more": {"a": [1]}},
}


def transformed(template: str, **paths: str) -> str:
    return payload(EVENT, {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}})


def test_without_instructions_the_whole_event_is_sent() -> None:
    assert json.loads(payload(EVENT, {})) == EVENT


def test_a_constant_input_replaces_the_event() -> None:
    assert payload(EVENT, {"Input": '{"fixed": true}'}) == '{"fixed": true}'


def test_an_input_path_selects_a_part() -> None:
    assert json.loads(payload(EVENT, {"InputPath": "$.detail.more"})) == {"a": [1]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.detail-type", EVENT["detail-type"]),
        ("$.resources[1]", "arn:two"),
        ("$.detail.none.deeper", None),
        ("$", EVENT),
    ],
)
def test_a_path_leads_to_a_value_or_nowhere(path: str, expected: object) -> None:
    assert look_up(EVENT, path) == expected


def test_a_variable_between_quotes_stays_inside_its_string() -> None:
    text = transformed(
        '{"job_id": "<job>", "error": "Execution.<status>"}', job="$.detail.name", status="$.detail.status"
    )
    assert json.loads(text) == {"job_id": "job_1", "error": 'Execution.FAILED "hard"'}


def test_a_variable_outside_quotes_is_a_json_value() -> None:
    text = transformed(
        '{"n": <n>, "name": <name>, "more": <more>}', n="$.detail.count", name="$.detail.name", more="$.detail.more"
    )
    assert json.loads(text) == {"n": 3, "name": "job_1", "more": {"a": [1]}}


def test_a_variable_that_leads_nowhere_is_empty_or_null() -> None:
    assert json.loads(transformed('{"a": "<x>", "b": <x>}', x="$.detail.none")) == {"a": "", "b": None}


def test_the_event_itself_is_a_variable() -> None:
    assert json.loads(transformed('{"event": <aws.events.event>}')) == {"event": EVENT}


def test_the_emulators_own_fields_are_not_sent() -> None:
    sent = as_sent({"id": "1", "time": 1767323045.5, "ingestion-time": 1.0})
    assert sent == {"id": "1", "time": "2026-01-02T03:04:05Z"}
