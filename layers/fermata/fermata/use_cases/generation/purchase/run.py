"""Make an address for the provider to post to, where the model's provider does that."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.jobs.attempt import AwaitedCallback
from fermata.domain.jobs.job import Job
from fermata.domain.providers.callbacks import callback_url, new_callback
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.providers import ApiUrl, CallbackStore


@dataclass(frozen=True)
class OpenCallbackPorts:
    """What `open_callback` works with; a callback is waited for `timeout_s` seconds, `randomness` gives 32 bytes."""

    callbacks: CallbackStore
    api_url: ApiUrl
    randomness: Callable[[], bytes]
    timeout_s: int


@dataclass(frozen=True)
class OpenCallback:
    """An address to send with an order, and what the attempt keeps of it; the address is nowhere else."""

    url: str
    awaited: AwaitedCallback


def open_callback(job: Job, ports: OpenCallbackPorts, now: datetime) -> OpenCallback | None:
    """An address for the attempt that is about to be claimed, stored before it is told to anybody.

    None where the model's provider posts nothing, or where there is no address to give: the song is then polled for.
    """
    if not job.candidate.callbacks:
        return None
    try:
        api_url = ports.api_url.read()
        token, callback = new_callback(job.id, len(job.attempts) + 1, now, ports.randomness())
        ports.callbacks.create(callback)
    except TransientError as error:
        logger.warning("no callback is asked for, the song is polled for instead", extra={"reason": str(error)})
        return None
    return OpenCallback(
        callback_url(api_url, token), AwaitedCallback(sha256=callback.sha256, timeout_s=ports.timeout_s)
    )
