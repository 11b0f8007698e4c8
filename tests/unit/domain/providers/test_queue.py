"""The line before a provider: steady starts, bounded concurrency, first come first served, and no job is forgotten."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata.domain.providers.queue import (
    GRACE_MS,
    MAX_WAITING,
    ORDER_SLACK_MS,
    SHORTEST_WAIT_MS,
    Admitted,
    Lease,
    Limits,
    ProviderQueue,
    Reservation,
    WaitUntil,
)

NOW = 1_800_000_000_000
LEASE_MS = 960_000
ONE_AT_ONCE = Limits(gap_ms=500, concurrent=1)
TWO_AT_ONCE = Limits(gap_ms=500, concurrent=2)
MANY = Limits(gap_ms=500, concurrent=100)


def asked(
    line: ProviderQueue, ticket: str, at: int = 0, limits: Limits = MANY, lease_ms: int = LEASE_MS
) -> ProviderQueue:
    return line.ask(ticket, NOW + at, NOW + at + lease_ms, limits)[0]


def answer(line: ProviderQueue, ticket: str, at: int = 0, limits: Limits = MANY, closed_until: int = 0) -> int | None:
    """Milliseconds until the returned instant, or None for go."""
    turn = line.ask(ticket, NOW + at, NOW + at + LEASE_MS, limits, closed_until and NOW + closed_until)[1]
    return turn.instant_ms - NOW - at if isinstance(turn, WaitUntil) else None


@pytest.mark.parametrize(("per_minute", "gap_ms"), [(120, 500), (1200, 50), (60_000, 1), (7, 8572), (1, 60_000)])
def test_starts_of_a_minute_are_evenly_spaced_and_never_too_many(per_minute: int, gap_ms: int) -> None:
    assert Limits.per_minute(per_minute, 1).gap_ms == gap_ms
    assert gap_ms * per_minute >= 60_000


def test_starts_are_reserved_a_gap_apart_in_the_order_of_requests() -> None:
    line = asked(asked(ProviderQueue(), "a"), "b")
    assert [answer(ProviderQueue(), "a"), answer(line, "b"), answer(line, "c")] == [None, 500, 1000]


def test_a_run_that_comes_again_finds_its_own_reservation_and_its_own_lease() -> None:
    line = asked(asked(ProviderQueue(), "a"), "b")
    again = asked(asked(line, "a", 100), "b", 100)
    assert again.running.keys() == {"a"}
    assert again.waiting == line.waiting
    assert answer(again, "c", 100) == answer(line, "c", 100)


def test_a_lease_that_is_taken_again_lasts_as_long_as_the_later_run() -> None:
    line = asked(asked(ProviderQueue(), "a"), "a", 5000)
    assert line.running["a"] == (NOW, NOW + 5000 + LEASE_MS)
    assert asked(line, "a", 6000, lease_ms=1).running["a"] == line.running["a"]


def test_a_slot_is_free_again_once_its_owner_gave_it_back_and_not_before() -> None:
    line = asked(ProviderQueue(), "a", limits=ONE_AT_ONCE)
    assert answer(line, "b", 600, ONE_AT_ONCE) is not None
    assert answer(line.without("a"), "b", 600, ONE_AT_ONCE) is None
    assert line.without("a").without("a") == line.without("a")


def test_a_dead_owners_slot_is_free_at_the_end_of_its_lease_and_not_before() -> None:
    line = asked(ProviderQueue(), "dead", limits=ONE_AT_ONCE, lease_ms=10_000)
    assert answer(line, "b", 9999, ONE_AT_ONCE) is not None
    assert answer(line, "b", 10_000, ONE_AT_ONCE) is None


def test_each_job_that_waits_for_a_slot_gets_an_instant_of_its_own() -> None:
    line = ProviderQueue(typical_ms=60_000)
    for ticket in "ab":
        line = asked(line, ticket, 600 * "ab".index(ticket), TWO_AT_ONCE)
    told = []
    for ticket in "cdefg":
        line, turn = line.ask(ticket, NOW + 10_000, NOW + LEASE_MS, TWO_AT_ONCE)
        assert isinstance(turn, WaitUntil)
        told.append(turn.instant_ms - NOW)
    assert told == sorted(told)
    assert len(set(told)) == len(told)
    # The first two slots end after a minute, the next two after another.
    assert [instant // 1000 for instant in told] == [60, 60, 120, 120, 180]


def test_a_call_that_outlives_the_mean_is_checked_less_and_less_often() -> None:
    line, at, looks = asked(ProviderQueue(typical_ms=1000), "slow", limits=ONE_AT_ONCE), 0, 0
    while at < 600_000:
        wait = answer(line, "next", at, ONE_AT_ONCE)
        assert wait is not None
        assert wait >= SHORTEST_WAIT_MS
        at, looks = at + wait, looks + 1
    assert looks < 30


def test_no_job_passes_an_earlier_reservation_that_is_due_later_than_the_slack() -> None:
    line = asked(asked(ProviderQueue(typical_ms=60_000), "running", limits=ONE_AT_ONCE), "first", 600, ONE_AT_ONCE)
    freed = line.without("running")
    passes = line.waiting["first"].told_ms - NOW + MANY.gap_ms - ORDER_SLACK_MS
    assert answer(freed, "second", 1200, MANY) == passes - 1200
    assert answer(freed, "second", passes, MANY) is None


def test_no_job_passes_an_earlier_one_that_would_have_to_wait_for_it() -> None:
    line = asked(asked(ProviderQueue(typical_ms=3000), "running", limits=ONE_AT_ONCE), "first", 600, ONE_AT_ONCE)
    line, due = line.without("running"), line.waiting["first"].told_ms - NOW
    assert answer(line, "second", due - 100, MANY) is not None
    assert answer(line, "second", due + 1, MANY) is None


def test_a_place_whose_owner_does_not_come_holds_its_slot_for_the_grace_only() -> None:
    line = asked(asked(ProviderQueue(), "running", limits=ONE_AT_ONCE), "dead", 600, ONE_AT_ONCE).without("running")
    told = line.waiting["dead"].told_ms - NOW
    assert answer(line, "next", told + GRACE_MS - 1, ONE_AT_ONCE) is not None
    assert answer(line, "next", told + GRACE_MS, ONE_AT_ONCE) is None


def test_no_job_starts_while_the_provider_is_closed_and_all_keep_their_places() -> None:
    line, told = ProviderQueue(), []
    for ticket in "abc":
        line, turn = line.ask(ticket, NOW, NOW + LEASE_MS, MANY, NOW + 30_000)
        assert isinstance(turn, WaitUntil)
        told.append(turn.instant_ms - NOW)
    assert told == [30_000, 30_500, 31_000]
    assert list(line.waiting) == ["a", "b", "c"]
    assert line.running == {}


def test_a_lease_is_not_taken_again_while_the_provider_is_closed() -> None:
    line = asked(ProviderQueue(), "a")
    assert answer(line, "a", 1000, closed_until=5000) == 4000


def test_a_full_line_sends_later_jobs_away_each_with_an_instant_of_its_own() -> None:
    line = ProviderQueue(typical_ms=1000)
    for number in range(MAX_WAITING + 1):
        line = asked(line, f"job-{number}")
    assert len(line.waiting) == MAX_WAITING
    told = []
    for number in range(3):
        line, turn = line.ask(f"late-{number}", NOW, NOW + LEASE_MS, MANY)
        assert isinstance(turn, WaitUntil)
        told.append(turn.instant_ms - NOW)
    assert len(line.waiting) == MAX_WAITING
    assert told == [1000, 1500, 2000]


def test_a_job_that_left_the_line_holds_no_other_back() -> None:
    line = asked(ProviderQueue(), "paid").without("paid")
    for number in range(100):
        line = asked(line, f"canceled-{number}").without(f"canceled-{number}")
    assert answer(line, "next") == MANY.gap_ms
    assert answer(line, "next", MANY.gap_ms) is None


def test_one_place_that_is_always_renewed_does_not_push_the_line_ahead() -> None:
    line = asked(asked(ProviderQueue(), "paid"), "kept-0")
    for number in range(1, 100):
        line = asked(line, f"kept-{number}").without(f"kept-{number - 1}")
    assert answer(line, "next") == MANY.gap_ms


def test_the_start_of_a_job_that_left_is_reserved_again_and_moves_no_other() -> None:
    line = asked(asked(asked(asked(ProviderQueue(), "a"), "b"), "c"), "d")
    again = asked(line.without("c"), "e")
    assert again.waiting["e"] == line.waiting["c"]
    assert (again.waiting["b"], again.waiting["d"]) == (line.waiting["b"], line.waiting["d"])


def full_line() -> ProviderQueue:
    line = ProviderQueue(typical_ms=1000)
    for number in range(MAX_WAITING + 1):
        line = asked(line, f"job-{number}")
    return line


def test_no_job_is_turned_away_for_longer_than_the_last_in_a_full_line_waits() -> None:
    line = full_line()
    last_ms = max(place.told_ms for place in line.waiting.values())
    told = []
    for number in range(3 * MAX_WAITING):
        line, turn = line.ask(f"late-{number}", NOW, NOW + LEASE_MS, MANY)
        assert isinstance(turn, WaitUntil)
        told.append(turn.instant_ms)
    assert max(told) == last_ms
    assert min(told) == NOW + 1000
    # The instants begin anew in the same order.
    assert told[: told.index(last_ms) + 1] == sorted(set(told))


def test_a_line_that_was_full_long_ago_turns_no_job_away_for_longer_than_a_new_one() -> None:
    far_ahead = full_line().model_copy(update={"next_return_ms": NOW + 10**9})
    assert answer(far_ahead, "late") == answer(full_line(), "late") == 1000


def test_a_full_record_is_far_smaller_than_an_item_may_be() -> None:
    line = ProviderQueue(typical_ms=100_000)
    for number in range(MAX_WAITING + 100):
        line = asked(line, f"job_{number:026d}/1", number, Limits(500, 20))
    assert len(line.model_dump_json()) < 50_000


def test_the_mean_follows_the_calls_that_worked() -> None:
    assert ProviderQueue().learned_from(1000).typical_ms == 1000
    assert ProviderQueue().learned_from(1000).learned_from(6000).typical_ms == 2000


# ---- whole lines, played through


@dataclass
class Played:
    """What came of one played line: starts by ticket and how many ran at once at most."""

    limits: Limits
    started: dict[str, int] = field(default_factory=dict)
    reserved: dict[str, int] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    most_at_once: int = 0


def play(
    arrivals: Mapping[str, int],
    lasts: Mapping[str, int],
    dead: set[str],
    limits: Limits,
    lease_ms: int = 20_000,
    leaves: Mapping[str, int] = {},
    typical_ms: int = 0,
) -> Played:
    """Every job comes when it arrives and then exactly at its instant; a dead owner never gives its slot back. A job
    that waits leaves the line at its instant in `leaves`, and is not played on.
    """
    line, played, running = ProviderQueue(typical_ms=typical_ms), Played(limits), dict[str, int]()
    events = [(at, 1, ticket) for ticket, at in arrivals.items()] + [(at, 2, ticket) for ticket, at in leaves.items()]
    left = set[str]()
    heapq.heapify(events)
    while events:
        now, kind, ticket = heapq.heappop(events)
        if kind == 0:
            line = line.learned_from(lasts[ticket]).without(ticket)
            running.pop(ticket, None)
            continue
        if kind == 2 and ticket not in played.started:
            line, left = line.without(ticket), left | {ticket}
            played.reserved.pop(ticket, None)
        if kind == 2 or ticket in left:
            continue
        running = {name: until for name, until in running.items() if until > now}
        line, turn = line.ask(ticket, now, now + lease_ms, limits)
        played.looks[ticket] = played.looks.get(ticket, 0) + 1
        match turn:
            case WaitUntil(instant):
                assert instant > now
                played.reserved.setdefault(ticket, line.waiting[ticket].start_ms)
                heapq.heappush(events, (instant, 1, ticket))
            case Admitted():
                played.reserved.setdefault(ticket, now)
                assert ticket not in played.started
                played.started[ticket] = now
                running[ticket] = now + lease_ms
                played.most_at_once = max(played.most_at_once, len(running))
                if ticket not in dead:
                    heapq.heappush(events, (now + lasts[ticket], 0, ticket))
    return played


@st.composite
def lines(draw: st.DrawFn) -> Played:
    count = draw(st.integers(1, 40))
    names = [f"job-{number:02d}" for number in range(count)]
    arrivals = {name: NOW + draw(st.integers(0, 5000)) for name in names}
    lasts = {name: draw(st.integers(1, 15_000)) for name in names}
    dead = set(draw(st.lists(st.sampled_from(names), max_size=3)))
    limits = Limits(draw(st.integers(1, 2000)), draw(st.integers(1, 5)))
    canceled = draw(st.lists(st.sampled_from(names), max_size=20))
    leaves = {name: arrivals[name] + draw(st.integers(0, 30_000)) for name in canceled}
    return play(arrivals, lasts, dead, limits, leaves=leaves)


@settings(max_examples=60, deadline=None)
@given(lines())
def test_in_every_line_the_limits_hold_the_order_is_kept_and_every_job_has_its_turn(played: Played) -> None:
    assert played.most_at_once <= played.limits.concurrent
    assert played.started.keys() == played.reserved.keys()
    starts = sorted(played.started.values())
    assert all(later - earlier >= played.limits.gap_ms for earlier, later in pairwise(starts))
    assert all(played.started[ticket] >= played.reserved[ticket] for ticket in played.started)
    in_order = [played.started[ticket] for ticket in sorted(played.reserved, key=played.reserved.__getitem__)]
    for position, start in enumerate(in_order):
        assert all(earlier - start <= ORDER_SLACK_MS for earlier in in_order[:position])


@dataclass
class Emptied:
    """A line of jobs, some of which left again at once or later, and the moment."""

    line: ProviderQueue
    now_ms: int
    limits: Limits


@st.composite
def lines_that_were_left(draw: st.DrawFn, *, all_left: bool) -> Emptied:
    limits = Limits(draw(st.integers(1, 5000)), draw(st.integers(1, 5)))
    line, now = ProviderQueue(typical_ms=draw(st.integers(0, 60_000))), NOW
    for number in range(draw(st.integers(0, 30))):
        now += draw(st.integers(0, 3000))
        ticket = f"job-{number}"
        line, _ = line.ask(ticket, now, now + LEASE_MS, limits)
        if draw(st.booleans()):
            line = line.without(ticket)
    kept = [] if all_left else sorted(line.waiting)
    leaving = [ticket for ticket in (*line.running, *line.waiting) if ticket not in kept or draw(st.booleans())]
    for ticket in leaving:
        line = line.without(ticket)
    return Emptied(line, now, limits)


@settings(max_examples=100, deadline=None)
@given(lines_that_were_left(all_left=True))
def test_with_no_job_waiting_or_running_an_order_never_waits_longer_than_a_gap(left: Emptied) -> None:
    line, turn = left.line.ask("next", left.now_ms, left.now_ms + LEASE_MS, left.limits)
    if isinstance(turn, WaitUntil):
        assert turn.instant_ms <= left.now_ms + left.limits.gap_ms
        assert isinstance(line.ask("next", turn.instant_ms, turn.instant_ms + LEASE_MS, left.limits)[1], Admitted)


@settings(max_examples=100, deadline=None)
@given(lines_that_were_left(all_left=False))
def test_only_places_that_are_still_there_move_a_reserved_start_and_all_are_a_gap_apart(left: Emptied) -> None:
    line, _ = left.line.ask("next", left.now_ms, left.now_ms + LEASE_MS, Limits(left.limits.gap_ms, 1000))
    starts = sorted(place.start_ms for place in line.waiting.values())
    assert all(later - earlier >= left.limits.gap_ms for earlier, later in pairwise(starts))
    if "next" in line.waiting:
        # Each place keeps at most the gap before it and the one after it free.
        soonest_ms = max(left.now_ms, left.line.next_go_ms)
        assert line.waiting["next"].start_ms - soonest_ms < (2 * len(left.line.waiting) + 1) * left.limits.gap_ms
        assert left.line.next_go_ms <= left.now_ms + left.limits.gap_ms


@settings(max_examples=100, deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.integers(1, 5000))
def test_canceled_orders_delay_no_other_order(canceled: list[bool], gap_ms: int) -> None:
    limits = Limits(gap_ms, 100)
    line = without_them = ProviderQueue()
    for number in range(len(canceled)):
        line = asked(line, f"job-{number}", limits=limits)
    for number, leaves in enumerate(canceled):
        if leaves:
            line = line.without(f"job-{number}")
        else:
            without_them = asked(without_them, f"job-{number}", limits=limits)
    with_them = answer(line, "next", limits=limits)
    # The first one may have gone before it was canceled, and its start is spent.
    spent_ms = gap_ms if canceled[:1] == [True] else 0
    assert (with_them or 0) <= (answer(without_them, "next", limits=limits) or 0) + spent_ms


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 100), st.integers(1, 200))
def test_no_window_of_a_minute_holds_more_than_a_minutes_starts_and_one(count: int, per_minute: int) -> None:
    names = [f"job-{number:03d}" for number in range(count)]
    limits = Limits.per_minute(per_minute, count)
    starts = sorted(play(dict.fromkeys(names, NOW), dict.fromkeys(names, 1), set(), limits).started.values())
    for position, start in enumerate(starts):
        assert sum(other < start + 60_000 for other in starts[position:]) <= per_minute + 1
    assert len(starts) == count


def test_a_saturated_line_is_not_polled_and_keeps_its_slots_busy() -> None:
    names = [f"job-{number:03d}" for number in range(200)]
    limits = Limits(gap_ms=50, concurrent=20)
    played = play(dict.fromkeys(names, NOW), dict.fromkeys(names, 10_000), set(), limits)
    # Nine rounds of ten seconds would be the least; the first call of all shows how long they take.
    assert max(played.started.values()) - NOW <= 1.1 * 9 * 10_000
    assert sum(played.looks.values()) / len(names) <= 5


def test_a_job_that_waits_where_calls_take_what_they_took_before_comes_back_twice() -> None:
    names = [f"job-{number:03d}" for number in range(300)]
    lasts = dict.fromkeys(names, 10_000)
    played = play(dict.fromkeys(names, NOW), lasts, set(), Limits(gap_ms=50, concurrent=20), typical_ms=10_000)
    assert sum(played.looks.values()) / len(names) <= 3.1


def test_of_slots_of_which_only_some_were_read_a_job_waits_for_the_share_of_those_before_it() -> None:
    running = {f"running-{number}": Lease(NOW, NOW + LEASE_MS) for number in range(99)}
    waiting = {f"waiting-{number:03d}": Reservation(NOW + number, NOW - 1) for number in range(201)}
    part = ProviderQueue(running=running, waiting=waiting, typical_ms=60_000, slots_read=100)
    many = Limits(gap_ms=1, concurrent=20_000)
    # One slot of a hundred is free, so of all some two hundred are, and as many jobs may start.
    assert answer(part, "waiting-199", 1000, many) is None
    assert answer(part, "waiting-200", 1000, many) == 59_000


def test_of_jobs_that_reserved_the_same_start_the_name_decides() -> None:
    waiting = {name: Reservation(NOW, NOW) for name in ("job-b", "job-a")}
    line = ProviderQueue(waiting=waiting, running={"running": Lease(NOW, NOW + LEASE_MS)}, typical_ms=1000)
    two = Limits(gap_ms=1, concurrent=2)
    assert answer(line, "job-b", 0, two) is not None
    assert answer(line, "job-a", 0, two) is None
