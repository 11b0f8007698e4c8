"""Take a turn at a provider before the paid call, and give it back after it.

All runs of all jobs share one record per provider. Where nobody waits, a slot is taken beside it in one write that
competes with nobody. Else a run that lost the race for the record decides again on what the winner wrote; one that
keeps losing is told to come back, which costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.providers.circuit import CircuitRules, Health, health_shown_by
from fermata.domain.providers.failures import Failure
from fermata.domain.providers.queue import EPOCH, ONE_MS, Go, Lease, Limits, WaitUntil, epoch_ms
from fermata.domain.providers.state import GivenBack, NotAsked, ProviderState, StartAt, Turn
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.metrics import Metrics
from fermata.ports.providers import ProviderStates

TRIES: Final = 12
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 1.0
_TOO_EARLY_MS: Final = 1000
"""Step Functions cuts fractions of a second off a timestamp, so a job may come so much before its instant."""
_AFTER_LOST_RACES_MS: Final = 1000
_NOT_GIVEN_BACK: Final = "slot not given back; its lease ends by itself"


@dataclass(frozen=True)
class TurnPorts:
    """What turns are taken with; `pause` sleeps some seconds, `chance` is a random number from 0 to 1."""

    states: ProviderStates
    limits: Callable[[str], Limits]
    rules: CircuitRules
    metrics: Metrics
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    chance: Callable[[], float]


@dataclass(frozen=True)
class Ticket:
    """One attempt of one job at one provider: the same for every run of that attempt. `model` is what it orders there,
    by the provider's own name; None where nothing is ordered. `is_listed` tells whether the catalogue lists that name.
    """

    provider: str
    job_id: str
    attempt: int
    model: str | None = None
    is_listed: bool = True

    @property
    def name(self) -> str:
        """The ticket in the provider's record."""
        return f"{self.job_id}/{self.attempt}"


def take_turn(ticket: Ticket, lease_end: Callable[[], datetime], ports: TurnPorts, *, has_alternative: bool) -> Turn:
    """Whether the provider may be called now. With `Go` the ticket holds a slot until `lease_end()` or `end_turn`.

    Raises `TransientError` where the record cannot be reached; a place or a slot that was taken is found again.
    """
    limits = ports.limits(ticket.provider)
    if not ticket.is_listed:
        # What is held against such a name closes no slots to others, so the record has to be read.
        known = ports.states.load(ticket.provider)
        if known.has_failed_for(ticket.model):
            known = _when_due(known, ticket, ports)
            return _stand_in_line(ticket, known, lease_end, ports, has_alternative=has_alternative)
    lease = Lease(epoch_ms(ports.clock()), epoch_ms(lease_end() + ONE_MS))
    stands = ports.states.take(ticket.provider, ticket.name, lease, limits)
    if isinstance(stands, StartAt):
        ports.pause((stands.start_ms - lease.since_ms) / 1000)
        turn = Go(0)
        _report(turn, ticket, ports)
        return turn
    return _stand_in_line(ticket, _when_due(stands, ticket, ports), lease_end, ports, has_alternative=has_alternative)


def _stand_in_line(
    ticket: Ticket, state: ProviderState, lease_end: Callable[[], datetime], ports: TurnPorts, *, has_alternative: bool
) -> Turn:
    limits = ports.limits(ticket.provider)
    for attempt in range(TRIES):
        now_ms, lease_until_ms = epoch_ms(ports.clock()), epoch_ms(lease_end() + ONE_MS)
        changed, turn = state.ask(
            ticket.name,
            now_ms,
            lease_until_ms,
            limits,
            has_alternative=has_alternative,
            model=ticket.model,
            is_listed=ticket.is_listed,
        )
        stands = _save(changed, state, ports)
        if stands.is_like(changed):
            _report(turn, ticket, ports)
            return turn
        state = _after_a_lost_race(stands, attempt, ports)
    return WaitUntil(epoch_ms(ports.clock()) + _AFTER_LOST_RACES_MS + round(ports.chance() * _AFTER_LOST_RACES_MS))


def look_at_circuit(ticket: Ticket, ports: TurnPorts, *, has_alternative: bool) -> NotAsked | WaitUntil | None:
    """Why the provider gets not even a free call of this job now, or None. Nothing is reserved by looking.

    Raises `TransientError` where the record cannot be reached.
    """

    def look() -> tuple[int, NotAsked | WaitUntil | None]:
        now_ms, state = epoch_ms(ports.clock()), ports.states.load(ticket.provider)
        return now_ms, state.held_up(
            ticket.name, now_ms, has_alternative=has_alternative, model=ticket.model, is_listed=ticket.is_listed
        )

    now_ms, obstacle = look()
    if isinstance(obstacle, WaitUntil) and obstacle.instant_ms - now_ms <= _TOO_EARLY_MS:
        ports.pause((obstacle.instant_ms - now_ms) / 1000)
        _, obstacle = look()
    if obstacle is not None:
        _report(obstacle, ticket, ports)
    return obstacle


