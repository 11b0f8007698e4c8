"""The routes with which tests control a simulator and read its bill (`/_sim/...`)."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from local.simulators.bill import Bill
from local.simulators.call_limits import CallLimits
from local.simulators.faults import PLACES, FaultError, FaultTable, WaitingFault, parse_fault
from local.simulators.http.exchange import Answer, Request, json_answer, simulator_error
from local.simulators.waiting_faults import WaitingFaults

CONTROL_PREFIX = "/_sim/"


class _FaultOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    fault: str
    on: str | None = None
    match: str = Field("*", min_length=1)
    times: int = Field(1, ge=1, le=1_000_000)


class _LimitsOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    concurrent: int | None = Field(None, ge=1)
    per_minute: int | None = Field(None, ge=1)


class Control:
    """Answers `/_sim/` requests of one simulator."""

    def __init__(
        self, provider: str, table: FaultTable, waiting: WaitingFaults, bill: Bill, limits: CallLimits
    ) -> None:
        self._provider = provider
        self._table = table
        self._waiting = waiting
        self._bill = bill
        self._limits = limits

    def answer(self, request: Request) -> Answer:
        """The answer to a control request, except for releases and resets."""
        match request.method, request.path.removeprefix(CONTROL_PREFIX):
            case "GET", "bill":
                return json_answer(200, self._bill.as_json())
            case "GET", "faults":
                return json_answer(200, self._faults())
            case "POST", "faults":
                return self._post_fault(request)
            case "GET", "limits":
                return json_answer(200, self._limits.as_json())
            case "POST", "limits":
                return self._post_limits(request)
        routes = (
            "GET /_sim/bill, GET or POST /_sim/faults, GET or POST /_sim/limits, POST /_sim/release, POST /_sim/reset"
        )
        return simulator_error(404, f"no such control route; known are {routes}")

    def _faults(self) -> dict[str, object]:
        rows = [
            {"name": row.kind, "on": row.places, "imitates": row.imitates, "charged": row.charged}
            for row in self._table.rows
        ]
        return {"provider": self._provider, "faults": rows, "waiting": [_shown(fault) for fault in self._waiting.all()]}

    def _post_fault(self, request: Request) -> Answer:
        try:
            order = _FaultOrder.model_validate(request.json())
            waiting = self._waiting_fault(order)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            return simulator_error(400, f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}")
        except FaultError as error:
            return simulator_error(400, str(error))
        except ValueError:
            return simulator_error(
                400, 'expected JSON such as {"fault": "code:1002", "on": "create", "match": "*", "times": 1}'
            )
        self._waiting.add(waiting)
        return json_answer(201, _shown(waiting))

    def _post_limits(self, request: Request) -> Answer:
        try:
            order = _LimitsOrder.model_validate(request.json())
        except ValueError:
            return simulator_error(
                400, 'expected JSON such as {"concurrent": 20, "per_minute": 1200}, each a number above 0 or null'
            )
        self._limits.limit(order.concurrent, order.per_minute)
        return json_answer(200, self._limits.as_json())

    def _waiting_fault(self, order: _FaultOrder) -> WaitingFault:
        if order.on is not None and order.on not in PLACES:
            raise FaultError(f"on: expected one of {', '.join(PLACES)}, found {order.on[:20]!r}")
        fault = parse_fault(order.fault)
        return WaitingFault(fault, self._table.place(fault, order.on), order.match, order.times)


def _shown(waiting: WaitingFault) -> dict[str, object]:
    return {"fault": waiting.fault.name, "on": waiting.place, "match": waiting.match, "times": waiting.times}
