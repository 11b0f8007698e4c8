"""Classifies errors of fetching, measuring or decoding a song that was bought."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.providers.failures import MESSAGE_LIMIT, Failure, FailureClass, ProviderCharged
from fermata.domain.providers.patience import BAD_FILE, MOST_POLLS, REPEATED_SONG
from fermata.domain.web.http_status import PASSING, SERVER_ERRORS, SUCCESSES
from fermata.errors import (
    AudioTooComplexError,
    AudioTooLargeError,
    BadAudioError,
    DeliveryError,
    LinkTroubleError,
    RepeatedSongError,
    ResultExpiredError,
    UnsafeLinkError,
)

_DEAD_LINK: Final[frozenset[int | None]] = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS,
    }
)
"""The usual answers of hosts to an expired link."""
_BUSY: Final[frozenset[int]] = PASSING | {HTTPStatus.TOO_MANY_REQUESTS}
"""The answers, beside every 5xx, of a host that has the file and may serve it later."""
BUSY_FETCHES: Final = 4
"""Fetches within some seconds that may find a host busy before a new link, perhaps to another host, is requested."""
_CLASSES: Final[Mapping[int | None, FailureClass]] = {
    **dict.fromkeys(_DEAD_LINK, FailureClass.RESULT_EXPIRED),
    HTTPStatus.UNAUTHORIZED: FailureClass.AUTH,
    HTTPStatus.PAYMENT_REQUIRED: FailureClass.OUT_OF_CREDIT,
    HTTPStatus.TOO_MANY_REQUESTS: FailureClass.RATE_LIMITED,
}


def failure_of_fetch(error: DeliveryError | LinkTroubleError, attempt: Attempt) -> Failure:
    """The failure that ends the job if the song never arrives."""
    failure_class, code = _meaning(error)
    charged = attempt.provider_charged
    return Failure(
        failure_class=failure_class,
        provider_charged=ProviderCharged.UNKNOWN if charged is ProviderCharged.NO else charged,
        message=f"the audio was made and could not be stored: {error}"[:MESSAGE_LIMIT],
        code=code,
        http_status=error.status if isinstance(error, LinkTroubleError) else None,
        retry_after_s=error.retry_after_s if isinstance(error, LinkTroubleError) else None,
    )


def may_have_a_better_link(error: DeliveryError | LinkTroubleError, attempt: Attempt, number: int) -> bool:
    """Whether a new link from the task may help: if the link leads to anything but a song, or its host stays busy.
    False if the task has no further link (`is_over`), or was polled or renewed `MOST_POLLS` times.
    """
    retries = attempt.retries
    if attempt.upstream_id is None or retries.is_over or attempt.link_renewals + retries.polls >= MOST_POLLS:
        return False
    if isinstance(error, LinkTroubleError) and error.status is not None:
        is_busy = error.status in _BUSY or error.status >= SERVER_ERRORS.start
        return not is_busy or retries.fetches_of(number) >= BUSY_FETCHES
    return True


def is_not_taken(error: DeliveryError | LinkTroubleError) -> bool:
    """Whether a link is permanently unacceptable: an unsafe address, or a file beyond the bounds of size or work."""
    return isinstance(error, UnsafeLinkError | AudioTooLargeError | AudioTooComplexError)


def came_whole(error: Exception) -> bool:
    """Whether a whole file arrived, according to its host, that no meter of this version recognises as a song."""
    return isinstance(error, BadAudioError) and not isinstance(error, AudioTooLargeError)


def will_not_change(
    error: DeliveryError | LinkTroubleError, attempt: Attempt, number: int, *, is_staged: bool, may_be_renewed: bool
) -> bool:
    """Whether another try brings the same result: a staged answer never changes, and a permanently unacceptable link
    can only be replaced, once.
    """
    if is_staged or not is_not_taken(error):
        return is_staged
    song = attempt.retries.songs.get(number)
    refused_after = song.refused_after if song is not None else None
    return not may_be_renewed or (refused_after is not None and attempt.new_links > refused_after)


def _meaning(error: DeliveryError | LinkTroubleError) -> tuple[FailureClass, str]:
    match error:
        case LinkTroubleError(status=None):
            return FailureClass.TRANSIENT, "link_unreachable"
        case LinkTroubleError(status=status) if status is not None and status < SUCCESSES.stop:
            # The host reported success without a whole file: it sent text instead, nothing, or a part.
            return FailureClass.BAD_AUDIO, "no_whole_file"
        case LinkTroubleError(status=status):
            found = _CLASSES.get(status, FailureClass.TRANSIENT)
            return found, "result_expired" if found is FailureClass.RESULT_EXPIRED else f"http_{status}"
        case UnsafeLinkError():
            return FailureClass.PROVIDER_ERROR, "unsafe_link"
        case RepeatedSongError():
            return FailureClass.INCOMPLETE, REPEATED_SONG
        case ResultExpiredError():
            return FailureClass.RESULT_EXPIRED, "result_expired"
        case AudioTooLargeError():
            return FailureClass.BAD_AUDIO, "too_large"
        case AudioTooComplexError():
            return FailureClass.BAD_AUDIO, "too_complex"
        case BadAudioError():
            return FailureClass.BAD_AUDIO, BAD_FILE
        case _:
            return FailureClass.TRANSIENT, "not_stored"
