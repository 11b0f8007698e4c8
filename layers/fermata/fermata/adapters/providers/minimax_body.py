"""The answer body of MiniMax and of its resellers: the song as text or a link at `data.audio`, and the result code in
`base_resp`. `data` is an object, or a list of one.
"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers.audio_places import link_in, links_around
from fermata.adapters.providers.tasks.words import is_still_synthesising
from fermata.domain.providers.answers import (
    INCOMPLETE,
    LEAST_ERROR_CODE,
    PROVIDER_ERROR,
    RATE_LIMITED,
    TRANSIENT,
    UNKNOWN_OUTCOME,
    Ruling,
    describe,
    failure_of,
    member,
    read_link,
    read_number,
    read_words,
    refusal,
    told_http_status,
    unreadable,
)
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    AudioInEvents,
    AudioIsAnswer,
    Refused,
    StartOutcome,
    StreamFacts,
    UpstreamAnswer,
)
from fermata.domain.providers.failures import FailureClass, ProviderCharged

SUCCESS: Final = 0

CODES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((1000, 1013, 1024, 1033), TRANSIENT),
    1001: UNKNOWN_OUTCOME,
    **dict.fromkeys((1002, 1039, 1041, 2045), RATE_LIMITED),
    **dict.fromkeys((1004, 2038, 2049), refusal(FailureClass.AUTH)),
    **dict.fromkeys((1008, 1028, 1030, 2056), refusal(FailureClass.OUT_OF_CREDIT)),
    1026: refusal(FailureClass.CONTENT_REFUSED),
    # The output was refused, so the song was made and may be charged.
    1027: Ruling(FailureClass.CONTENT_REFUSED),
    **dict.fromkeys((1042, 1043, 1044, 2013, 2037, 2039, 2042, 2048, 20132), refusal(FailureClass.INVALID_REQUEST)),
    **dict.fromkeys((2044, 2153), refusal(FailureClass.NOT_ENTITLED)),
    # "Your current token plan not support model": other models may still work.
    2061: Ruling(FailureClass.NOT_ENTITLED, ProviderCharged.NO, of_one_model=True),
}


def read_song(provider: str, answer: UpstreamAnswer, statuses: Mapping[int, Ruling]) -> StartOutcome:
    """The song, or the failure, by the body's code first, else by the status in an error document or the HTTP status,
    which `statuses` maps. `provider` is the name in messages.
    """
    if answer.stream is not None and (answer.stream.events != 1 or is_still_synthesising(answer.document)):
        return _song_in_events(provider, replace(answer, document=answer.stream.telling), answer.stream, statuses)
    code = read_code(answer)
    if code is not None and code != SUCCESS:
        return _refused_by_code(provider, answer, code)
    if answer.http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return _refused_by_status(provider, answer, RATE_LIMITED)
    if answer.begins_as_audio:
        return AudioIsAnswer()
    if answer.document is None:
        return Refused(unreadable(provider, answer))
    return _song_in(provider, answer) or _no_song_in(provider, answer, code, statuses)


def read_code(answer: UpstreamAnswer) -> int | None:
    """The body's result code, or None."""
    return code_in(answer.document)


def code_in(body: JsonValue) -> int | None:
    """The result code of a MiniMax body, or None."""
    return read_number(member(body, "base_resp", "status_code"))


def ruling_on(code: int) -> Ruling:
    """The meaning of a code other than success for a paid call."""
    return CODES.get(code, PROVIDER_ERROR)


def words_of(answer: UpstreamAnswer) -> str:
    """The answer's message about a failure."""
    document = answer.document
    said = member(document, "base_resp", "status_msg")
    return read_words(
        said, member(document, "error"), member(document, "error", "message"), member(document, "message")
    )


