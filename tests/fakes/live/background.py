"""A fake of the background: work runs when its end is waited for, so that tests know what happened before."""

from collections.abc import Callable
from dataclasses import dataclass

from fermata.errors import FermataError


@dataclass
class LateWork:
    """Work that begins and ends within the first `join`; with `hangs` it never does."""

    work: Callable[[], None]
    hangs: bool = False
    joins: int = 0

    def join(self, _timeout_s: float) -> bool:
        self.joins += 1
        if self.joins == 1 and not self.hangs:
            self.work()
        return not self.hangs


class LateBackground:
    """Keeps what was started."""

    def __init__(self) -> None:
        self.started: list[LateWork] = []
        self.hangs = False

    def __call__(self, work: Callable[[], None]) -> LateWork:
        self.started.append(LateWork(work, self.hangs))
        return self.started[-1]


class FixedSecret:
    """The secret that makes the tokens of live songs; `failure` is raised while it is set."""

    def __init__(self) -> None:
        self.failure: FermataError | None = None
        self.reads = 0

    def read(self) -> bytes:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return b"the deployment's secret"
