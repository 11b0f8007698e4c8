"""What an error says of a song that was bought and could not be fetched, measured or decoded."""

from collections.abc import Mapping
from typing import Final

from fermata.domain.failures import MESSAGE_LIMIT, Failure, FailureClass, ProviderCharged
from fermata.domain.jobs import Attempt
from fermata.domain.providers.patience import BAD_FILE, MOST_POLLS
from fermata.errors import (
    AudioTooLargeError,
    BadAudioError,
    DeliveryError,
    LinkTroubleError,
    ResultExpiredError,
    UnsafeLinkError,
)

_DEAD_LINK: Final[frozenset[int | None]] = frozenset({400, 403, 404, 410, 416, 451})
"""What hosts answer to a link that has run out; the task may have a new one."""
_LEAST_REDIRECT: Final = 300
_CLASSES: Final[Mapping[int | None, FailureClass]] = {
    **dict.fromkeys(_DEAD_LINK, FailureClass.RESULT_EXPIRED),
    401: FailureClass.AUTH,
    402: FailureClass.OUT_OF_CREDIT,
    429: FailureClass.RATE_LIMITED,
}


def failure_of_fetch(error: DeliveryError | LinkTroubleError, attempt: Attempt) -> Failure:
    """What the job ends as if the song never comes."""
    failure_class, code = _meaning(error)
    charged = attempt.provider_charged
    return Failure(
        failure_class=failure_class,
        provider_charged=ProviderCharged.UNKNOWN if charged is ProviderCharged.NO else charged,
        message=f"the song was made and could not be stored: {error}"[:MESSAGE_LIMIT],
        code=code,
        http_status=error.status if isinstance(error, LinkTroubleError) else None,
        retry_after_s=error.retry_after_s if isinstance(error, LinkTroubleError) else None,
    )


def may_have_a_better_link(error: DeliveryError | LinkTroubleError, attempt: Attempt) -> bool:
    """Whether asking the task for a new link may help: as long as there is patience where a link is dead or its
    host cannot be reached, and once where it leads to what Fermata does not take.
    """
    if attempt.upstream_id is None or attempt.link_renewals + attempt.retries.polls >= MOST_POLLS:
        return False
    if isinstance(error, LinkTroubleError):
        return error.status is None or error.status in _DEAD_LINK
    return isinstance(error, UnsafeLinkError | AudioTooLargeError) and attempt.link_renewals == 0


def will_not_change(error: DeliveryError | LinkTroubleError, *, is_staged: bool, has_new_link: bool) -> bool:
    """Whether trying again brings the same: what is staged never changes, and a link that leads where Fermata does not
    go, or to a file beyond the size bound, can only be replaced.
    """
    if is_staged:
        return True
    return isinstance(error, UnsafeLinkError | AudioTooLargeError) and not has_new_link


def _meaning(error: DeliveryError | LinkTroubleError) -> tuple[FailureClass, str]:
    match error:
        case LinkTroubleError(status=None):
            return FailureClass.TRANSIENT, "link_unreachable"
        case LinkTroubleError(status=status) if status is not None and status < _LEAST_REDIRECT:
            # The host means to hand the file over, and no whole file came: words in its place, nothing, or a part.
            return FailureClass.BAD_AUDIO, "no_whole_file"
        case LinkTroubleError(status=status):
            found = _CLASSES.get(status, FailureClass.TRANSIENT)
            return found, "result_expired" if found is FailureClass.RESULT_EXPIRED else f"http_{status}"
        case UnsafeLinkError():
            return FailureClass.PROVIDER_ERROR, "unsafe_link"
        case ResultExpiredError():
            return FailureClass.RESULT_EXPIRED, "result_expired"
        case AudioTooLargeError():
            return FailureClass.BAD_AUDIO, "too_large"
        case BadAudioError():
            return FailureClass.BAD_AUDIO, BAD_FILE
        case _:
            return FailureClass.TRANSIENT, "not_stored"
