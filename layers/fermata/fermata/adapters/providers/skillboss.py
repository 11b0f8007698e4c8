"""SkillBoss: one blocking call for every kind of model, which answers with a link, a MiniMax body or the file itself.

Its answers may carry `_*` fields addressed to software agents. Only the fields named here are ever looked at.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.blocking import BlockingProvider
from fermata.adapters.providers.minimax_body import ruling_on as minimax_ruling_on
from fermata.domain.failures import FailureClass
from fermata.domain.upstream import (
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

_NAME: Final = "SkillBoss"
_TOO_MANY_REQUESTS: Final = 429
_LEAST_ERROR_CODE: Final = 400
_LEAST_CODE_OF_ITS_OWN: Final = 600
_STILL_SYNTHESISING: Final = 1
_OTHER_CODE: Final = Ruling(FailureClass.PROVIDER_ERROR)
_INCOMPLETE: Final = Ruling(FailureClass.INCOMPLETE)

STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((400, 422), refusal(FailureClass.INVALID_REQUEST)),
    401: refusal(FailureClass.AUTH),
    402: refusal(FailureClass.OUT_OF_CREDIT),
    _TOO_MANY_REQUESTS: RATE_LIMITED,
    # The vendor calls it safe to retry, and says nothing about whether the failed call was billed.
    500: Ruling(FailureClass.TRANSIENT),
    # The discount pool had no room, so no work began.
    503: refusal(FailureClass.TRANSIENT),
}


class SkillbossProvider(BlockingProvider):
    """SkillBoss's dialect of `POST /v1/run` for its music models."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call; the vendor may not put another model in place of the ordered one."""
        inputs: dict[str, JsonValue] = {"lyrics": order.lyrics}
        if order.prompt:
            inputs["prompt"] = order.prompt
        body: dict[str, JsonValue] = {"model": order.upstream_model, "inputs": inputs, "auto_fallback": False}
        return UpstreamCall("POST", "/v1/run", body=body)

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The song, or why there is none: the body's own verdict first, the HTTP status where it has none."""
        code = _error_code(answer)
        if answer.http_status == _TOO_MANY_REQUESTS:
            return _refused(answer, RATE_LIMITED, code)
        if code is not None:
            return _refused(answer, _ruling_on(code), code)
        if answer.begins_as_audio:
            return AudioIsAnswer()
        if answer.document is None:
            return _unreadable(answer)
        return _refused_by_minimax(answer) or _song_in(answer) or _no_song_in(answer)


PROVIDER: Final[Provider] = SkillbossProvider(_NAME)


def _error_code(answer: UpstreamAnswer) -> int | None:
    """The error code inside a body, which is a failure under any HTTP status."""
    codes = (read_number(member(body, "code")) for body in _bodies(answer))
    return next((code for code in codes if code is not None and code >= _LEAST_ERROR_CODE), None)


def _ruling_on(code: int) -> Ruling:
    return STATUSES.get(code, UNKNOWN_OUTCOME if code < _LEAST_CODE_OF_ITS_OWN else _OTHER_CODE)


def _bodies(answer: UpstreamAnswer) -> tuple[JsonValue, JsonValue]:
    """The answer, and the same once more under `result`."""
    return answer.document, member(answer.document, "result")


def _refused_by_minimax(answer: UpstreamAnswer) -> Refused | None:
    for body in _bodies(answer):
        code = read_number(member(body, "base_resp", "status_code"))
        if code:
            return _refused(answer, minimax_ruling_on(code), code)
        if read_number(member(body, "data", "status")) == _STILL_SYNTHESISING:
            return _incomplete(answer, "data.status 1, a song that is still being made")
    return None


def _song_in(answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | None:
    for body in _bodies(answer):
        link = next(_links(body), None)
        if link:
            return AudioAt(link)
    return AudioInAnswer() if answer.text_length else None


def _links(body: JsonValue) -> Iterator[str]:
    """Every link to a song at a known place, the surest place first."""
    places = (
        *_entries(member(body, "outputs")),
        member(body, "audio_url"),
        member(body, "output"),
        member(body, "audio"),
        *_entries(member(body, "data")),
        member(body, "data", "audio"),
        member(body, "data", "audio_url"),
        *_entries(body),
        body,
    )
    return (link for place in places if (link := read_link(place)))


def _entries(values: JsonValue) -> list[JsonValue]:
    """The strings in a list, and those at `url` of the objects in it."""
    entries = values if isinstance(values, list) else []
    return [member(entry, "url") if isinstance(entry, dict) else entry for entry in entries]


def _no_song_in(answer: UpstreamAnswer) -> Refused:
    if answer.http_status >= _LEAST_ERROR_CODE:
        return _refused(answer, _ruling_on(answer.http_status))
    if any(read_number(member(body, "base_resp", "status_code")) == 0 for body in _bodies(answer)):
        return _incomplete(answer, "a success without audio")
    if not isinstance(answer.document, dict):
        return _unreadable(answer)
    if any(member(body, "error") for body in _bodies(answer)):
        return _refused(answer, _OTHER_CODE)
    found = f"expected a link or audio from {_NAME}, found neither (HTTP {answer.http_status})"
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))


def _refused(answer: UpstreamAnswer, ruling: Ruling, code: int | None = None) -> Refused:
    told = None if code is None else str(code)
    return Refused(failure_of(answer, ruling, describe(_NAME, answer, _said(answer), told), told))


def _said(answer: UpstreamAnswer) -> str:
    return next((words for body in _bodies(answer) if (words := _words_of(body))), "")


def _words_of(body: JsonValue) -> str:
    minimax = member(body, "base_resp", "status_msg")
    return read_words(member(body, "message"), member(body, "error"), member(body, "error", "message"), minimax)


def _incomplete(answer: UpstreamAnswer, found: str) -> Refused:
    return Refused(failure_of(answer, _INCOMPLETE, f"expected a finished song from {_NAME}, found {found}"))


def _unreadable(answer: UpstreamAnswer) -> Refused:
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, describe_flaw(_NAME, answer)))
