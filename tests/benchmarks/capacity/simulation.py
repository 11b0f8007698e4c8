"""A discrete-event simulation of many jobs under the limits of a deployment, and what binds first by arithmetic.

Jobs arrive at random instants (Poisson). A job that has to wait for a limit waits, as its machine, its caller and its
transactions do; only a transaction that conflicts for too long gives up.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import simpy

from tests.benchmarks.capacity.limits import ITEM_UNITS_A_SECOND, Bucket, Patience, SharedItem
from tests.benchmarks.capacity.needs import PLACES, UNITS_A_WRITE, Needs, Shared, quotas

PATIENCE: Final = Patience(first_pause_s=0.02, longest_pause_s=0.4, for_s=3.0)
"""As `fermata.adapters.dynamodb.transactions` has it; a test holds both equal."""
TRIED_S: Final = 20
"""For how long transactions compete for one item to find what it takes."""
MOST_GIVEN_UP: Final = 0.001
_STEP: Final = 1.1


@dataclass
class Outcome:
    """How many jobs began and ended within the time, and for how long they waited (s), in the order of their ends."""

    began: int = 0
    ended: int = 0
    gave_up: int = 0
    waited_s: list[float] = field(default_factory=list)
    by_limit_s: dict[str, float] = field(default_factory=dict)

    def waited(self, share: float) -> float:
        """The wait that this share of the ended jobs did not exceed, in s."""
        ordered = sorted(self.waited_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def add(self, limit: str, seconds: float) -> None:
        """Count a wait."""
        if seconds > 0:
            self.by_limit_s[limit] = self.by_limit_s.get(limit, 0.0) + seconds


@dataclass
class Account:
    """The limits of a deployment, each as AWS gives it, or so many times as large."""

    environment: simpy.Environment
    buckets: Mapping[str, Bucket]
    places: simpy.Resource
    items: dict[str, tuple[SharedItem, ...]]

    @classmethod
    def new(cls, environment: simpy.Environment, needs: Needs, times: Mapping[str, float]) -> "Account":
        """An account without load. `times` names the quotas that were raised."""
        buckets = {
            name: Bucket(name, each["per_second"] * times.get(name, 1), each["burst"] * times.get(name, 1))
            for name, each in quotas()["buckets"].items()
        }
        at_once = quotas()["places"][PLACES]["at_once"] * times.get(PLACES, 1)
        held_s = quotas()["assumed"]["transaction_held_s"]
        items = {
            shared.name: tuple(SharedItem(shared.name, held_s, PATIENCE) for _ in range(shared.shards))
            for shared in needs.items
        }
        return cls(environment, buckets, simpy.Resource(environment, round(at_once)), items)


def simulate(
    needs: Needs, per_second: float, for_s: float, chance: Random, times: Mapping[str, float] | None = None
) -> Outcome:
    """Let jobs arrive for so long, and run until all that can end have ended or as much time again is over."""
    environment, outcome = simpy.Environment(), Outcome()
    account = Account.new(environment, needs, times or {})
    environment.process(_arrivals(account, needs, per_second, for_s, outcome, chance))
    environment.run(until=2 * for_s + sum(run.seconds + run.after_s for run in needs.runs))
    return outcome


def _arrivals(
    account: Account, needs: Needs, per_second: float, for_s: float, outcome: Outcome, chance: Random
) -> Generator[simpy.Event, Any, None]:
    while account.environment.now < for_s:
        yield account.environment.timeout(chance.expovariate(per_second))
        outcome.began += 1
        account.environment.process(_job(account, needs, outcome, chance))


def _job(account: Account, needs: Needs, outcome: Outcome, chance: Random) -> Generator[simpy.Event, Any, None]:
    began_s = account.environment.now
    for name, tokens in needs.tokens.items():
        wait_s = account.buckets[name].take(account.environment.now, tokens)
        outcome.add(name, wait_s)
        if wait_s > 0:
            yield account.environment.timeout(wait_s)
    for number, run in enumerate(needs.runs):
        if run.after_s:
            yield account.environment.timeout(run.after_s)
        asked_s = account.environment.now
        with account.places.request() as place:
            yield place
            outcome.add(PLACES, account.environment.now - asked_s)
            for shared in needs.items:
                if number < shared.transactions and not (yield from _write(account, shared.name, outcome, chance)):
                    outcome.gave_up += 1
                    return
            yield account.environment.timeout(run.seconds)
    outcome.ended += 1
    least_s = sum(run.seconds + run.after_s for run in needs.runs)
    outcome.waited_s.append(max(0.0, round(account.environment.now - began_s - least_s, 6)))


def _write(account: Account, name: str, outcome: Outcome, chance: Random) -> Generator[simpy.Event, Any, bool]:
    """Change a shared item, or one of its shards; returns whether that succeeded."""
    item, since_s, tries = chance.choice(account.items[name]), account.environment.now, 0
    while True:
        wait_s = item.write(account.environment.now, since_s, tries, UNITS_A_WRITE, chance.random)
        if wait_s is None:
            return False
        if wait_s == 0:
            outcome.add(name, account.environment.now - since_s)
            return True
        tries += 1
        yield account.environment.timeout(wait_s)


def writes_an_item_takes(held_s: float, chance: Random) -> float:
    """How many transactions of many jobs an item takes in a second before one in a thousand gives up, to the tenth."""
    rate = _STEP
    while rate < ITEM_UNITS_A_SECOND / UNITS_A_WRITE and _given_up(rate * _STEP, held_s, chance) <= MOST_GIVEN_UP:
        rate *= _STEP
    return rate


def _given_up(per_second: float, held_s: float, chance: Random) -> float:
    needs = Needs("one write", {}, (), (Shared("item", UNITS_A_WRITE),))
    environment, outcome = simpy.Environment(), Outcome()
    account = Account.new(environment, needs, {})
    item = SharedItem("item", held_s, PATIENCE)
    account.items["item"] = (item,)

    def arrive() -> Generator[simpy.Event, Any, None]:
        while environment.now < TRIED_S:
            yield environment.timeout(chance.expovariate(per_second))
            environment.process(_write(account, "item", outcome, chance))

    environment.process(arrive())
    environment.run(until=TRIED_S + PATIENCE.for_s)
    return item.given_up / max(1, item.asked)


@dataclass(frozen=True)
class Bound:
    """How many jobs of a shape a second a limit lets through."""

    limit: str
    a_job: float
    per_second: float
    is_ours: bool


def bounds(needs: Needs, item_writes_a_second: float) -> list[Bound]:
    """Every limit by the jobs a second at which it binds, the first to bind first. No simulation: division."""
    found = [
        Bound(name, tokens, quotas()["buckets"][name]["per_second"] / tokens, is_ours=False)
        for name, tokens in needs.tokens.items()
    ]
    at_once = quotas()["places"][PLACES]["at_once"]
    found.append(Bound(PLACES, needs.place_seconds, at_once / needs.place_seconds, is_ours=False))
    found += [
        Bound(shared.name, shared.units, shared.per_second(item_writes_a_second), is_ours=True)
        for shared in needs.items
    ]
    return sorted(found, key=lambda bound: bound.per_second)
