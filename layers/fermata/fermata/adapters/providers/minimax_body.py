"""The body in which MiniMax answers, and with it everybody who passes MiniMax's answers on: the song as text or a link
at `data.audio`, and the verdict in `base_resp`. `data` is an object, or a list of one.
"""

from collections.abc import Mapping
from typing import Final

from fermata.adapters.providers.audio_places import link_in, links_around
from fermata.adapters.providers.tasks.words import is_still_synthesising
from fermata.domain.providers.answers import (
    RATE_LIMITED,
    UNKNOWN_OUTCOME,
    Ruling,
    describe,
    describe_flaw,
    failure_of,
    member,
    read_error_status,
    read_link,
    read_number,
    read_words,
    refusal,
)
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    AudioIsAnswer,
    Refused,
    StartOutcome,
    UpstreamAnswer,
)
from fermata.domain.providers.failures import FailureClass, ProviderCharged

SUCCESS: Final = 0
TOO_MANY_REQUESTS: Final = 429

_LEAST_ERROR_STATUS: Final = 400
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
    **dict.fromkeys((2044, 2153), refusal(FailureClass.NOT_ENTITLED)),
    # "Your current token plan not support model": another model may still be sung.
    2061: Ruling(FailureClass.NOT_ENTITLED, ProviderCharged.NO, of_one_model=True),
}


def read_song(provider: str, answer: UpstreamAnswer, statuses: Mapping[int, Ruling]) -> StartOutcome:
    """The song, or why there is none: the body's own verdict first, and where it has none the HTTP status or the one
    that an error document tells, as `statuses` rules on it. `provider` is the sender's name, for people.
    """
    code = read_code(answer)
    if code is not None and code != SUCCESS:
        return _refused_by_code(provider, answer, code)
    if answer.http_status == TOO_MANY_REQUESTS:
        return _refused_by_status(provider, answer, RATE_LIMITED)
    if answer.begins_as_audio:
        return AudioIsAnswer()
    if answer.document is None:
        return Refused(failure_of(answer, UNKNOWN_OUTCOME, describe_flaw(provider, answer)))
    return _song_in(provider, answer) or _no_song_in(provider, answer, code, statuses)


def read_code(answer: UpstreamAnswer) -> int | None:
    """The body's own verdict, or None where it has none."""
    return read_number(member(answer.document, "base_resp", "status_code"))


def ruling_on(code: int) -> Ruling:
    """What a code other than success says of a paid call."""
    return CODES.get(code, _OTHER_CODE)


def words_of(answer: UpstreamAnswer) -> str:
    """What the answer says in words about a failure."""
    document = answer.document
    said = member(document, "base_resp", "status_msg")
    return read_words(
        said, member(document, "error"), member(document, "error", "message"), member(document, "message")
    )


def told_status(answer: UpstreamAnswer) -> int | None:
    """The HTTP error status that an error document tells, or None."""
    return read_error_status(member(answer.document, "statusCode"))


def _refused_by_code(provider: str, answer: UpstreamAnswer, code: int) -> Refused:
    ruling = ruling_on(code)
    # Too many requests is refused before work, whatever a code that promises less may say.
    if answer.http_status == TOO_MANY_REQUESTS and ruling.provider_charged is not RATE_LIMITED.provider_charged:
        ruling = RATE_LIMITED
    return Refused(failure_of(answer, ruling, describe(provider, answer, words_of(answer), str(code)), str(code)))


def _refused_by_status(provider: str, answer: UpstreamAnswer, ruling: Ruling) -> Refused:
    told = told_status(answer)
    code = None if told is None else str(told)
    return Refused(failure_of(answer, ruling, describe(provider, answer, words_of(answer), code), code))


def _song_in(provider: str, answer: UpstreamAnswer) -> AudioAt | AudioInAnswer | Refused | None:
    if is_still_synthesising(answer.document):
        return _incomplete(provider, answer, "data.status 1, a song that is still being made")
    if answer.text_begins_as_audio:
        return AudioInAnswer()
    data = member(answer.document, "data")
    link = read_link(member(data, "audio")) or link_in(data)
    if link:
        first, *further = links_around(link, {"data": data})
        return AudioAt(first, tuple(further))
    # What is no song by its beginning is kept, and what is wrong with it is said when it is decoded.
    return AudioInAnswer() if answer.text_length else None


def _no_song_in(provider: str, answer: UpstreamAnswer, code: int | None, statuses: Mapping[int, Ruling]) -> Refused:
    if code == SUCCESS:
        return _incomplete(provider, answer, "a success without audio")
    status = told_status(answer) or answer.http_status
    if status in statuses:
        return _refused_by_status(provider, answer, statuses[status])
    if not isinstance(answer.document, dict):
        return Refused(failure_of(answer, UNKNOWN_OUTCOME, describe_flaw(provider, answer)))
    if status >= _LEAST_ERROR_STATUS:
        return _refused_by_status(provider, answer, UNKNOWN_OUTCOME)
    found = f"expected data.audio or base_resp from {provider}, found neither (HTTP {answer.http_status})"
    return Refused(failure_of(answer, UNKNOWN_OUTCOME, found))


def _incomplete(provider: str, answer: UpstreamAnswer, found: str) -> Refused:
    return Refused(failure_of(answer, _INCOMPLETE, f"expected a finished song from {provider}, found {found}"))
