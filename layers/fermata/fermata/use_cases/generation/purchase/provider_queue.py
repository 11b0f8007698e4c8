"""Admit a request to a provider before the paid call, and free its slot after it.

A run reads the circuit, the queue and the slots, decides, and writes only what is its own: a place where it waits, a
slot under the condition that it is free. The next start is all that two runs have to write. A run that was too late
reads again; one that keeps losing returns later, free of charge.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fermata.domain.providers.circuit import CircuitRules, Health, health_shown_by
from fermata.domain.providers.failures import Failure
from fermata.domain.providers.queue import EPOCH, ONE_MS, Admitted, Lease, Limits, WaitUntil, epoch_ms
from fermata.domain.providers.state import Admission, GivenBack, NotAsked, ProviderState
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.metrics import Metrics
from fermata.ports.providers import ProviderStates

TRIES: Final = 12
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 1.0
_TOO_EARLY_MS: Final = 1000
"""Step Functions truncates timestamps to seconds, so a job may wake this much before its instant."""
_AFTER_LOST_RACES_MS: Final = 1000
_NOT_FREED: Final = "slot not freed; its lease expires by itself"


@dataclass(frozen=True)
class QueuePorts:
    """Ports of the provider queue. `pause` sleeps for a number of seconds; `chance` returns a random number from 0 to
    1.
    """

    states: ProviderStates
    limits: Callable[[str], Limits]
    rules: CircuitRules
    metrics: Metrics
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    chance: Callable[[], float]


@dataclass(frozen=True)
class Request:
    """One attempt of one job at one provider, the same for every run of that attempt. `model` is the ordered model by
    the provider's own name, None if nothing is ordered. `is_listed` says whether the catalogue lists that name,
    `has_alternative` whether the job may go to another provider instead.
    """

    provider: str
    job_id: str
    attempt: int
    model: str | None = None
    is_listed: bool = True
    has_alternative: bool = False

    @property
    def name(self) -> str:
        """The request's name in the provider's record."""
        return f"{self.job_id}/{self.attempt}"


def request_admission(request: Request, claim_until: datetime, ports: QueuePorts) -> Admission:
    """Whether the provider may be called now. Once `Admitted`, the request holds a slot until `claim_until` or
    `end_call`.

    Raises `TransientError` if the records cannot be reached. A repeated call finds a place or slot that it already has.
    """
    state = _when_due(_look(request, ports), request, ports)
    for attempt in range(TRIES):
        admission = _try(request, state, claim_until, ports)
        if admission is not None:
            _report(admission, request, ports)
            return admission
        _pause(attempt, ports)
        state = _look(request, ports)
    return WaitUntil(epoch_ms(ports.clock()) + _AFTER_LOST_RACES_MS + round(ports.chance() * _AFTER_LOST_RACES_MS))


def _try(request: Request, state: ProviderState, claim_until: datetime, ports: QueuePorts) -> Admission | None:
    """The decision on what was read, once its writes succeeded; None where another run was faster."""
    now_ms = epoch_ms(ports.clock())
    asked_ms = state.soonest_ms(request.name, now_ms)
    changed, admission = state.ask(
        request.name,
        asked_ms,
        epoch_ms(claim_until + ONE_MS),
        ports.limits(request.provider),
        has_alternative=request.has_alternative,
        model=request.model,
        is_listed=request.is_listed,
    )
    if not _save(changed, state, ports.states).is_like(changed):
        return None
    if isinstance(admission, Admitted):
        return admission if _take(request, state, changed, now_ms, ports) else None
    _keep_place(request, state, changed, ports.states)
    return admission


def _take(request: Request, state: ProviderState, changed: ProviderState, now_ms: int, ports: QueuePorts) -> bool:
    lease = Lease(now_ms, changed.queue.running[request.name].until_ms)
    start = ports.states.take(state, request.name, lease, ports.limits(request.provider))
    if start is None:
        return False
    if request.name in state.queue.waiting:
        ports.states.leave(request.provider, request.name)
    if start.start_ms > now_ms:
        ports.pause((start.start_ms - now_ms) / 1000)
    return True


def _keep_place(request: Request, before: ProviderState, after: ProviderState, states: ProviderStates) -> None:
    """Write what changed for a request that does not call the provider now: only its own items."""
    ticket, place = request.name, after.queue.waiting.get(request.name)
    if ticket in before.queue.running and ticket not in after.queue.running:
        states.give_back(request.provider, GivenBack(ticket, None))
    if place is not None:
        if place != before.queue.waiting.get(ticket):
            states.wait(request.provider, ticket, place)
    elif ticket in before.queue.waiting:
        states.leave(request.provider, ticket)
    if after.queue.next_return_ms != before.queue.next_return_ms:
        states.turn_away(request.provider, after.queue.next_return_ms)


def check_circuit(request: Request, ports: QueuePorts) -> NotAsked | WaitUntil | None:
    """Why this job may not make even a free call to the provider now, or None. Reserves nothing.

    Raises `TransientError` if the record cannot be reached.
    """

    def look() -> tuple[int, NotAsked | WaitUntil | None]:
        now_ms, state = epoch_ms(ports.clock()), _look(request, ports)
        return now_ms, state.held_up(
            request.name,
            now_ms,
            has_alternative=request.has_alternative,
            model=request.model,
            is_listed=request.is_listed,
        )

    now_ms, obstacle = look()
    if isinstance(obstacle, WaitUntil) and obstacle.instant_ms - now_ms <= _TOO_EARLY_MS:
        ports.pause((obstacle.instant_ms - now_ms) / 1000)
        _, obstacle = look()
    if obstacle is not None:
        _report(obstacle, request, ports)
    return obstacle


def end_call(request: Request, admitted: Admitted, took_ms: int, failure: Failure | None, ports: QueuePorts) -> None:
    """Free the slot after a call, which succeeded if `failure` is None, and report its health to the circuit. `took_ms`
    is the duration of the call.

    Never raises: the lease expires by itself, and losing the outcome of the call would be worse than losing the slot.
    """
    health = health_shown_by(failure)
    unentitled = request.model if failure and failure.of_one_model else None
    if not admitted.trial and unentitled is None and health in (Health.WORKS, Health.SAYS_NOTHING):
        _give_back(request, took_ms if health is Health.WORKS else None, ports.states)
        return
    code, unlisted = failure.code if failure else None, None if request.is_listed else request.model

    def ended(state: ProviderState) -> ProviderState:
        now_ms = epoch_ms(ports.clock())
        return state.after(
            request.name, health, code, now_ms, ports.rules, unentitled_model=unentitled, unlisted=unlisted
        )

    changed = _change(request, ended, ports.states, lambda attempt: _pause(attempt, ports))
    _give_back(request, took_ms if health is Health.WORKS else None, ports.states)
    if changed is not None:
        _report_circuit(*changed, ports)


def withdraw(request: Request, states: ProviderStates) -> None:
    """Free the place or slot of an attempt that does not call the provider, and leave the trial of the circuit to
    another. Never raises.
    """
    _give_back(request, None, states)
    _change(request, lambda state: state.without(request.name), states, lambda _: None)


def withdraw_unmade(request: Request, states: ProviderStates) -> None:
    """Free the place or slot that an attempt that was never made may still hold. Never raises. Writes nothing if it
    holds none.
    """
    try:
        if states.holds(request.provider, request.name):
            states.leave(request.provider, request.name)
            states.give_back(request.provider, GivenBack(request.name, None))
    except TransientError as error:
        logger.warning(_NOT_FREED, extra={"cause": str(error)})
        return
    _change(request, lambda state: state.without(request.name), states, lambda _: None)


def instant_of(wait: WaitUntil) -> datetime:
    """The instant, in UTC, until which a request waits."""
    return EPOCH + wait.instant_ms * ONE_MS


def _give_back(request: Request, took_ms: int | None, states: ProviderStates) -> None:
    try:
        states.give_back(request.provider, GivenBack(request.name, took_ms))
    except TransientError as error:
        logger.warning(_NOT_FREED, extra={"cause": str(error)})


def _change(
    request: Request,
    change: Callable[[ProviderState], ProviderState],
    states: ProviderStates,
    pause: Callable[[int], None],
) -> tuple[ProviderState, ProviderState] | None:
    """The circuit's record before and after a change, or None if it could not be written."""
    try:
        state = states.load(request.provider)
        for attempt in range(TRIES):
            changed = change(state)
            stands = _save(changed, state, states)
            if stands.is_like(changed):
                return state, changed
            pause(attempt)
            state = stands if attempt == 0 else states.load(request.provider)
    except TransientError as error:
        logger.warning(_NOT_FREED, extra={"cause": str(error)})
        return None
    logger.warning(_NOT_FREED, extra={"cause": f"{TRIES} lost races"})
    return None


