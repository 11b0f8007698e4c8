"""AIML API's music-01: a recording is uploaded for free and gets ids; one paid, blocking call answers with MiniMax's
body.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.aimlapi_errors import CREATE_STATUSES, NAME
from fermata.adapters.providers.aimlapi_lyrics import with_accompaniment
from fermata.adapters.providers.audio_setting import audio_setting
from fermata.adapters.providers.blocking import BlockingProvider
from fermata.adapters.providers.minimax_body import (
    SUCCESS,
    read_code,
    read_song,
    ruling_on,
    words_of,
)
from fermata.domain.providers.answers import (
    LEAST_ERROR_CODE,
    UNPAID_TRANSIENT,
    Ruling,
    describe,
    describe_flaw,
    failure_of,
    member,
    read_id,
    refusal,
    told_http_status,
)
from fermata.domain.providers.calls import (
    OrderedReference,
    Provider,
    Refused,
    SongOrder,
    StartOutcome,
    UploadCall,
    UploadedReference,
    UploadOutcome,
    UpstreamAnswer,
    UpstreamCall,
)
from fermata.domain.providers.failures import FailureClass

_NAME: Final = f"{NAME} music-01"
_PATH: Final = "/v2/generate/audio/minimax"
_IDS: Final = "ids of the recording"
# A gateway says these with a page of its own.
_PLAIN_WITHOUT_WORDS: Final = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS})
# Classes that doubt the bill of a paid call say of a free one only that it may be sent again.
_DOUBTS: Final = frozenset({FailureClass.TRANSIENT, FailureClass.UNKNOWN_OUTCOME})


UPLOAD_STATUSES: Final[Mapping[int, Ruling]] = {
    **CREATE_STATUSES,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: refusal(FailureClass.INVALID_REQUEST),
}


class AimlapiMusic01Provider(BlockingProvider):
    """AIML API's dialect of `/v2/generate/audio/minimax/upload` and `/generate`."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call; an id that the recording does not have is left out of the body."""
        reference = order.reference or OrderedReference()
        ids = (("refer_voice", reference.voice_id), ("refer_instrumental", reference.instrumental_id))
        body: dict[str, JsonValue] = {"model": order.upstream_model}
        body |= {name: text for name, text in ids if text}
        body["lyrics"] = with_accompaniment(order.lyrics)
        body["audio_setting"] = audio_setting(order)
        return UpstreamCall("POST", f"{_PATH}/generate", body=body)

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The song, or why there is none: MiniMax's verdict first, then AIML API's error document or HTTP status."""
        return read_song(_NAME, answer, CREATE_STATUSES)

    def upload_call(self, purpose: str, file_name: str, content_type: str) -> UploadCall:
        """The free call that hands over a recording of a `song` (voice and music), a `voice` or an `instrumental`."""
        return UploadCall(f"{_PATH}/upload", {"purpose": purpose}, "file", file_name, content_type)

    def read_upload(self, answer: UpstreamAnswer) -> UploadOutcome:
        """The recording's ids, or why there are none. Nothing is ever charged, so every doubt may be tried again."""
        code, told = read_code(answer), told_http_status(answer.document)
        if code is not None and code != SUCCESS:
            return _refused_upload(answer, ruling_on(code), str(code))
        status = told or answer.http_status
        if answer.document is None and status not in _PLAIN_WITHOUT_WORDS:
            return Refused(failure_of(answer, UNPAID_TRANSIENT, describe_flaw(_NAME, answer)))
        if status >= LEAST_ERROR_CODE:
            return _refused_upload(answer, UPLOAD_STATUSES.get(status, UNPAID_TRANSIENT), str(told) if told else None)
        return _ids_in(answer) or _no_ids_in(answer)


PROVIDER: Final[Provider] = AimlapiMusic01Provider(_NAME)


def _ids_in(answer: UpstreamAnswer) -> UploadedReference | None:
    voice, instrumental = (read_id(member(answer.document, name)) for name in ("voice_id", "instrumental_id"))
    return UploadedReference(voice or "", instrumental or "") if voice or instrumental else None


def _no_ids_in(answer: UpstreamAnswer) -> Refused:
    found = f"expected {_IDS} from {_NAME}, found neither voice_id nor instrumental_id (HTTP {answer.http_status})"
    return Refused(failure_of(answer, refusal(FailureClass.PROVIDER_ERROR), found))


def _refused_upload(answer: UpstreamAnswer, ruling: Ruling, code: str | None = None) -> Refused:
    unpaid = UNPAID_TRANSIENT if ruling.failure_class in _DOUBTS else refusal(ruling.failure_class)
    return Refused(failure_of(answer, unpaid, describe(_NAME, answer, words_of(answer), code, wanted=_IDS), code))
