"""Lambda's Invoke API over HTTP, for boto3, the AWS command line and functions."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Response

from local.deploy.deployment import FunctionSpec
from local.runtime.lambda_answers import Answer
from local.runtime.lambda_runtime import TooManyRequestsError, UnknownFunctionError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_PAYLOAD_BYTES: Final = 6_291_456
"""Lambda's limit for the payload of a synchronous invocation (6 MB)."""


@dataclass(frozen=True)
class LambdaApi:
    """Answers Invoke requests. `find`, `submit` and `invoke_later` take a function's name or ARN."""

    find: Callable[[str], FunctionSpec]
    submit: Callable[[str, bytes], Future[Answer]]
    invoke_later: Callable[[str, bytes], None]

    def invoke(self, name: str, environ: "WSGIEnvironment") -> Response:
        """Answer one request with Lambda's status codes and messages."""
        length = environ.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > MAX_PAYLOAD_BYTES:
            return _error(413, "RequestTooLargeException", f"the payload must be at most {MAX_PAYLOAD_BYTES} bytes")
        payload = environ["wsgi.input"].read(int(length)) or b"{}"
        try:
            return self._invoke(name, payload, environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse"))
        except TooManyRequestsError as error:
            details = {"Type": "User", "Reason": "ConcurrentInvocationLimitExceeded"}
            return _error(429, "TooManyRequestsException", str(error), details)
        except UnknownFunctionError as error:
            return _error(404, "ResourceNotFoundException", str(error), {"Type": "User"})

    def _invoke(self, name: str, payload: bytes, kind: str) -> Response:
        arn = self.find(name).arn
        if kind == "DryRun":
            return Response(status=204)
        if kind == "Event":
            self.invoke_later(arn, payload)
            return Response(status=202)
        answer = self.submit(name, payload).result()
        failed = {"X-Amz-Function-Error": "Unhandled"} if answer.failed else {}
        headers = {"X-Amz-Executed-Version": "$LATEST", **failed}
        return Response(answer.payload, 200, headers, content_type="application/json")


def _error(status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> Response:
    body = json.dumps({**(details or {}), "Message": message})
    return Response(body, status, {"x-amzn-ErrorType": code}, content_type="application/json")
