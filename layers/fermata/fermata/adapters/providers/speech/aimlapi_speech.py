"""AIML API's speech: one blocking call that returns a link or the file itself."""

from http import HTTPStatus
from typing import Final

from fermata.adapters.providers import minimax_body
from fermata.adapters.providers.aimlapi_errors import CREATE_STATUSES, NAME, refused_by
from fermata.adapters.providers.aimlapi_usage import with_usage
from fermata.adapters.providers.audio_places import outermost_link_in
from fermata.adapters.providers.blocking import BlockingProvider
from fermata.adapters.providers.speech.body import speech_body
from fermata.adapters.providers.tasks.words import is_still_synthesising
from fermata.domain.providers.answers import (
    LEAST_ERROR_CODE,
    UNKNOWN_OUTCOME,
    failure_of,
    told_http_status,
    unreadable,
)
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    AudioIsAnswer,
    Provider,
    Refused,
    SongOrder,
    StartOutcome,
    UpstreamAnswer,
    UpstreamCall,
)

_NAME: Final = f"{NAME} speech"


class AimlapiSpeechProvider(BlockingProvider):
    """AIML API's dialect of `POST /v1/tts`."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call."""
        return UpstreamCall("POST", "/v1/tts", body=speech_body(order))

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The speech, or the failure: by MiniMax's code if the answer has one, else by AIML API's error document or the
        HTTP status.
        """
        code = minimax_body.read_code(answer)
        if code is not None:
            return with_usage(minimax_body.read_song(_NAME, answer, CREATE_STATUSES), answer)
        if answer.begins_as_audio and answer.http_status != HTTPStatus.TOO_MANY_REQUESTS:
            return AudioIsAnswer()
        if answer.document is None:
            is_clear = answer.http_status == HTTPStatus.TOO_MANY_REQUESTS
            return refused_by(_NAME, answer, answer.http_status) if is_clear else Refused(unreadable(_NAME, answer))
        status = told_http_status(answer.document) or answer.http_status
        if status >= LEAST_ERROR_CODE:
            return refused_by(_NAME, answer, status)
        return with_usage(_speech_in(answer), answer)


PROVIDER: Final[Provider] = AimlapiSpeechProvider(_NAME)


def _speech_in(answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | Refused:
    if is_still_synthesising(answer.document):
        return minimax_body.still_synthesising(_NAME, answer)
    if answer.text_begins_as_audio:
        return AudioInAnswer()
    link = outermost_link_in(answer.document)
    if link:
        return AudioAt(link)
    if answer.text_length:
        return AudioInAnswer()
    if not isinstance(answer.document, dict):
        return Refused(unreadable(_NAME, answer))
    found = f"expected audio.url from {_NAME}, found neither a link nor audio (HTTP {answer.http_status})"
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))