def end_turn(ticket: Ticket, turn: Go, took_ms: int, failure: Failure | None, ports: TurnPorts) -> None:
    """Free the slot after a call that ended with `failure`, or with what was ordered, and let the circuit know.

    Never raises: the lease ends by itself, and the outcome of the call is worth more than the slot.
    """
    health = health_shown_by(failure)
    unentitled = ticket.model if failure and failure.of_one_model else None
    if not turn.trial and unentitled is None and health in (Health.WORKS, Health.SAYS_NOTHING):
        _give_back(ticket, took_ms if health is Health.WORKS else None, ports.states)
        return
    code, unlisted = failure.code if failure else None, None if ticket.is_listed else ticket.model

    def ended(state: ProviderState) -> ProviderState:
        now_ms = epoch_ms(ports.clock())
        return state.after(
            ticket.name, health, code, now_ms, ports.rules, unentitled_model=unentitled, unlisted=unlisted
        )

    changed = _change(ticket, ended, ports)
    if changed is not None:
        _report_circuit(*changed, ports)


def leave_line(ticket: Ticket, states: ProviderStates) -> None:
    """Free the place or slot of an attempt that calls nobody after all. Never raises."""
    _give_back(ticket, None, states)


def give_up_turn(ticket: Ticket, states: ProviderStates) -> None:
    """Free what an attempt that was never made may still hold. Never raises, and writes nothing where it holds nothing:
    jobs that end without an order must not make the record grow.
    """
    try:
        state = states.load(ticket.provider)
    except TransientError as error:
        logger.warning(_NOT_GIVEN_BACK, extra={"cause": str(error)})
        return
    if state.without(ticket.name) is not state:
        _give_back(ticket, None, states)


def instant_of(turn: WaitUntil) -> datetime:
    """The instant of a turn as a moment in UTC."""
    return EPOCH + turn.instant_ms * ONE_MS


def _give_back(ticket: Ticket, took_ms: int | None, states: ProviderStates) -> None:
    try:
        states.give_back(ticket.provider, GivenBack(ticket.name, took_ms))
    except TransientError as error:
        logger.warning(_NOT_GIVEN_BACK, extra={"cause": str(error)})


def _change(
    ticket: Ticket, change: Callable[[ProviderState], ProviderState], ports: TurnPorts
) -> tuple[ProviderState, ProviderState] | None:
    """The record before and after a change, or None where it could not be written."""
    try:
        state = ports.states.load(ticket.provider)
        for attempt in range(TRIES):
            changed = change(state)
            stands = _save(changed, state, ports)
            if stands.is_like(changed):
                return state, changed
            state = _after_a_lost_race(stands, attempt, ports)
    except TransientError as error:
        logger.warning(_NOT_GIVEN_BACK, extra={"cause": str(error)})
        return None
    logger.warning(_NOT_GIVEN_BACK, extra={"cause": f"{TRIES} lost races"})
    return None


def _when_due(state: ProviderState, ticket: Ticket, ports: TurnPorts) -> ProviderState:
    """The record at the instant that this ticket was told, where that is near enough to wait for it here."""
    early_ms = (state.pacing.told_ms(ticket.name) or 0) - epoch_ms(ports.clock())
    if not 0 < early_ms <= _TOO_EARLY_MS:
        return state
    ports.pause(early_ms / 1000)
    return ports.states.load(ticket.provider)


def _after_a_lost_race(stands: ProviderState, attempt: int, ports: TurnPorts) -> ProviderState:
    """The record to decide on next: once that of the winner, then one read after a random, growing pause."""
    if attempt == 0:
        return stands
    ports.pause(ports.chance() * min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S))
    return ports.states.load(stands.provider)


def _save(changed: ProviderState, before: ProviderState, ports: TurnPorts) -> ProviderState:
    return changed if changed.version == before.version else ports.states.save(changed)


def _report(turn: Turn, ticket: Ticket, ports: TurnPorts) -> None:
    match turn:
        case Go(waited_ms):
            ports.metrics.milliseconds("SlotWaitMs", ticket.provider, waited_ms)
        case NotAsked():
            ports.metrics.count("NotAsked", ticket.provider)
        case WaitUntil():
            pass


def _report_circuit(before: ProviderState, after: ProviderState, ports: TurnPorts) -> None:
    if after.circuit.open_until_ms > before.circuit.open_until_ms:
        ports.metrics.count("CircuitOpened", after.provider)
    if after.circuit.is_disabled and not before.circuit.is_disabled:
        ports.metrics.count("ProviderDisabled", after.provider)
    if after.circuit.refused_models.keys() - before.circuit.refused_models.keys():
        ports.metrics.count("ModelDisabled", after.provider)
