"""The way from the cloud's own clients to the emulator in the same process, without sockets and threads between."""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from urllib3 import HTTPResponse
from werkzeug.test import create_environ, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def call_in_process(client: Any, application: "WSGIApplication") -> Callable[[], None]:  # noqa: ANN401 (of any service)
    """Have a WSGI application answer a boto3 client's calls, as a server would, until the returned function ends it."""

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return _answer(application, request)

    client.meta.events.register("before-send", send)
    return partial(client.meta.events.unregister, "before-send", send)


def _answer(application: "WSGIApplication", request: AWSPreparedRequest) -> AWSResponse:
    content = _content(request.body)
    address = urlsplit(request.url)
    environ = create_environ(
        path=address.path,
        query_string=address.query,
        base_url=f"{address.scheme}://{address.netloc}",
        method=request.method,
        headers=[(name, _text(value)) for name, value in request.headers.items() if name.lower() != "content-length"],
        input_stream=BytesIO(content),
        content_length=len(content),
    )
    parts, status, headers = run_wsgi_app(application, environ)
    answered = HTTPHeaders()
    for name, value in headers.items():
        answered[name] = value
    raw = HTTPResponse(BytesIO(b"".join(parts)), dict(answered), int(status.split()[0]), preload_content=False)
    return AWSResponse(request.url, raw.status, answered, raw)


def _content(body: Any) -> bytes:  # noqa: ANN401 (whatever a client gives to its connection)
    content = body.read() if hasattr(body, "read") else body or b""
    return content.encode() if isinstance(content, str) else bytes(content)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
