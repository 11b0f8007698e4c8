"""SkillBoss: one blocking call for every kind of model. It returns a link, a MiniMax body or the file itself.

Its answers may contain `_*` fields addressed to software agents. Only the fields named here are read.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers import minimax_body
from fermata.adapters.providers.audio_places import (
    MOST_ENTRIES,
    leads_elsewhere,
    link_in,
    links_around,
    outermost_link_in,
)
from fermata.adapters.providers.blocking import BlockingProvider
from fermata.adapters.providers.tasks.state import finished_songs, has_failed
from fermata.adapters.providers.tasks.words import Stage, is_still_synthesising, stage_of_word
from fermata.domain.providers.answers import (
    LEAST_CODE_OF_ITS_OWN,
    LEAST_ERROR_CODE,
    PROVIDER_ERROR,
    RATE_LIMITED,
    TRANSIENT,
    UNKNOWN_OUTCOME,
    UNPAID_TRANSIENT,
    Ruling,
    describe,
    failure_of,
    member,
    read_link,
    read_number,
    read_words,
    refusal,
    unreadable,
)
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    AudioIsAnswer,
    Provider,
    Refused,
    SongOrder,
    Speech,
    StartOutcome,
    UpstreamAnswer,
    UpstreamCall,
)
from fermata.domain.providers.failures import FailureClass

_NAME: Final = "SkillBoss"

STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY), refusal(FailureClass.INVALID_REQUEST)),
    HTTPStatus.UNAUTHORIZED: refusal(FailureClass.AUTH),
    HTTPStatus.PAYMENT_REQUIRED: refusal(FailureClass.OUT_OF_CREDIT),
    HTTPStatus.TOO_MANY_REQUESTS: RATE_LIMITED,
    # The vendor documents it as safe to retry, and does not say whether the failed call was billed.
    HTTPStatus.INTERNAL_SERVER_ERROR: TRANSIENT,
    # The discount pool had no room, so no work began.
    HTTPStatus.SERVICE_UNAVAILABLE: UNPAID_TRANSIENT,
}


class SkillbossProvider(BlockingProvider):
    """SkillBoss's dialect of `POST /v1/run` for its music and speech models."""

    def start_call(self, order: SongOrder) -> UpstreamCall:
        """The paid call, which forbids the vendor to substitute another model."""
        inputs = _speech_inputs(order.speech) if order.speech else _song_inputs(order)
        body: dict[str, JsonValue] = {"model": order.upstream_model, "inputs": inputs, "auto_fallback": False}
        return UpstreamCall("POST", "/v1/run", body=body)

    def read_start(self, answer: UpstreamAnswer) -> StartOutcome:
        """The song, or the failure, by the body's code first, else by the HTTP status."""
        code = _error_code(answer)
        if answer.http_status == HTTPStatus.TOO_MANY_REQUESTS:
            return _refused(answer, RATE_LIMITED, code)
        if code is not None:
            return _refused(answer, _ruling_on(code), code)
        if answer.begins_as_audio:
            return AudioIsAnswer()
        if answer.document is None:
            return _unreadable(answer)
        return _refused_by_minimax(answer) or _song_in(answer) or _no_song_in(answer)


PROVIDER: Final[Provider] = SkillbossProvider(_NAME)


def _song_inputs(order: SongOrder) -> dict[str, JsonValue]:
    prompt: dict[str, JsonValue] = {"prompt": order.prompt} if order.prompt else {}
    return {"lyrics": order.lyrics, **prompt}


def _speech_inputs(speech: Speech) -> dict[str, JsonValue]:
    voice: dict[str, JsonValue] = {"voice_id": speech.voice} if speech.voice else {}
    return {"text": speech.text, **voice}


def _error_code(answer: UpstreamAnswer) -> int | None:
    """The error code in a body, which means a failure under any HTTP status."""
    codes = (read_number(member(body, "code")) for body in _bodies(answer))
    return next((code for code in codes if code is not None and code >= LEAST_ERROR_CODE), None)


