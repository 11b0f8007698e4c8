"""Answers other than problem documents."""

from http import HTTPStatus
from importlib.resources import files

from aws_lambda_powertools.event_handler import Response

from fermata.api.responses.body import Body
from fermata.api.responses.problem import Health


def answer(status: int, body: Body, headers: dict[str, str] | None = None) -> Response[str]:
    """A JSON answer that no cache may store."""
    return Response(status, "application/json", body.text(), {"Cache-Control": "no-store", **(headers or {})})


def healthy() -> Response[str]:
    """200 without checking any dependency: requests reach the function and it answers."""
    return answer(HTTPStatus.OK, Health.model_construct(status="ok"))


def document() -> Response[str]:
    """The OpenAPI document, without authorization. It changes only with a deployment, so it may be cached."""
    text = files("fermata").joinpath("openapi.json").read_text(encoding="utf-8")
    return Response(HTTPStatus.OK, "application/json", text, {"Cache-Control": "public, max-age=300"})


def accepted_silently() -> Response[str]:
    """A 204 that reveals nothing about the request's effect."""
    return Response(HTTPStatus.NO_CONTENT, "text/plain", "", {"Cache-Control": "no-store"})


def redirect(url: str) -> Response[str]:
    """A 302 to a link that works for a while."""
    return Response(HTTPStatus.FOUND, "text/plain", "", {"Location": url, "Cache-Control": "no-store"})
