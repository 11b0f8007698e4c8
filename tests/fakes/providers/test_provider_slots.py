"""However runs of a provider's jobs overlap, crash and read what is out of date: no slot is taken twice or lost, starts
are a gap apart, and every job starts.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from fermata.adapters.dynamodb.providers.provider_states import DynamoProviderStates
from fermata.domain.providers.queue import Admitted, Lease, Limits, ProviderQueue, WaitUntil
from fermata.domain.providers.state import GivenBack, ProviderState
from fermata.ports.providers import ProviderStates
from tests.fakes.providers.provider_states import InMemoryProviderStates
from tests.support.cloud import TABLE, dynamodb_with_table
from tests.support.direct_dynamodb import directly, empty

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BEGAN = 1_800_000_000_000
LEASE_MS = 20_000
TICKETS = [f"job_{number}/1" for number in range(6)]


class Runs:
    """Runs of jobs, each of which decides on what it read a while ago."""

    def __init__(self, states: ProviderStates, limits: Limits) -> None:
        self.states, self.limits, self.now_ms = states, limits, BEGAN
        self.seen: dict[str, ProviderState] = {}
        self.calls: dict[str, Lease] = {}
        self.starts: list[int] = []

    def look(self, ticket: str) -> None:
        self.seen[ticket] = self.states.look("minimax", ticket, self.limits, self.now_ms)

    def ask(self, ticket: str) -> int | None:
        """When the ticket comes again; None where it called, or others were faster."""
        if ticket in self.calls:
            return None
        seen = self.seen.pop(ticket, None) or self.states.look("minimax", ticket, self.limits, self.now_ms)
        lease = Lease(self.now_ms, self.now_ms + LEASE_MS)
        asked_ms = seen.soonest_ms(ticket, self.now_ms)
        after, admission = seen.ask(ticket, asked_ms, lease.until_ms, self.limits, has_alternative=False)
        if isinstance(admission, WaitUntil):
            self.states.wait("minimax", ticket, after.queue.waiting[ticket])
            return admission.instant_ms
        assert isinstance(admission, Admitted)
        start = self.states.take(seen, ticket, lease, self.limits)
        if start is not None:
            self.states.leave("minimax", ticket)
            self.calls[ticket] = lease
            if seen.slots.own is None:
                self.starts.append(start.start_ms)
        return None

    def end(self, ticket: str) -> None:
        if self.calls.pop(ticket, None) is not None:
            self.states.give_back("minimax", GivenBack(ticket, 1000))

    def die(self, ticket: str) -> None:
        """The call's run is gone, and nothing of it is given back."""
        self.calls.pop(ticket, None)
        self.seen.pop(ticket, None)

    def pass_ms(self, duration_ms: int) -> None:
        self.now_ms += duration_ms
        self.calls = {name: lease for name, lease in self.calls.items() if lease.until_ms > self.now_ms}

    def check(self) -> None:
        held = self.states.look("minimax", "", self.limits, self.now_ms).queue.running
        assert len(self.calls) <= len(held) <= self.limits.concurrent
        assert self.calls.keys() <= held.keys()
        starts = sorted(self.starts)
        assert all(later - earlier >= self.limits.gap_ms for earlier, later in pairwise(starts))

    def finish(self, left: set[str]) -> None:
        """Every job comes when it is told to until it has called; a call ends after a second."""
        due = dict.fromkeys(sorted(left), self.now_ms)
        for _ in range(400):
            if not due:
                break
            ticket = min(due, key=lambda name: (due[name], name))
            self.pass_ms(max(0, due[ticket] - self.now_ms))
            told_ms = self.ask(ticket)
            self.check()
            if ticket in self.calls:
                self.pass_ms(1000)
                self.end(ticket)
                del due[ticket]
            else:
                due[ticket] = told_ms or self.now_ms + 1
        assert due == {}
        self.pass_ms(LEASE_MS)
        after = self.states.look("minimax", "", self.limits, self.now_ms)
        assert (dict(after.queue.running), dict(after.queue.waiting)) == ({}, {})
        assert len(after.slots.free) == self.limits.concurrent


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["look", "ask", "ask", "ask", "end", "die", "pass"]),
        st.sampled_from(TICKETS),
        st.sampled_from([1, 200, 1000, 15_000, LEASE_MS]),
    ),
    max_size=40,
)
LIMITS = st.builds(Limits, st.sampled_from([1, 100, 700]), st.integers(1, 4))


@pytest.fixture(scope="module")
def table() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield directly(dynamodb_with_table())


def play(runs: Runs, steps: list[tuple[str, str, int]]) -> None:
    for step, ticket, duration_ms in steps:
        match step:
            case "look":
                runs.look(ticket)
            case "ask":
                runs.ask(ticket)
            case "end":
                runs.end(ticket)
            case "die":
                runs.die(ticket)
            case _:
                runs.pass_ms(duration_ms)
        runs.check()
    for ticket in list(runs.calls):
        runs.end(ticket)
    runs.seen.clear()
    runs.finish(set(TICKETS))


@settings(max_examples=100, deadline=None)
@given(LIMITS, STEPS)
def test_in_memory_no_slot_is_taken_twice_or_lost_and_every_job_starts(
    limits: Limits, steps: list[tuple[str, str, int]]
) -> None:
    play(Runs(InMemoryProviderStates(), limits), steps)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LIMITS, STEPS)
def test_in_dynamodb_no_slot_is_taken_twice_or_lost_and_every_job_starts(
    table: "DynamoDBClient", limits: Limits, steps: list[tuple[str, str, int]]
) -> None:
    empty(table, TABLE)
    play(Runs(DynamoProviderStates(table, TABLE), limits), steps)


def test_a_stale_look_takes_no_slot_beyond_the_limit(table: "DynamoDBClient") -> None:
    empty(table, TABLE)
    runs = Runs(DynamoProviderStates(table, TABLE), Limits(1, 2))
    for ticket in TICKETS:
        runs.look(ticket)
    for ticket in TICKETS:
        runs.ask(ticket)
        runs.check()
    assert len(runs.calls) == 2
    assert runs.states.look("minimax", "", runs.limits, BEGAN).queue.waiting == ProviderQueue().waiting
