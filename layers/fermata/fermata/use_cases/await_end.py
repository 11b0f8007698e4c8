"""Hold a request until its job has ended, for a while."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.job_view import JobView
from fermata.errors import NotFoundError, TransientError
from fermata.use_cases.read_jobs import ShowPorts, find_job, show_job

LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class WaitPorts:
    """What waiting works with; `pause` lets so many seconds pass."""

    show: ShowPorts
    clock: Callable[[], datetime]
    pause: Callable[[float], object]


def await_end(job_id: str, tenant_id: str, ports: WaitPorts, since: datetime, wait_s: float) -> JobView | None:
    """The tenant's job as it is shown, as soon as it has ended; None where it is still open so many seconds after
    `since`, or was deleted.

    Whatever goes wrong while waiting is None, too: the order is accepted, and who is told of an error orders again.
    """
    try:
        if not _ends(job_id, ports, since + timedelta(seconds=wait_s)):
            return None
        return show_job(find_job(job_id, tenant_id, ports.show.jobs), ports.show, ports.clock())
    except (NotFoundError, TransientError):
        return None


def _ends(job_id: str, ports: WaitPorts, until: datetime) -> bool:
    while True:
        status = ports.show.jobs.status(job_id)
        if status is None or status.is_terminal:
            return status is not None
        left_s = (until - ports.clock()).total_seconds()
        if left_s <= 0:
            return False
        ports.pause(min(LOOK_EVERY_S, left_s))
