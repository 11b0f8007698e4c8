"""A fake of the metrics."""

from fermata.domain.finish.job_end import JobEnd


class RecordingMetrics:
    """Remembers (name, provider) of every event and time."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str | None]] = []
        self.measured: list[tuple[str, str, int]] = []
        self.ends: list[JobEnd] = []
        self.lasted: list[tuple[str, float]] = []
        self.used: list[tuple[str, str, int]] = []
        self.excused = 0
        self.in_credits: list[tuple[str, int]] = []
        self.micro_usd: list[tuple[str, str, int]] = []

    def count(self, name: str, provider: str | None) -> None:
        self.counted.append((name, provider))

    def milliseconds(self, name: str, provider: str, value: int) -> None:
        self.measured.append((name, provider, value))

    def job_ended(self, end: JobEnd) -> None:
        self.ends.append(end)

    def seconds(self, name: str, value: float) -> None:
        self.lasted.append((name, value))

    def usd(self, name: str, provider: str, micro_usd: int) -> None:
        self.micro_usd.append((name, provider, micro_usd))

    def percent(self, name: str, provider: str, value: int) -> None:
        self.used.append((name, provider, value))

    def excuse(self) -> None:
        self.excused += 1

    def credits(self, name: str, amount: int) -> None:
        self.in_credits.append((name, amount))
