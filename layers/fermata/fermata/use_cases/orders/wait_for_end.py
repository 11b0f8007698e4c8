"""Hold a request until its job has ended or its time is over. Without a free waiting place, do not hold it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.jobs.view import JobView
from fermata.domain.tenants.plan_limits import limits_of
from fermata.domain.tenants.waiting_places import LEFT_FOR_THE_ANSWER_S, looked_at, places_of
from fermata.errors import NotFoundError, TransientError
from fermata.log import logger
from fermata.ports.money import WalletStore
from fermata.ports.tenants import WaitingPlaces
from fermata.use_cases.orders.read_jobs import ShowPorts, find_job, show_job

LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class WaitPorts:
    """Ports of `wait_for_end`. `pause` sleeps for a number of seconds. At most `all_places` requests of all tenants are
    held at once; `holder` returns a unique name for each.
    """

    show: ShowPorts
    wallets: WalletStore
    places: WaitingPlaces
    all_places: int
    holder: Callable[[], str]
    clock: Callable[[], datetime]
    pause: Callable[[float], object]


@dataclass(frozen=True)
class Wait:
    """The result of a wait: the granted seconds, None if the request was not held; and the view of the job if it has
    ended.
    """

    held_s: float | None
    ended: JobView | None = None


NOT_HELD: Final = Wait(None)


def wait_for_end(job_id: str, tenant_id: str, ports: WaitPorts, since: datetime, wait_s: float) -> Wait:
    """Wait for the end of the tenant's job until `wait_s` seconds after `since`, unless the tenant or all tenants
    together already hold as many requests as allowed. A job that has ended needs no place.

    An error ends the wait and is not raised: the order is accepted, and a caller that got an error would order again.
    """
    until = since + timedelta(seconds=wait_s)
    try:
        status = ports.show.jobs.status(job_id)
        if status is None:
            return NOT_HELD
        if status.is_terminal:
            return Wait(wait_s, _shown(job_id, tenant_id, ports))
        if ports.clock() >= until:
            return Wait(wait_s)
        held, ended = _hold(job_id, tenant_id, ports, until)
        return Wait(wait_s, ended) if held else NOT_HELD
    except (NotFoundError, TransientError):
        return NOT_HELD


def _hold(job_id: str, tenant_id: str, ports: WaitPorts, until: datetime) -> tuple[bool, JobView | None]:
    """Whether the request had a place, and the view of its job if that has ended."""
    at_once, holder = limits_of(ports.wallets.find(tenant_id)).waiting_requests, ports.holder()
    among = looked_at(places_of(tenant_id, at_once, ports.all_places), holder)
    leased = until + timedelta(seconds=LEFT_FOR_THE_ANSWER_S)
    place = ports.places.take(among, holder, leased, ports.clock())
    if place is None:
        logger.info("too_many_waiting", extra={"tenant_id": tenant_id, "at_once": at_once})
        return False, None
    try:
        return True, _shown(job_id, tenant_id, ports) if _ends_before(job_id, ports, until) else None
    finally:
        _give_back(place, holder, ports.places)


def _give_back(place: int, holder: str, places: WaitingPlaces) -> None:
    try:
        places.give_back(place, holder)
    except TransientError as error:
        # Its lease expires a few seconds after the wait would have ended.
        logger.warning("a place was not freed", extra={"reason": str(error)})


def _shown(job_id: str, tenant_id: str, ports: WaitPorts) -> JobView:
    return show_job(find_job(job_id, tenant_id, ports.show.jobs), ports.show, ports.clock())


def _ends_before(job_id: str, ports: WaitPorts, until: datetime) -> bool:
    while True:
        left_s = (until - ports.clock()).total_seconds()
        if left_s <= 0:
            return False
        ports.pause(min(LOOK_EVERY_S, left_s))
        status = ports.show.jobs.status(job_id)
        if status is None or status.is_terminal:
            return status is not None