def _ruling_on(code: int) -> Ruling:
    return STATUSES.get(code, UNKNOWN_OUTCOME if code < LEAST_CODE_OF_ITS_OWN else PROVIDER_ERROR)


def _bodies(answer: UpstreamAnswer) -> tuple[JsonValue, JsonValue]:
    """The document, and its `result`, which may repeat it."""
    return answer.document, member(answer.document, "result")


def _refused_by_minimax(answer: UpstreamAnswer) -> Refused | None:
    for body in _bodies(answer):
        code = minimax_body.code_in(body)
        if code is not None and code != minimax_body.SUCCESS:
            return _refused(answer, minimax_body.ruling_on(code), code)
        if is_still_synthesising(body):
            return minimax_body.still_synthesising(_NAME, answer)
    return None


def _has_failed(document: JsonValue) -> bool:
    """Whether a status word reports a failure and no song in the answer is marked as done."""
    return has_failed(document) and finished_songs(document) is None


def _song_in(answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | None:
    """The song at the documented place, else as text, else behind a link at any other place."""
    if _has_failed(answer.document):
        return None
    documented = next((links for body in _bodies(answer) if (links := _documented_links(body))), None)
    if documented:
        return _songs_at(documented)
    if answer.text_begins_as_audio:
        return AudioInAnswer()
    document = _without_page(answer)
    link = outermost_link_in(document)
    if link:
        return _songs_at(links_around(link, document))
    return AudioInAnswer() if answer.text_length else None


def _without_page(answer: UpstreamAnswer) -> JsonValue:
    """The document; an error document without its `url`, which leads to a page about the error."""
    document = answer.document
    if answer.http_status < LEAST_ERROR_CODE or not isinstance(document, dict):
        return document
    return {name: value for name, value in document.items() if name != "url"}


def _documented_links(body: JsonValue) -> tuple[str, ...]:
    """A link to audio for each entry of `outputs` that has one and did not fail. In these entries, `url` is always the
    song.
    """
    outputs = member(body, "outputs")
    entries = outputs[:MOST_ENTRIES] if isinstance(outputs, list) else [outputs]
    unfailed = (entry for entry in entries if stage_of_word(member(entry, "status")) is not Stage.FAILED)
    links = (link_in([entry]) or _url_of(entry) for entry in unfailed)
    return tuple(dict.fromkeys(link for link in links if link))


def _songs_at(links: Sequence[str]) -> AudioAt:
    return AudioAt(links[0], tuple(links[1:]))


def _url_of(entry: JsonValue) -> str | None:
    link = read_link(member(entry, "url"))
    return link if link and isinstance(entry, dict) and not leads_elsewhere(link, entry) else None


def _no_song_in(answer: UpstreamAnswer) -> Refused:
    if answer.http_status >= LEAST_ERROR_CODE:
        return _refused(answer, _ruling_on(answer.http_status))
    if any(minimax_body.code_in(body) == minimax_body.SUCCESS for body in _bodies(answer)):
        return minimax_body.success_without_audio(_NAME, answer)
    if not isinstance(answer.document, dict):
        return _unreadable(answer)
    if _has_failed(answer.document) or any(member(body, "error") for body in _bodies(answer)):
        return _refused(answer, PROVIDER_ERROR)
    found = f"expected a link or audio from {_NAME}, found neither (HTTP {answer.http_status})"
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))


def _refused(answer: UpstreamAnswer, ruling: Ruling, code: int | None = None) -> Refused:
    reported = None if code is None else str(code)
    return Refused(failure_of(answer, ruling, describe(_NAME, answer, _message(answer), reported), reported))


def _message(answer: UpstreamAnswer) -> str:
    return next((words for body in _bodies(answer) if (words := _words_of(body))), "")


def _words_of(body: JsonValue) -> str:
    minimax = member(body, "base_resp", "status_msg")
    return read_words(member(body, "message"), member(body, "error"), member(body, "error", "message"), minimax)


def _unreadable(answer: UpstreamAnswer) -> Refused:
    return Refused(unreadable(_NAME, answer))