def _look(request: Request, ports: QueuePorts) -> ProviderState:
    now_ms = epoch_ms(ports.clock())
    return ports.states.look(request.provider, request.name, ports.limits(request.provider), now_ms)


def _when_due(state: ProviderState, request: Request, ports: QueuePorts) -> ProviderState:
    """What is read at the instant that this request was given, if that is near enough to wait for here."""
    early_ms = (state.queue.told_ms(request.name) or 0) - epoch_ms(ports.clock())
    if not 0 < early_ms <= _TOO_EARLY_MS:
        return state
    ports.pause(early_ms / 1000)
    return _look(request, ports)


def _pause(attempt: int, ports: QueuePorts) -> None:
    """Wait before the next try, for a random time that grows with each try after the first."""
    if attempt:
        ports.pause(ports.chance() * min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S))


def _save(changed: ProviderState, before: ProviderState, states: ProviderStates) -> ProviderState:
    return changed if changed.version == before.version else states.save(changed)


def _report(admission: Admission, request: Request, ports: QueuePorts) -> None:
    match admission:
        case Admitted(waited_ms):
            ports.metrics.milliseconds("SlotWaitMs", request.provider, waited_ms)
        case NotAsked():
            ports.metrics.count("NotAsked", request.provider)
        case WaitUntil():
            pass


def _report_circuit(before: ProviderState, after: ProviderState, ports: QueuePorts) -> None:
    if after.circuit.open_until_ms > before.circuit.open_until_ms:
        ports.metrics.count("CircuitOpened", after.provider)
    if after.circuit.is_disabled and not before.circuit.is_disabled:
        ports.metrics.count("ProviderDisabled", after.provider)
    if after.circuit.refused_models.keys() - before.circuit.refused_models.keys():
        ports.metrics.count("ModelDisabled", after.provider)
