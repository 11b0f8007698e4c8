"""boto3's client of DynamoDB and ours, over the same transport: moto's tables, or answers that a test writes."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, Final, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto.core.models import botocore_stubber
from urllib3 import HTTPResponse

from fermata.adapters.dynamodb.client import DynamoClient
from fermata.adapters.dynamodb.retries import Retries
from fermata.adapters.dynamodb.wire import Wire
from fermata.adapters.wire.answer import Answer, Times, lower_case
from fermata.adapters.wire.signature import Request
from tests.support.cloud import session

TRIES: Final = 4
Reply = AWSResponse | Exception
Send = Callable[[AWSPreparedRequest], AWSResponse]


class Client(Protocol):
    """A client with boto3's operations."""

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """An operation by its name."""


class Script:
    """Replies in turn to what is sent, and keeps it."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.sent: list[Any] = []

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self.sent.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def reply(status: int, body: bytes, headers: dict[str, str] | None = None) -> AWSResponse:
    """An answer on the wire."""
    all_headers = HTTPHeaders.from_dict({"x-amzn-RequestId": "request-1", **(headers or {})})
    raw = HTTPResponse(BytesIO(body), headers or {}, status, preload_content=False)
    return AWSResponse("https://dynamodb", status, all_headers, raw)


def of_moto(request: AWSPreparedRequest) -> AWSResponse:
    """What moto's tables answer."""
    answered = botocore_stubber("before-send", request)
    assert answered is not None
    return answered


def prepared(request: Request) -> AWSPreparedRequest:
    """A request of ours as botocore has it."""
    return AWSRequest(request.method, request.url, data=request.body, headers=request.headers).prepare()


def ours(send: Send, pauses: list[float] | None = None, attempts: int = TRIES) -> Client:
    """Our client, whose pauses are kept and take no time."""

    def connected() -> Wire:
        def through(request: Request) -> Answer:
            answered = send(prepared(request))
            return Answer(answered.status_code, lower_case(answered.headers.items()), answered.content)

        wire = Wire(Times(1, 1))
        wire.send = through
        return wire

    kept = [] if pauses is None else pauses
    client: Any = DynamoClient(connected, Retries(attempts, lambda: 1.0), kept.append)
    made: Client = client
    return made


def boto3s(send: Send, attempts: int = TRIES) -> Client:
    """boto3's client with the same tries."""
    config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    client: Any = session().client("dynamodb", config=config)
    client.meta.events.register_first("before-send", lambda request, **_: send(request))
    made: Client = client
    return made


Maker = Callable[[Send], Client]
MAKERS: Final[Sequence[Maker]] = (ours, boto3s)
