"""A fake of the estimates."""

from collections.abc import Collection, Mapping

from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.latency import SongTime, SongTimes


class InMemoryEstimates:
    """Remembers every song, and returns each at once."""

    def __init__(self, known: Mapping[str, Estimate] | None = None) -> None:
        self.known = dict(known or {})
        self.times = SongTimes()

    def of(self, model_id: str, prior: Estimate) -> Estimate:
        return self.times.estimate(model_id, self.known.get(model_id, prior))

    def read_ahead(self, model_ids: Collection[str]) -> None:
        """Every song is at hand."""

    def learn(self, model_id: str, song: SongTime) -> None:
        self.times = self.times.with_song(model_id, song)
