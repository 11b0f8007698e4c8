"""The way of a request through a proxy, which is botocore's own: variables name one in few networks."""

from collections.abc import Callable

from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from fermata.adapters.wire.answer import Answer, Times, ca_bundle, lower_case
from fermata.adapters.wire.signature import Request


def through_proxies(times: Times) -> Callable[[Request], Answer]:
    """What sends a request through the proxy of its address, or directly where variables except the address."""
    sessions: dict[str, URLLib3Session] = {}

    def send(request: Request) -> Answer:
        session = sessions.get(request.url) or URLLib3Session(
            verify=ca_bundle() or True,  # type: ignore[arg-type] # a file is taken as well
            proxies=get_environ_proxies(request.url),
            timeout=times,  # type: ignore[arg-type] # a pair of both is taken as well
        )
        sessions[request.url] = session
        prepared = AWSRequest(request.method, request.url, data=request.body, headers=request.headers).prepare()
        found = session.send(prepared)
        return Answer(found.status_code, lower_case(found.headers.items()), found.content)

    return send
