"""The operator's page opens to the printed address alone, and shows whatever a caller wrote as text."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from werkzeug.test import Client

from local.operator_page.application import CHANGES, VIEWS, OperatorPage
from local.operator_page.door import Door
from local.operator_page.drawing import draw
from local.operator_page.executions import states_entered
from local.operator_page.log_lines import lines_of
from local.operator_page.sources import RefusedError, Sources

PORT: Final = 4321
HERE: Final = f"127.0.0.1:{PORT}"
TOKEN: Final = "the-token-of-this-start"
SCRIPT: Final = "</pre></title><script>alert('x')</script><img src=x onerror=\"alert(1)\">"
NOON: Final = datetime(2026, 11, 30, 12, tzinfo=UTC)
MACHINE: Final = {
    "StartAt": "Order",
    "States": {
        "Order": {"Type": "Task", "Next": "Look", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Lost"}]},
        "Look": {"Type": "Choice", "Choices": [{"Next": "Wait"}, {"Next": "Done"}], "Default": "Lost"},
        "Wait": {"Type": "Wait", "Next": "Look"},
        "Done": {"Type": "Succeed"},
        "Lost": {"Type": "Fail"},
    },
}


def history() -> list[dict[str, Any]]:
    def event(seconds: float, kind: str, **details: object) -> dict[str, Any]:
        return {"timestamp": NOON + timedelta(seconds=seconds), "type": kind, **details}

    return [
        event(0, "ExecutionStarted", executionStartedEventDetails={"input": "{}"}),
        event(
            1, "TaskStateEntered", stateEnteredEventDetails={"name": "Order", "input": json.dumps({"title": SCRIPT})}
        ),
        event(1, "TaskScheduled", taskScheduledEventDetails={}),
        event(2, "TaskFailed", taskFailedEventDetails={"error": "Lambda.TooManyRequestsException", "cause": SCRIPT}),
        event(3, "TaskScheduled", taskScheduledEventDetails={}),
        event(4, "TaskStateExited", stateExitedEventDetails={"name": "Order", "output": '{"made": true}'}),
        event(4, "ChoiceStateEntered", stateEnteredEventDetails={"name": "Look", "input": "no JSON"}),
    ]


class Aws:
    """A stand-in of every client that the page uses; it holds one execution, one item and one object."""

    def __call__(self, _service: str) -> "Aws":
        return self

    def list_executions(self, **_: object) -> dict[str, Any]:
        return {"executions": [self._execution()], "nextToken": "more"}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - as AWS names it
        return {**self._execution(), "executionArn": executionArn, "input": json.dumps(SCRIPT)}

    def describe_state_machine(self, **_: object) -> dict[str, Any]:
        return {"definition": json.dumps(MACHINE)}

    def get_paginator(self, _name: str) -> Any:  # noqa: ANN401 - a paginator
        return SimpleNamespace(paginate=lambda **_: [{"events": history()}])

    def scan(self, **_: object) -> dict[str, Any]:
        key = {"pk": {"S": "JOB#1"}, "sk": {"S": "REQUEST"}}
        return {"Items": [{**key, "title": {"S": SCRIPT}}], "LastEvaluatedKey": key}

    query = scan

    def list_objects_v2(self, **_: object) -> dict[str, Any]:
        return {"Contents": [{"Key": SCRIPT, "Size": 1234, "LastModified": NOON}], "IsTruncated": True}

    def generate_presigned_url(self, _method: str, **_: object) -> str:
        return "http://127.0.0.1:1/bucket/key?X-Amz-Signature=1"

    def _execution(self) -> dict[str, Any]:
        return {"name": "job_1", "status": "RUNNING", "startDate": NOON}


def manage(action: Mapping[str, object]) -> dict[str, Any]:
    if action["action"] == "providers":
        circuit = {"state": "open", "disabled_by": SCRIPT}
        one = {"provider": SCRIPT, "paused": True, "paused_by": ["all"], "circuit": circuit, "budget": {}, "queue": {}}
        return {"providers": [one]}
    if action["provider"] == "nobody":
        raise RefusedError("expected a provider of the catalogue")
    return {"did": [action["action"], action["provider"]]}


@pytest.fixture
def page(tmp_path: Path) -> Client:
    line = {"timestamp": "2026-11-30 12:00:03,500+0000", "level": "INFO", "message": SCRIPT, "job_id": "job_1"}
    (tmp_path / "SettleJobFunction.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    machines = {"MusicJobMachine": "arn:aws:states:eu-west-1:1:stateMachine:jobs"}
    sources = Sources(Aws(), manage, {}, "jobs", {"AudioBucket": "audio"}, machines, tmp_path)
    return Client(OperatorPage(sources, Door(PORT, TOKEN)), use_cookies=False)


def headers(**others: str) -> dict[str, str]:
    return {"Host": HERE, "Authorization": f"Bearer {TOKEN}", **others}


PATHS: Final = {
    "/": "/",
    "/executions": "/executions",
    "/executions/<machine>/<name>": "/executions/MusicJobMachine/job_1",
    "/table": "/table",
    "/objects": "/objects",
    "/logs/<job>": "/logs/job_1",
}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.path)
def test_every_view_is_a_page_that_shows_scripts_as_text_and_the_same_as_json(view: Any, page: Client) -> None:  # noqa: ANN401
    path = PATHS[view.path]
    shown = page.get(path, headers=headers())
    assert (shown.status_code, shown.mimetype) == (200, "text/html")
    assert "alert(" in shown.text or path == "/executions"
    for dangerous in ("<script>alert", "<img src=x"):
        assert dangerous not in shown.text
    assert "script-src 'self'" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Cache-Control"] == "no-store"
    told = page.get(f"/api{path}", headers=headers())
    assert (told.status_code, told.mimetype, type(told.json)) == (200, "application/json", dict)


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"Host": HERE}, 401, "expected the token"),
        ({"Host": HERE, "Authorization": "Bearer wrong"}, 401, "expected the token"),
        ({"Host": HERE, "Authorization": "Bearer "}, 401, "expected the token"),
        ({"Host": HERE, "Cookie": "fermata_operator_4321=wrong"}, 401, "expected the token"),
        ({"Host": HERE, "Cookie": f"fermata_operator_3000={TOKEN}"}, 401, "expected the token"),
        (headers(Host="evil.example"), 403, "expected this machine's own name"),
        (headers(Host=f"evil.example:{PORT}"), 403, "expected this machine's own name"),
        (headers(Host="127.0.0.1:80"), 403, "expected this machine's own name"),
        (headers(Origin="https://evil.example"), 403, "expected no page of another origin"),
        (headers(Origin="http://127.0.0.1:3000"), 403, "expected no page of another origin"),
        (headers(Origin="null"), 403, "expected no page of another origin"),
    ],
)
def test_nobody_passes_without_the_token_or_from_elsewhere(
    given: dict[str, str], status: int, says: str, page: Client
) -> None:
    for answer in (page.get("/", headers=given), page.post("/api/providers/minimax/pause", headers=given)):
        assert answer.status_code == status
        assert answer.text.startswith(says)
        assert TOKEN not in answer.text


def test_the_printed_address_leads_to_one_without_the_token_which_a_cookie_keeps(page: Client) -> None:
    opened = page.get(f"/?token={TOKEN}", headers={"Host": HERE})
    assert (opened.status_code, opened.headers["Location"]) == (303, "/")
    cookie = opened.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}
    kept = {"Host": HERE, "Cookie": cookie.partition(";")[0]}
    assert page.get("/", headers=kept).status_code == 200
    assert page.get("/?token=wrong", headers={"Host": HERE}).status_code == 401
    # A form of another page sends the cookie of older browsers along, and no Origin that is ours.
    assert page.post("/api/providers/minimax/pause", headers=kept).status_code == 403
    from_here = {**kept, "Origin": f"http://{HERE}"}
    assert page.post("/api/providers/minimax/pause", headers=from_here).json == {"did": ["pause", "minimax"]}


def test_changes_are_posts_and_a_refused_one_says_why(page: Client) -> None:
    assert all(path.startswith("/api/") for path in CHANGES)
    assert page.get("/api/providers/minimax/pause", headers=headers()).status_code == 405
    done = page.post("/api/providers/minimax/enable", headers=headers()).json
    assert done == {"did": ["enable_provider", "minimax"]}
    refused = page.post("/api/providers/nobody/pause", headers=headers())
    assert (refused.status_code, refused.json) == (422, {"error": "expected a provider of the catalogue"})
    unknown = page.post("/api/providers/minimax/sell", headers=headers())
    assert (unknown.status_code, unknown.json) == (
        404,
        {"error": "expected one of enable, pause, resume, found another action"},
    )
    assert page.post("/api/faults/minimax", headers=headers(), json={}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/nowhere", "/executions/Other/job_1", "/objects?bucket=Other", "/table?after=x", "/static/..%2fdoor.py"]
)
def test_what_is_not_there_is_a_page_that_says_what_was_expected(path: str, page: Client) -> None:
    answer = page.get(path, headers=headers())
    assert answer.status_code == 404
    assert "expected" in answer.text or "open / for all pages" in answer.text


def test_states_are_told_with_input_output_tries_and_errors_in_the_order_of_entry() -> None:
    order, look = states_entered(history())
    assert (order["name"], order["type"], order["input"], order["output"]) == (
        *("Order", "Task"),
        {"title": SCRIPT},
        {"made": True},
    )
    assert (order["tries"], [error["error"] for error in order["errors"]]) == (2, ["Lambda.TooManyRequestsException"])
    assert (look["name"], look["input"], look["exited_at"]) == ("Look", "no JSON", None)


def test_a_machine_is_drawn_with_every_state_once_and_those_of_an_execution_marked() -> None:
    drawing = draw(MACHINE, entered=["Order", "Look"], current="Look")
    assert {box.name: box.mark for box in drawing.boxes} == {
        "Order": "entered",
        "Look": "current",
        "Wait": "",
        "Done": "",
        "Lost": "",
    }
    assert len({(box.x, box.y) for box in drawing.boxes}) == len(MACHINE["States"])
    assert len(drawing.arrows) == 6
    assert [(arrow.on_error, arrow.is_taken) for arrow in drawing.arrows if arrow.on_error or arrow.is_taken] == [
        (False, True),
        (True, False),
    ]
    assert all(0 <= box.x <= drawing.width and 0 <= box.y <= drawing.height for box in drawing.boxes)


def test_lines_about_a_job_come_from_all_logs_in_the_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "aws.jsonl").write_text(
        '{"time":"2026-11-30T12:00:01.500Z","resource":"x/job_1"}\n{"job_1": cut', "utf-8"
    )
    (tmp_path / "A.jsonl").write_text(
        '{"timestamp":"2026-11-30 13:00:02,250+0100","job_id":"job_1"}\n{"timestamp":"2026-11-30T12:00:00Z"}\n', "utf-8"
    )
    lines = lines_of(tmp_path, "job_1")
    assert [(line["at"], line["source"]) for line in lines] == [
        ("2026-11-30T12:00:01.500+00:00", "aws"),
        ("2026-11-30T12:00:02.250+00:00", "A"),
    ]
