"""CORS as an HTTP API applies it from its own configuration, so that functions get no preflight requests.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from typing import Final

from werkzeug.wrappers import Request, Response

from local.deploy.deployment import Cors

_PREFIX: Final = "access-control-"


def is_preflight(request: Request) -> bool:
    """Whether a request is a CORS preflight."""
    asks = "Origin" in request.headers and "Access-Control-Request-Method" in request.headers
    return request.method == "OPTIONS" and asks


def wanted_method(request: Request) -> str:
    """The method of a request, or the one that a preflight asks for."""
    return request.headers["Access-Control-Request-Method"] if is_preflight(request) else request.method


def preflight_answer(cors: Cors, request: Request) -> Response:
    """The answer to a preflight: 204, with the allowed methods and headers if the origin is allowed."""
    answer = Response(status=204)
    del answer.headers["Content-Type"]
    if origin := _allowed_origin(cors, request):
        answer.headers["access-control-allow-origin"] = origin
        answer.headers["access-control-allow-methods"] = ",".join(cors.methods)
        answer.headers["access-control-allow-headers"] = ",".join(cors.headers)
        answer.headers["access-control-max-age"] = str(cors.max_age_s)
    return answer


def mark(cors: Cors, request: Request, answer: Response) -> None:
    """Replace the CORS headers of a function's answer by those of the API's configuration."""
    for name, _ in [each for each in answer.headers if each[0].lower().startswith(_PREFIX)]:
        del answer.headers[name]
    if origin := _allowed_origin(cors, request):
        answer.headers["access-control-allow-origin"] = origin
        answer.headers["access-control-expose-headers"] = ",".join(cors.exposed)


def _allowed_origin(cors: Cors, request: Request) -> str | None:
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    return "*" if "*" in cors.origins else origin if origin in cors.origins else None
