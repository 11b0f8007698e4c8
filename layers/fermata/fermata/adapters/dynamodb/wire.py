"""The way of a request to DynamoDB: signed and sent by botocore's parts, without its descriptions of services."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from botocore import __version__
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from fermata.adapters.dynamodb.endpoint import endpoint, region
from fermata.variables import variable_or

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

Send = Callable[["AWSPreparedRequest"], "AWSResponse"]
"""Sends a request and reads its whole answer; raises botocore's errors of connections."""
_JSON: Final = "application/x-amz-json-1.0"
_KEPT_CONNECTIONS: Final = 10


class Times(NamedTuple):
    """The longest waits in seconds: for a connection, and for each piece of an answer."""

    connect_s: int
    read_s: int


class _Credentials(NamedTuple):
    access_key: str
    secret_key: str
    token: str | None


class Wire:
    """Connections to one endpoint, which are kept."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self._url = f"{endpoint()}/"
        self._region = region()
        session = URLLib3Session(
            verify=variable_or("AWS_CA_BUNDLE") or variable_or("REQUESTS_CA_BUNDLE") or True,  # type: ignore[arg-type]
            proxies=get_environ_proxies(self._url),
            timeout=times,  # type: ignore[arg-type] # a pair of both is taken as well
            max_pool_connections=_KEPT_CONNECTIONS,
        )
        self.send: Send = session.send

    def call(self, operation: str, body: bytes, headers: Mapping[str, str]) -> "AWSResponse":
        """Send one signed request. Raises botocore's errors of connections, and its error where credentials lack."""
        request = AWSRequest("POST", self._url, data=body, headers={**_headers(operation), **headers})
        SigV4Auth(_credentials(), "dynamodb", self._region).add_auth(request)  # type: ignore[arg-type] # the same names
        return self.send(request.prepare())


def _headers(operation: str) -> dict[str, str]:
    headers = {
        "Content-Type": _JSON,
        "User-Agent": f"fermata botocore/{__version__}",
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
    }
    trace = variable_or("_X_AMZN_TRACE_ID")
    if trace and variable_or("AWS_LAMBDA_FUNCTION_NAME"):
        headers["X-Amzn-Trace-Id"] = quote(trace, safe="-=;:+&[]{}\"',")
    return headers


def _credentials() -> _Credentials:
    # Read at each call, as the variables are there for the life of an environment, and cost nothing to read.
    access, secret = variable_or("AWS_ACCESS_KEY_ID"), variable_or("AWS_SECRET_ACCESS_KEY")
    if not access or not secret:
        raise NoCredentialsError
    return _Credentials(access, secret, variable_or("AWS_SESSION_TOKEN") or None)
