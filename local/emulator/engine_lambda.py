"""The state machine engine's Lambda client, which runs functions without HTTP requests."""

import io
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from local.runtime.lambda_answers import Answer, error_answer
from local.runtime.lambda_runtime import TooManyRequestsError, UnknownFunctionError


class EngineLambda:
    """Replaces a boto3 client; `submit` runs a function by name or ARN."""

    def __init__(self, submit: Callable[[str, bytes], Future[Answer]]) -> None:
        self._submit = submit

    def invoke(self, FunctionName: str, Payload: bytes = b"{}", **_: object) -> dict[str, Any]:  # noqa: N803 (boto3's names)
        """Answer as boto3 does. A refusal becomes a failure with the error name of Step Functions."""
        answer = self._run(FunctionName, Payload)
        failed = {"FunctionError": "Unhandled"} if answer.failed else {}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(answer.payload), **failed}

    def _run(self, name: str, payload: bytes) -> Answer:
        try:
            return self._submit(name, payload).result()
        except TooManyRequestsError as error:
            # The engine reads the error's name from the payload.
            return error_answer("Lambda.TooManyRequestsException", str(error))
        except UnknownFunctionError as error:
            return error_answer("Lambda.ResourceNotFoundException", str(error))