def _song_in_events(
    provider: str, answer: UpstreamAnswer, stream: StreamFacts, statuses: Mapping[int, Ruling]
) -> StartOutcome:
    """The song in a stream of events, or the failure. `answer.document` is the event that tells most."""
    code = read_code(answer)
    if code is not None and code != SUCCESS:
        refused = _refused_by_code(provider, answer, code)
        # The provider was already at work when it sent audio.
        return Refused(refused.failure.of_an_accepted_order()) if stream.has_audio else refused
    if not stream.has_audio:
        return _no_song_in_events(provider, answer, stream, statuses)
    if stream.flaw is not None:
        found = f"expected whole events from {provider}, found one that is {stream.flaw}"
        return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))
    if stream.last is None:
        found = f"expected a last event from {provider} (data.status 2), found a stream of {stream.events} without it"
        return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))
    return AudioInEvents(stream.whole_event)


def _no_song_in_events(
    provider: str, answer: UpstreamAnswer, stream: StreamFacts, statuses: Mapping[int, Ruling]
) -> StartOutcome:
    link = link_in(member(answer.document, "data"))
    if link and stream.last is not None:
        return AudioAt(link)
    status = told_http_status(answer.document) or answer.http_status
    if status in statuses:
        return _refused_by_status(provider, answer, statuses[status])
    return _incomplete(provider, answer, f"a stream of {stream.events} events without audio")


def _refused_by_code(provider: str, answer: UpstreamAnswer, code: int) -> Refused:
    ruling = ruling_on(code)
    # A request beyond the rate limit is refused before any work, even where the code alone leaves the charge open.
    is_unpaid = ruling.provider_charged is RATE_LIMITED.provider_charged
    if answer.http_status == HTTPStatus.TOO_MANY_REQUESTS and not is_unpaid:
        ruling = RATE_LIMITED
    return Refused(failure_of(answer, ruling, describe(provider, answer, words_of(answer), str(code)), str(code)))


def _refused_by_status(provider: str, answer: UpstreamAnswer, ruling: Ruling) -> Refused:
    reported = told_http_status(answer.document)
    code = None if reported is None else str(reported)
    return Refused(failure_of(answer, ruling, describe(provider, answer, words_of(answer), code), code))


def _song_in(provider: str, answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | Refused | None:
    if is_still_synthesising(answer.document):
        return still_synthesising(provider, answer)
    if answer.text_begins_as_audio:
        return AudioInAnswer()
    data = member(answer.document, "data")
    link = read_link(member(data, "audio")) or link_in(data)
    if link:
        first, *further = links_around(link, {"data": data})
        return AudioAt(first, tuple(further))
    # Text that does not begin as audio is kept; decoding it reports the flaw.
    return AudioInAnswer() if answer.text_length else None


def _no_song_in(provider: str, answer: UpstreamAnswer, code: int | None, statuses: Mapping[int, Ruling]) -> Refused:
    if code == SUCCESS:
        return success_without_audio(provider, answer)
    status = told_http_status(answer.document) or answer.http_status
    if status in statuses:
        return _refused_by_status(provider, answer, statuses[status])
    if not isinstance(answer.document, dict):
        return Refused(unreadable(provider, answer))
    if status >= LEAST_ERROR_CODE:
        return _refused_by_status(provider, answer, UNKNOWN_OUTCOME)
    found = f"expected data.audio or base_resp from {provider}, found neither (HTTP {answer.http_status})"
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))


def still_synthesising(provider: str, answer: UpstreamAnswer) -> Refused:
    """The failure of a body whose song is still being made."""
    return _incomplete(provider, answer, "data.status 1, a song that is still being made")


def success_without_audio(provider: str, answer: UpstreamAnswer) -> Refused:
    """The failure of a body whose code is success and which has no song."""
    return _incomplete(provider, answer, "a success without audio")


def _incomplete(provider: str, answer: UpstreamAnswer, found: str) -> Refused:
    return Refused(failure_of(answer, INCOMPLETE, f"expected a finished song from {provider}, found {found}"))
