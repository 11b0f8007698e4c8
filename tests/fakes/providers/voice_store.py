"""A fake of the store of voices."""

from datetime import UTC, datetime
from typing import Final

from fermata.domain.catalogue.voices import FoundVoices, Voice
from fermata.errors import TransientError

ASKED: Final = FoundVoices(ask_again_at=datetime(3000, 1, 1, tzinfo=UTC))
"""Nothing was named, and nobody asks again."""


class InMemoryVoiceStore:
    def __init__(self, **found: FoundVoices) -> None:
        self.found: dict[str, FoundVoices] = found
        self.loads = 0
        self.is_down = False

    def load(self, voices: str) -> FoundVoices:
        self._answer()
        self.loads += 1
        return self.found.get(voices, FoundVoices())

    def take_turn(self, voices: str, now: datetime, ask_again_at: datetime) -> bool:
        self._answer()
        known = self.found.get(voices, FoundVoices())
        if not known.is_due(now):
            return False
        self.found[voices] = known.model_copy(update={"ask_again_at": ask_again_at})
        return True

    def save(self, voices: str, found: tuple[Voice, ...], ask_again_at: datetime) -> None:
        self._answer()
        self.found[voices] = FoundVoices(voices=found, ask_again_at=ask_again_at)

    def _answer(self) -> None:
        if self.is_down:
            raise TransientError("the table does not answer")
