"""The state machine engine's Lambda client, which runs functions without HTTP requests."""

import io
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from local.runtime.lambda_answers import Answer, error_answer
from local.runtime.lambda_runtime import TooManyRequestsError, UnknownFunctionError

_FORBIDDEN: Final = "Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException"


def _refuse_nothing(_function: str, _qualifier: str | None) -> None:
    """Let every machine call every function."""


class EngineLambda:
    """Replaces a boto3 client; `submit` runs a function by name or ARN. `refused` says why the machine may not call a
    function (by name or ARN, and version or alias), None where it may.
    """

    def __init__(
        self,
        submit: Callable[[str, bytes], Future[Answer]],
        refused: Callable[[str, str | None], str | None] = _refuse_nothing,
    ) -> None:
        self._submit, self._refused = submit, refused

    def invoke(
        self,
        FunctionName: str,  # noqa: N803 (boto3's names)
        Payload: bytes = b"{}",  # noqa: N803
        Qualifier: str | None = None,  # noqa: N803
        **_: object,
    ) -> dict[str, Any]:
        """Answer as boto3 does. A refusal becomes a failure with the error name of Step Functions."""
        refusal = self._refused(FunctionName, Qualifier)
        if refusal is None:
            answer = self._run(FunctionName, Payload)
        else:
            answer = error_answer("Lambda.AWSLambdaException", f"{refusal} ({_FORBIDDEN})")
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
