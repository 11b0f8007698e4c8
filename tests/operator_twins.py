"""Twins of what a deployment of the operator's needs, in memory."""

from fermata.domain.catalogue.operator_settings import NOTHING_SET, OperatorSettings
from fermata.domain.operator.stack_events import StackAnswer, StackEvent
from fermata.errors import ConfigurationError, FermataError


class InMemorySettingsStore:
    """Keeps settings as text. `failure` is raised instead of anything."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.failure: Exception | None = None

    def keep(self, settings: OperatorSettings) -> None:
        self._may_fail()
        if settings.version != NOTHING_SET:
            self.rows[settings.version] = settings.as_json()

    def load(self, version: str) -> OperatorSettings:
        self._may_fail()
        if version == NOTHING_SET:
            return OperatorSettings()
        if version not in self.rows:
            raise ConfigurationError(f"there are no settings of version {version}")
        return OperatorSettings.model_validate_json(self.rows[version])

    def forget(self, version: str) -> None:
        self._may_fail()
        self.rows.pop(version, None)

    def _may_fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class RecordingStackAnswers:
    """Remembers the answers. `failure` is raised instead."""

    def __init__(self) -> None:
        self.sent: list[tuple[StackEvent, StackAnswer]] = []
        self.failure: FermataError | None = None

    def send(self, event: StackEvent, answer: StackAnswer) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append((event, answer))
