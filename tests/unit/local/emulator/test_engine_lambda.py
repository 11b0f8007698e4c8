"""The state machine engine gets Step Functions' own error names."""

import json
from concurrent.futures import Future

import pytest

from local.emulator.engine_lambda import EngineLambda
from local.runtime.lambda_answers import Answer, error_answer
from local.runtime.lambda_runtime import TooManyRequestsError, UnknownFunctionError


def client(said: Answer | Exception) -> EngineLambda:
    def submit(_name: str, _payload: bytes) -> Future[Answer]:
        if isinstance(said, Exception):
            raise said
        future: Future[Answer] = Future()
        future.set_result(said)
        return future

    return EngineLambda(submit)


def test_an_answer_is_a_stream_without_an_error() -> None:
    answer = client(Answer(b'{"a":1}')).invoke(FunctionName="f", Payload=b"{}", InvocationType="RequestResponse")
    assert (answer["StatusCode"], answer["Payload"].read()) == (200, b'{"a":1}')
    assert "FunctionError" not in answer


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (error_answer("BadAudioError", "x"), "BadAudioError"),
        (TooManyRequestsError("busy"), "Lambda.TooManyRequestsException"),
        (UnknownFunctionError("gone"), "Lambda.ResourceNotFoundException"),
    ],
)
def test_a_failure_has_the_name_that_a_machine_matches(said: Answer | Exception, name: str) -> None:
    answer = client(said).invoke(FunctionName="f")
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == name


def test_a_machine_calls_only_what_its_role_lets_it() -> None:
    asked: list[tuple[str, str | None]] = []

    def refused(function: str, qualifier: str | None) -> str | None:
        asked.append((function, qualifier))
        return "User: role is not authorized"

    def submit(_name: str, _payload: bytes) -> Future[Answer]:
        raise AssertionError("the function ran")

    answer = EngineLambda(submit, refused).invoke(FunctionName="f", Qualifier="live")
    told = json.loads(answer["Payload"].read())
    assert (asked, told["errorType"]) == ([("f", "live")], "Lambda.AWSLambdaException")
    assert told["errorMessage"].startswith("User: role is not authorized (Service: AWSLambda; Status Code: 403;")
