"""AIML API's music-01: a free upload of a recording returns ids, and a paid, blocking call returns MiniMax's body."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.aimlapi_errors import CREATE_STATUSES, NAME
from fermata.adapters.providers.aimlapi_lyrics import with_accompaniment
from fermata.adapters.providers.aimlapi_usage import with_usage
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
# A gateway may answer these with a page of its own.
_CLEAR_WITHOUT_BODY: Final = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS})
# For a paid call, these classes leave the charge open; a free call can simply be sent again.
_UNCLEAR: Final = frozenset({FailureClass.TRANSIENT, FailureClass.UNKNOWN_OUTCOME})


UPLOAD_STATUSES: Final[Mapping[int, Ruling]] = {
    **CREATE_STATUSES,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: refusal(FailureClass.INVALID_REQUEST),
}


class AimlapiMusic01Provider(BlockingProvider):
    """AIML API's dialect of `/v2/generate/audio/minimax/upload` and `/generate`."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call; the body omits ids that the recording does not have."""
        reference = order.reference or OrderedReference()
        ids = (("refer_voice", reference.voice_id), ("refer_instrumental", reference.instrumental_id))
        body: dict[str, JsonValue] = {"model": order.upstream_model}
        body |= {name: text for name, text in ids if text}
        body["lyrics"] = with_accompaniment(order.lyrics)
        body["audio_setting"] = audio_setting(order)
        return UpstreamCall("POST", f"{_PATH}/generate", body=body)

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The song, or the failure, by MiniMax's code first, then by AIML API's error document or HTTP status."""
        return with_usage(read_song(_NAME, answer, CREATE_STATUSES), answer)

    def upload_call(self, purpose: str, file_name: str, content_type: str) -> UploadCall:
        """The free upload of a recording; `purpose` is `song` (voice and music), `voice` or `instrumental`."""
        return UploadCall(f"{_PATH}/upload", {"purpose": purpose}, "file", file_name, content_type)

    def read_upload(self, answer: UpstreamAnswer) -> UploadOutcome:
        """The recording's ids, or the failure. Uploads are free, so every unclear failure may be retried."""
        code, reported = read_code(answer), told_http_status(answer.document)
        if code is not None and code != SUCCESS:
            return _refused_upload(answer, ruling_on(code), str(code))
        status = reported or answer.http_status
        if answer.document is None and status not in _CLEAR_WITHOUT_BODY:
            return Refused(failure_of(answer, UNPAID_TRANSIENT, describe_flaw(_NAME, answer)))
        if status >= LEAST_ERROR_CODE:
            return _refused_upload(
                answer, UPLOAD_STATUSES.get(status, UNPAID_TRANSIENT), str(reported) if reported else None
            )
        return _ids_in(answer) or _no_ids_in(answer)


PROVIDER: Final[Provider] = AimlapiMusic01Provider(_NAME)


def _ids_in(answer: UpstreamAnswer) -> UploadedReference | None:
    voice, instrumental = (read_id(member(answer.document, name)) for name in ("voice_id", "instrumental_id"))
    return UploadedReference(voice or "", instrumental or "") if voice or instrumental else None


def _no_ids_in(answer: UpstreamAnswer) -> Refused:
    found = f"expected {_IDS} from {_NAME}, found neither voice_id nor instrumental_id (HTTP {answer.http_status})"
    return Refused(failure_of(answer, refusal(FailureClass.PROVIDER_ERROR), found))


def _refused_upload(answer: UpstreamAnswer, ruling: Ruling, code: str | None = None) -> Refused:
    unpaid = UNPAID_TRANSIENT if ruling.failure_class in _UNCLEAR else refusal(ruling.failure_class)
    return Refused(failure_of(answer, unpaid, describe(_NAME, answer, words_of(answer), code, wanted=_IDS), code))
