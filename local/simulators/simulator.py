"""A simulated provider without sockets: turns requests into answers and counts the cost."""

from dataclasses import replace

from local.simulators.bill import Bill, prompt_sha256
from local.simulators.call_limits import CallLimits
from local.simulators.control import CONTROL_PREFIX, Control
from local.simulators.faults import Fault, FaultError, FaultTable
from local.simulators.http.exchange import Answer, Outcome, RefusedError, Request, json_answer, simulator_error
from local.simulators.http.network_faults import network_rows, with_network_fault
from local.simulators.providers.dialect import Backend, Dialect, Label, Route, Visit
from local.simulators.providers.files import file_route
from local.simulators.waiting_faults import WaitingFaults

_NETWORK_KINDS = frozenset(row.kind for row in network_rows("create"))


class Simulator:
    """One provider; `respond` may be called from many threads at once."""

    def __init__(self, dialect: Dialect, backend: Backend, table: FaultTable, waiting: WaitingFaults) -> None:
        self.provider = dialect.provider
        self._dialect = dialect
        self._backend = backend
        self._routes = (*dialect.routes(), file_route(backend))
        self._bill = Bill(backend.memory)
        self._waiting = waiting
        self._limits = CallLimits(backend.clock)
        self._control = Control(dialect.provider, table, self._waiting, self._bill, self._limits)

    def respond(self, request: Request) -> Outcome:
        """The answer to one request. Its cost is billed when this returns, whether or not the answer arrives."""
        if request.path.startswith(CONTROL_PREFIX):
            return Outcome(self._steer(request))
        route = self._route(request)
        if route is None:
            return Outcome(self._dialect.error(404, request.path))
        return self._pay(route, request) if route.place == "create" else self._serve(route, request, None)

    def stop(self) -> None:
        """Stop posting callbacks."""
        self._backend.callbacks.stop()

    def _steer(self, request: Request) -> Answer:
        if (request.method, request.path) == ("POST", f"{CONTROL_PREFIX}release"):
            self._backend.gate.open()
            return json_answer(200, {})
        if (request.method, request.path) != ("POST", f"{CONTROL_PREFIX}reset"):
            return self._control.answer(request)
        self._backend.gate.open()
        self._waiting.clear()
        self._bill.clear()
        self._limits.reset()
        self._backend.links.clear()
        self._backend.callbacks.forget()
        self._dialect.forget()
        return json_answer(200, self._bill.as_json())

    def _route(self, request: Request) -> Route | None:
        method = "GET" if request.method == "HEAD" else request.method
        fitting = (route for route in self._routes if route.method == method and route.path.fullmatch(request.path))
        return next(fitting, None)

    def _pay(self, route: Route, request: Request) -> Outcome:
        label = self._label(request)
        busy = self._limits.begin()
        if busy is None:
            outcome = replace(self._serve(route, request, label.prompt), ended=self._limits.end)
        else:
            outcome = Outcome(self._dialect.busy(busy, request.path), None, prompt_sha256(label.prompt))
        fault = outcome.fault.name if outcome.fault else None
        self._bill.add(
            model=label.model,
            prompt=label.prompt,
            charged=outcome.answer.charged,
            usd=outcome.usd,
            fault=fault,
            characters=outcome.characters,
        )
        return outcome

    def _label(self, request: Request) -> Label:
        try:
            return self._dialect.label(request.json())
        except ValueError:
            return Label()

    def _serve(self, route: Route, request: Request, prompt: str | None) -> Outcome:
        try:
            visit = route.receive(request)
            fault = self._waiting.take(route.place, visit.prompt, visit.deaf_to)
        except RefusedError as refusal:
            return Outcome(refusal.answer, None, prompt_sha256(prompt))
        except FaultError as error:
            return Outcome(simulator_error(400, str(error)), None, prompt_sha256(prompt))
        answer = self._answer(visit, fault, request.path)
        return Outcome(answer, fault, prompt_sha256(visit.prompt), visit.usd, visit.characters)

    def _answer(self, visit: Visit, fault: Fault | None, path: str) -> Answer:
        if fault is None or fault.kind not in _NETWORK_KINDS:
            return visit.answer(fault)
        return with_network_fault(fault, visit.answer(None), lambda status: self._dialect.error(status, path))
