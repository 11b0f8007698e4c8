"""An answer to CloudFormation is one PUT to the address of its event."""

import json
from collections.abc import Iterator

import pytest

from fermata.adapters.http.stack_answers import HttpStackAnswers
from fermata.domain.operator.stack_events import StackAnswer, StackEvent
from fermata.errors import TransientError
from local.simulators.http.exchange import Answer, Outcome, Request
from local.simulators.http.server import HttpServer


class Cloudformation:
    """Where answers are put."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.status = 200
        self.server = HttpServer(0, None)
        self.server.start(self._take)

    def event(self) -> StackEvent:
        return StackEvent.model_validate(
            {
                "RequestType": "Update",
                "RequestId": "request-1",
                "ResponseURL": f"{self.server.url}/canary?signature=canary",
                "StackId": "stack-1",
                "LogicalResourceId": "OperatorSettings",
                "PhysicalResourceId": "before",
            }
        )

    def _take(self, request: Request) -> Outcome:
        self.asked.append(request)
        return Outcome(Answer(self.status))


@pytest.fixture
def cloudformation() -> Iterator[Cloudformation]:
    cloudformation = Cloudformation()
    yield cloudformation
    cloudformation.server.stop()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            StackAnswer("0123", attributes={"Version": "0123"}),
            {"Status": "SUCCESS", "PhysicalResourceId": "0123", "Data": {"Version": "0123"}},
        ),
        (
            StackAnswer("before", "it cannot be"),
            {"Status": "FAILED", "PhysicalResourceId": "before", "Reason": "it cannot be", "Data": {}},
        ),
    ],
)
def test_an_answer_names_its_event_and_has_no_content_type(
    cloudformation: Cloudformation, answer: StackAnswer, said: dict[str, object]
) -> None:
    HttpStackAnswers().send(cloudformation.event(), answer)

    [put] = cloudformation.asked
    same = {"StackId": "stack-1", "RequestId": "request-1", "LogicalResourceId": "OperatorSettings"}
    assert put.method == "PUT"
    assert put.path.startswith("/canary")
    assert json.loads(put.body) == {**same, **said}
    assert "content-type" not in {name.lower() for name in put.headers}


def test_an_answer_that_is_not_taken_is_transient_and_its_address_stays_secret(cloudformation: Cloudformation) -> None:
    cloudformation.status = 403
    with pytest.raises(TransientError, match="did not take the answer: HTTPStatusError") as raised:
        HttpStackAnswers().send(cloudformation.event(), StackAnswer("0123"))
    assert "canary" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_an_address_without_a_server_is_transient(cloudformation: Cloudformation) -> None:
    event = cloudformation.event()
    cloudformation.server.stop()
    with pytest.raises(TransientError, match="ConnectError"):
        HttpStackAnswers().send(event, StackAnswer("0123"))
