"""Orders whose own terms, or whose words, have the operator pay a provider for songs that no tenant pays for."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx

from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS
from tests.integration.song import TLS, Cloud
from tests.soak.attacks import Tenant

PER_DAY: Final[int] = getattr(DEFAULT_LIMITS, "lost_songs_per_day", 20)
"""Songs that a tenant of the usual plan may lose a day."""
SMOKE_PER_DAY: Final = 2
BEYOND: Final = 5
"""Orders that come after the day's songs are lost."""
_AT_ONCE: Final = 8
_QUICK: Final = "aimlapi/minimax/music-2.0"
_LATE_S: Final = 5
"""Seconds to a deadline: more than twice the P80 of the fast parameters, and less than the two steps that hang take."""
_MOST_AGAIN: Final = 20


@dataclass(frozen=True)
class Losing:
    """Orders of a kind: `fields` of the next one, and the faults (provider, fault, step) that each meets."""

    name: str
    fields: Callable[[], dict[str, Any]]
    faults: Sequence[tuple[str, str, str]]


def _deadline() -> dict[str, Any]:
    finish_by = datetime.now(UTC) + timedelta(seconds=_LATE_S)
    return {"model": _QUICK, "finish_by": f"{finish_by:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"}


KINDS: Final = (
    Losing("refused content that is billed", dict, (("minimax", "code:1027", "create"),)),
    Losing(
        "orders with a deadline whose songs come late",
        _deadline,
        (("aimlapi", "hang:3", "poll"), ("aimlapi", "hang:3.5", "file")),
    ),
    Losing(
        "on_unknown: fallback, billed twice",
        lambda: {"fallbacks": [_QUICK], "on_unknown": "fallback"},
        (("minimax", "http:500:charged", "create"),),
    ),
)


@dataclass(frozen=True)
class Lost:
    """What orders of a kind came to: their answers, songs that were billed and not paid, and USD for one of them."""

    kind: Losing
    orders: int
    answers: Counter[str]
    songs: int
    song_usd: float
    allowed: int


def lose(cloud: Cloud, kind: Losing, *, smoke: bool) -> Lost:
    """Order until the day's songs are lost, wait for the ends, and order again."""
    allowed = SMOKE_PER_DAY if smoke else PER_DAY
    tenant = Tenant(cloud, 1_000_000, {"lost_songs_per_day": allowed})
    prompts = [f"{kind.name} {number} of {tenant.tenant_id}" for number in range(allowed + (2 if smoke else BEYOND))]
    before = _billed(cloud)
    answers = [*_ordered(tenant, kind, prompts[:allowed]), *_ordered(tenant, kind, prompts[allowed:])]
    billed, usd = _billed(cloud)
    hashes = [hashlib.sha256(prompt.encode()).hexdigest() for prompt in prompts]
    made = sum(billed[each] for each in hashes)
    paid = sum(job is not None and job["charged"] == "yes" for _, job in answers)
    charged = (billed - before[0]).total()
    return Lost(
        kind,
        len(prompts),
        Counter(f"{status} {job['status']}" if job else status for status, job in answers),
        made - paid,
        (usd - before[1]) / max(1, charged),
        allowed,
    )


def _ordered(tenant: Tenant, kind: Losing, prompts: Sequence[str]) -> list[tuple[str, dict[str, Any] | None]]:
    """What each order was answered, with its job once that has ended."""

    def order(prompt: str) -> tuple[str, dict[str, Any] | None]:
        for provider, fault, step in kind.faults:
            tenant.cloud.fault(provider, fault, step, prompt)
        answer = tenant.order(prompt, **kind.fields())
        for _ in range(_MOST_AGAIN):
            if answer.status_code != HTTPStatus.UNPROCESSABLE_ENTITY:
                break
            answer = tenant.order(prompt, **kind.fields())  # Its deadline came too near on the way.
        if answer.is_success:
            return str(answer.status_code), tenant.ended(answer.json()["id"])
        return f"{answer.status_code} {answer.json()['type'].rpartition(':')[2]}", None

    with ThreadPoolExecutor(_AT_ONCE) as clients:
        return list(clients.map(order, prompts))


def _billed(cloud: Cloud) -> tuple[Counter[str], float]:
    """How many songs each prompt was billed, and USD for all together."""
    billed, usd = Counter[str](), 0.0
    for address in cloud.line["simulators"].values():
        bill = httpx.get(f"{address}/_sim/bill", verify=TLS).raise_for_status().json()
        usd += bill["usd"]
        billed.update(item["prompt_sha256"] for item in bill["items"] if item["charged"])
    return billed, usd
