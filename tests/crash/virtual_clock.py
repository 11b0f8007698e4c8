"""Time that passes when nobody works: the machine's waits and the reaper's pauses take none of the test's."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from types import SimpleNamespace
from typing import Final

from fermata.wiring import runtime
from local.emulator import moto_seams
from local.emulator.moto_seams import MotoValue

_TICK: Final = timedelta(milliseconds=1)


class VirtualClock:
    """A moment that moves on by whatever was waited for, and by a millisecond with each look: how fast this machine is
    decides nothing.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def now(self, tz: object = UTC) -> datetime:  # noqa: ARG002 - stands in for datetime.now
        with self._lock:
            self._looks += 1
            return self._begun + timedelta(seconds=self.waited_s) + self._looks * _TICK

    def wait(self, seconds: float) -> None:
        with self._lock:
            self.waited_s += max(0.0, seconds)

    def reset(self) -> None:
        # What AWS compares with its own clock, such as a link's end, has to be of today.
        self._begun, self._looks, self.waited_s = datetime.now(UTC), 0, 0.0


def let_functions_use(clock: VirtualClock) -> None:
    """The functions have one clock, in their wiring."""
    vars(runtime)["datetime"] = SimpleNamespace(now=clock.now)


def let_the_engine_use(clock: VirtualClock, when_a_callback_is_awaited: Callable[[MotoValue, float], None]) -> None:
    """Let waits, pauses between retries and waits for callbacks pass at once."""
    from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint

    def wait_interval(self: MotoValue, env: MotoValue, wait_seconds: float) -> None:  # noqa: ARG001 - moto calls it so
        clock.wait(wait_seconds)

    def seconds_until(self: MotoValue, env: MotoValue) -> float:
        self.string.eval(env=env)
        return (datetime.fromisoformat(env.stack.pop()) - clock.now()).total_seconds()

    def wait_for_a_callback(self: MotoValue, timeout: float | None = None) -> MotoValue:
        when_a_callback_is_awaited(self, timeout or 0.0)
        return self.get_outcome()

    moto_seams.WAIT.replace(wait_interval)
    moto_seams.WAIT_UNTIL.replace(seconds_until)
    moto_seams.RETRY_SLEEP.replace(SimpleNamespace(sleep=clock.wait))
    setattr(CallbackEndpoint, "wait", wait_for_a_callback)  # noqa: B010 - as a seam, not as a method of a typed class
