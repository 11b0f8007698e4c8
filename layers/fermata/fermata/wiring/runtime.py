"""The clock, randomness and other values that all use cases share."""

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from fermata import config

if TYPE_CHECKING:
    from fermata.domain.catalogue.models import Catalogue
    from fermata.ports.live import Work
    from fermata.ports.metrics import Metrics


def now() -> datetime:
    """The present moment in UTC, to the millisecond that records keep."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def job_randomness() -> bytes:
    """Randomness for one job id or reference id."""
    from fermata.domain.orders.job_id import RANDOM_BYTES

    return secrets.token_bytes(RANDOM_BYTES)


def key_randomness() -> bytes:
    """Randomness for one API key."""
    from fermata.domain.tenants.api_keys import KEY_RANDOM_BYTES

    return secrets.token_bytes(KEY_RANDOM_BYTES)


def claim_id() -> str:
    """A unique name for one run's claim."""
    return secrets.token_hex(16)


def callback_randomness() -> bytes:
    """Randomness for one callback's token."""
    from fermata.domain.providers.callbacks import TOKEN_RANDOM_BYTES

    return secrets.token_bytes(TOKEN_RANDOM_BYTES)


def chance() -> float:
    """A number from 0 to 1 that spreads competing runs and simultaneous retries; not secure."""
    return random.random()  # noqa: S311 - guards nothing


def pause(seconds: float) -> None:
    """Sleep for `seconds`."""
    time.sleep(seconds)


def in_background(work: Callable[[], None]) -> "Work":
    """Start work in a thread that does not keep the process alive."""
    thread = Thread(target=work, daemon=True)
    thread.start()
    return _InThread(thread)


@dataclass(frozen=True)
class _InThread:
    thread: Thread

    def join(self, timeout_s: float) -> bool:
        self.thread.join(timeout_s)
        return not self.thread.is_alive()


def scratch() -> Path:
    """The folder for temporary files of this environment."""
    from fermata.scratch import disk

    return disk()


def metrics() -> "Metrics":
    """Metrics that alarms watch."""
    from fermata.adapters.metrics import EmfMetrics

    return EmfMetrics(config.load(config.StackSettings).stack_name)


def catalogue() -> "Catalogue":
    """The catalogue that ships with the package."""
    from fermata.domain.catalogue.models import read_catalogue

    return read_catalogue()
