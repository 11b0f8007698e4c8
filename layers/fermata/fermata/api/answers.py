"""Answers that are no problems."""

from http import HTTPStatus
from importlib.resources import files

from aws_lambda_powertools.event_handler import Response

from fermata.api.responses.body import Body
from fermata.api.responses.problem import Health
from fermata.domain.jobs.view import Link


def answer(status: int, body: Body, headers: dict[str, str] | None = None) -> Response[str]:
    """A JSON answer that nobody may cache."""
    return Response(status, "application/json", body.text(), {"Cache-Control": "no-store", **(headers or {})})


def healthy() -> Response[str]:
    """200 for whoever asks, without a look at anything else: requests reach a function and it answers."""
    return answer(HTTPStatus.OK, Health.model_construct(status="ok"))


def document() -> Response[str]:
    """The OpenAPI document, for whoever asks; it changes with the deployment only."""
    text = files("fermata").joinpath("openapi.json").read_text(encoding="utf-8")
    return Response(HTTPStatus.OK, "application/json", text, {"Cache-Control": "public, max-age=300"})


def accepted_silently() -> Response[str]:
    """A 204 that tells nothing."""
    return Response(HTTPStatus.NO_CONTENT, "text/plain", "", {"Cache-Control": "no-store"})


def redirect_to_track(link: Link) -> Response[str]:
    """A 302 to a link that is good for a while."""
    return Response(HTTPStatus.FOUND, "text/plain", "", {"Location": link.url, "Cache-Control": "no-store"})
