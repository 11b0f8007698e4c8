"""Places for requests that wait for a job's end.

Each waiting request keeps one execution environment busy, so the places for all tenants are limited. Each tenant may
use a few of them, always the same ones, chosen by a hash. One place thus enforces both bounds.
"""

from hashlib import sha256
from typing import Final

LOOKED_AT: Final = 20
"""Most places that one request tries, whatever the plan allows."""
LEFT_FOR_THE_ANSWER_S: Final = 4
"""Seconds after its longest wait for which a request keeps its place, so that it is answered before another takes it.
No invocation lives longer.
"""


def places_of(tenant_id: str, at_once: int, places: int) -> tuple[int, ...]:
    """The places that a tenant may use: `at_once` of the numbers below `places`, or all if there are fewer."""
    if at_once >= places:
        return tuple(range(places))
    found: dict[int, None] = {}
    for number in range(at_once):
        place = int.from_bytes(sha256(f"{tenant_id}#{number}".encode()).digest()[:8]) % places
        while place in found:
            place = (place + 1) % places
        found[place] = None
    return tuple(found)


def looked_at(places: tuple[int, ...], holder: str) -> tuple[int, ...]:
    """The places that one request tries, in an order of its own, so that concurrent requests try different ones."""
    if not places:
        return ()
    first = int.from_bytes(sha256(holder.encode()).digest()[:8]) % len(places)
    return (places[first:] + places[:first])[:LOOKED_AT]
