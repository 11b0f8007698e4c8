"""A hundred clients at once, more than the laptop takes: whoever is sent away is told when to come again, and each gets
the one job that it asked for.
"""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from fermata.domain.jobs.status import JobStatus
from tests.integration.song import TERMINAL, Cloud, request
from tests.soak.part import Found

if TYPE_CHECKING:
    from tests.soak.bill_against_ledger import Soak

CLIENTS: Final = 100
SMOKE_CLIENTS: Final = 16
_SENT_AWAY: Final = (429, 503)
_PATIENCE_S: Final = 300
_NEVER: Final = threading.Event()


class Crowd:
    """Clients that order one song each at the same moment, with a key, and come again when they are told to."""

    def __init__(self, soak: "Soak", clients: int) -> None:
        self._soak, self._clients = soak, clients
        self._all_are_there = threading.Barrier(clients)
        self.answers: Counter[int] = Counter()
        self.broken: list[str] = []

    def order(self) -> list[str]:
        """The id of the job that each of them got."""
        with ThreadPoolExecutor(self._clients) as clients:
            return list(clients.map(self._ordered, range(self._clients)))

    def _ordered(self, number: int) -> str:
        body, until = request(f"song {number} of a crowd"), time.monotonic() + _PATIENCE_S
        with self._soak.cloud.http(self._soak.api_key) as http:
            self._all_are_there.wait()
            while time.monotonic() < until:
                answer = http.post("/v1/jobs", json=body, headers={"Idempotency-Key": f"of-client-{number}"})
                self.answers[answer.status_code] += 1
                if answer.is_success:
                    return str(answer.json()["id"])
                again_s = answer.headers.get("Retry-After", "")
                if answer.status_code not in _SENT_AWAY or not again_s.isdigit():
                    self.broken.append(f"client {number} got {answer.status_code}, Retry-After {again_s or 'missing'}")
                _NEVER.wait(int(again_s) if again_s.isdigit() else 1)
        self.broken.append(f"client {number} got no job within {_PATIENCE_S} s")
        return ""


def _ends(cloud: Cloud, jobs: int) -> Counter[str]:
    """How many jobs there are in each state once as many have ended; the table is read, because the API is busy."""

    def count() -> Counter[str]:
        return Counter({status: number for status in JobStatus if (number := cloud.count(status))})

    def have_ended() -> bool:
        ends = count()
        return sum(ends[status] for status in TERMINAL) >= jobs

    cloud.until(have_ended, _PATIENCE_S)
    # States are counted one after the other, so a job that ends meanwhile is counted in two; none changes any more.
    return count()


def found_in_a_crowd(soak: "Soak", clients: int) -> Found:
    """All of them at once; then every job is waited for."""
    began = time.monotonic()
    crowd = Crowd(soak, clients)
    ids = crowd.order()
    ordered_s = time.monotonic() - began
    ends = _ends(soak.cloud, len(set(ids)))
    broken = [*crowd.broken]
    if len(set(ids)) != clients:
        broken.append(f"{clients} clients have {len(set(ids))} ids")
    if ends != {"succeeded": clients}:
        broken.append(f"there are not {clients} jobs that all succeeded: {dict(ends)}")
    return Found(
        f"{clients} clients at once were answered {dict(crowd.answers)} within {ordered_s:.0f} s and have "
        f"{ends.total()} jobs, all ended after {time.monotonic() - began:.0f} s",
        tuple(broken),
    )
