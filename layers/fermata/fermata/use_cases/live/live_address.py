"""The address at which a job's song is heard while it is made."""

from dataclasses import dataclass

from fermata.domain.jobs.job import Job
from fermata.domain.live.stream import can_be_joined
from fermata.domain.live.token import live_sha256, live_token
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.live import LiveSecret, LiveStreams


@dataclass(frozen=True)
class LiveAddressPorts:
    """Ports of `live_address`. `api_url` is the URL of the live API, without a trailing slash."""

    streams: LiveStreams
    secret: LiveSecret
    api_url: str


def live_address(job: Job, ports: LiveAddressPorts) -> str | None:
    """The URL of the playlist, made anew at each call; None before the first piece, once the job has ended, and for a
    song that nobody can hear yet. Trouble of a store is logged and gives None, because the job can be shown without.
    """
    attempt = job.last_attempt
    if attempt is None or not can_be_joined(job):
        return None
    try:
        token = live_token(ports.secret.read(), job.id, attempt.number)
        stream = ports.streams.load(live_sha256(token))
    except TransientError as error:
        logger.warning("a job is shown without its live address", extra={"job_id": job.id, "reason": str(error)})
        return None
    return None if stream is None else f"{ports.api_url}/v1/live/{token}/playlist.m3u8"
