"""MiniMax's own API: one blocking call that returns hex text or a link, and reports failures under HTTP 200."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.audio_setting import audio_setting
from fermata.adapters.providers.blocking import BlockingProvider
from fermata.adapters.providers.minimax_body import read_song
from fermata.domain.providers.answers import RATE_LIMITED, Ruling, refusal
from fermata.domain.providers.calls import Provider, SongOrder, StartOutcome, UpstreamAnswer, UpstreamCall
from fermata.domain.providers.failures import FailureClass

_NAME: Final = "MiniMax"

HTTP_STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys(
        (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY),
        refusal(FailureClass.INVALID_REQUEST),
    ),
    **dict.fromkeys((HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN), refusal(FailureClass.AUTH)),
    HTTPStatus.PAYMENT_REQUIRED: refusal(FailureClass.OUT_OF_CREDIT),
    HTTPStatus.NOT_FOUND: refusal(FailureClass.NOT_FOUND),
    HTTPStatus.GONE: refusal(FailureClass.NOT_ENTITLED),
    HTTPStatus.TOO_MANY_REQUESTS: RATE_LIMITED,
}


class MinimaxProvider(BlockingProvider):
    """MiniMax's dialect of `POST /v1/music_generation`."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call; the body omits texts, switches and a recording that the order does not have."""
        body: dict[str, JsonValue] = {"model": order.upstream_model}
        recording = order.reference.url if order.reference else ""
        texts = (("prompt", order.prompt), ("lyrics", order.lyrics), ("audio_url", recording))
        body |= {name: text for name, text in texts if text}
        # A stream has hex only.
        body |= {"stream": order.live, "output_format": "hex" if order.live else order.delivery}
        body["audio_setting"] = audio_setting(order)
        switches = (("lyrics_optimizer", order.auto_lyrics), ("is_instrumental", order.instrumental))
        body |= {name: True for name, on in switches if on}
        return UpstreamCall("POST", "/v1/music_generation", body=body)

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The song, or the failure, by the body's code first, else by the HTTP status."""
        return read_song(_NAME, answer, HTTP_STATUSES)


PROVIDER: Final[Provider] = MinimaxProvider(_NAME)
