"""What an operator has set, in memory."""

from fermata.domain.catalogue.operator_settings import NOTHING_SET, OperatorSettings
from fermata.errors import ConfigurationError


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
