"""The way of a request to DynamoDB: named, signed and sent without botocore's descriptions of services."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from fermata.adapters.dynamodb.endpoint import endpoint, region
from fermata.adapters.wire.answer import Answer, Times
from fermata.adapters.wire.connections import sender
from fermata.adapters.wire.signature import Request, Service, credentials, signed
from fermata.variables import variable_or

_JSON: Final = "application/x-amz-json-1.0"


class Wire:
    """Connections to one endpoint, which are kept."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self._url = f"{endpoint()}/"
        self._service = Service(region(), "dynamodb")
        self.send = sender(times)

    def call(self, operation: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one signed request. Raises botocore's errors of connections, and its error where credentials lack."""
        request = Request("POST", self._url, {**_headers(operation), **headers}, body)
        return self.send(signed(request, credentials(), self._service, datetime.now(UTC)))


def _headers(operation: str) -> dict[str, str]:
    headers = {
        "Content-Type": _JSON,
        "User-Agent": "fermata",
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
    }
    trace = variable_or("_X_AMZN_TRACE_ID")
    if trace and variable_or("AWS_LAMBDA_FUNCTION_NAME"):
        from urllib.parse import quote

        headers["X-Amzn-Trace-Id"] = quote(trace, safe="-=;:+&[]{}\"',")
    return headers
