"""MiniMax's own API: one blocking call that answers with hex text or a link, and tells failures inside HTTP 200."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.blocking import BlockingProvider
from fermata.domain.failures import FailureClass
from fermata.domain.upstream import (
    AudioAt,
    AudioInAnswer,
    Provider,
    Refused,
    SongOrder,
    StartOutcome,
    UpstreamAnswer,
    UpstreamCall,
)
from fermata.domain.upstream_reading import (
    RATE_LIMITED,
    UNKNOWN_OUTCOME,
    Ruling,
    describe,
    describe_flaw,
    failure_of,
    member,
    read_link,
    read_number,
    read_words,
    refusal,
)

_NAME: Final = "MiniMax"
_SUCCESS: Final = 0
_STILL_SYNTHESISING: Final = 1
_TOO_MANY_REQUESTS: Final = 429

_TRANSIENT: Final = Ruling(FailureClass.TRANSIENT)
_OTHER_CODE: Final = Ruling(FailureClass.PROVIDER_ERROR)
_INCOMPLETE: Final = Ruling(FailureClass.INCOMPLETE)

CODES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((1000, 1013, 1024, 1033), _TRANSIENT),
    1001: UNKNOWN_OUTCOME,
    **dict.fromkeys((1002, 1039, 1041, 2045), RATE_LIMITED),
    **dict.fromkeys((1004, 2038, 2049), refusal(FailureClass.AUTH)),
    **dict.fromkeys((1008, 1028, 1030, 2056), refusal(FailureClass.OUT_OF_CREDIT)),
    1026: refusal(FailureClass.CONTENT_REFUSED),
    # The output was refused, so the song had been made.
    1027: Ruling(FailureClass.CONTENT_REFUSED),
    **dict.fromkeys((1042, 1043, 1044, 2013, 2037, 2039, 2042, 2048, 20132), refusal(FailureClass.INVALID_REQUEST)),
    **dict.fromkeys((2044, 2061, 2153), refusal(FailureClass.NOT_ENTITLED)),
}

HTTP_STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((400, 413, 422), refusal(FailureClass.INVALID_REQUEST)),
    **dict.fromkeys((401, 403), refusal(FailureClass.AUTH)),
    402: refusal(FailureClass.OUT_OF_CREDIT),
    404: refusal(FailureClass.NOT_FOUND),
    410: refusal(FailureClass.NOT_ENTITLED),
    _TOO_MANY_REQUESTS: RATE_LIMITED,
}


class MinimaxProvider(BlockingProvider):
    """MiniMax's dialect of `POST /v1/music_generation`."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call; texts and switches that the order leaves out are left out of the body."""
        body: dict[str, JsonValue] = {"model": order.upstream_model}
        body |= {name: text for name, text in (("prompt", order.prompt), ("lyrics", order.lyrics)) if text}
        body |= {"stream": False, "output_format": order.delivery}
        body["audio_setting"] = {
            "sample_rate": order.sample_rate,
            "bitrate": order.bitrate,
            "format": order.audio_format,
        }
        switches = (("lyrics_optimizer", order.auto_lyrics), ("is_instrumental", order.instrumental))
        body |= {name: True for name, on in switches if on}
        return UpstreamCall("POST", "/v1/music_generation", body=body)

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The song, or why there is none: the body's own verdict first, the HTTP status where it has none."""
        code = read_number(member(answer.document, "base_resp", "status_code"))
        if code is not None and code != _SUCCESS:
            return _refused_by_code(answer, code)
        if answer.http_status == _TOO_MANY_REQUESTS:
            return _refused_by_status(answer, RATE_LIMITED)
        if answer.document is None:
            return Refused(failure_of(answer, UNKNOWN_OUTCOME, describe_flaw(_NAME, answer)))
        return _song_in(answer) or _no_song_in(answer, code)


PROVIDER: Final[Provider] = MinimaxProvider(_NAME)


def _refused_by_code(answer: UpstreamAnswer, code: int) -> Refused:
    ruling = CODES.get(code, _OTHER_CODE)
    # Too many requests is refused before work, whatever a code that promises less may say.
    if answer.http_status == _TOO_MANY_REQUESTS and ruling.provider_charged is not RATE_LIMITED.provider_charged:
        ruling = RATE_LIMITED
    said = read_words(member(answer.document, "base_resp", "status_msg"))
    return Refused(failure_of(answer, ruling, describe(_NAME, answer, said, str(code)), str(code)))


def _refused_by_status(answer: UpstreamAnswer, ruling: Ruling) -> Refused:
    document = answer.document
    said = read_words(member(document, "error"), member(document, "error", "message"), member(document, "message"))
    return Refused(failure_of(answer, ruling, describe(_NAME, answer, said)))


def _song_in(answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | Refused | None:
    song = member(answer.document, "data")
    if read_number(member(song, "status")) == _STILL_SYNTHESISING:
        return _incomplete(answer, "data.status 1, a song that is still being made")
    link = read_link(member(song, "audio"))
    if link is None and answer.hex_digits:
        return AudioInAnswer()
    link = link or read_link(member(song, "audio_url"))
    return AudioAt(link) if link else None


def _no_song_in(answer: UpstreamAnswer, code: int | None) -> Refused:
    if code == _SUCCESS:
        return _incomplete(answer, "a success without audio")
    ruling = HTTP_STATUSES.get(answer.http_status)
    if ruling is not None:
        return _refused_by_status(answer, ruling)
    if not isinstance(answer.document, dict):
        return Refused(failure_of(answer, UNKNOWN_OUTCOME, describe_flaw(_NAME, answer)))
    if answer.http_status >= 400:
        return _refused_by_status(answer, UNKNOWN_OUTCOME)
    found = f"expected data.audio or base_resp from {_NAME}, found neither (HTTP {answer.http_status})"
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))


def _incomplete(answer: UpstreamAnswer, found: str) -> Refused:
    return Refused(failure_of(answer, _INCOMPLETE, f"expected a finished song from {_NAME}, found {found}"))
