"""EventBridge's deliveries: an event that was accepted is delivered, however often the cloud is killed."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from local.emulator.event_bridge import Delivery
from local.state.journal import Journal
from local.state.store import Change

KIND: Final = "delivery"


class Deliveries:
    """Keeps deliveries that are under way, together with what their sender changed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def accept(self, delivery: Delivery, begin: Callable[[], None]) -> None:
        """Keep a delivery, then `begin` it."""
        self._journal.add([Change(KIND, "", delivery.id, json.dumps(asdict(delivery)))], begin)

    def done(self, delivery: Delivery) -> None:
        """Forget a delivery that has ended."""
        self._journal.add([Change(KIND, "", delivery.id, None)])

    def pending(self) -> list[Delivery]:
        """Return the deliveries that were under way when the cloud ended."""
        return [Delivery(**json.loads(text)) for _, text in self._journal.store.read(KIND, "")]
