"""Base of the dialects whose paid call returns the song."""

from typing import Final, NoReturn

from fermata.domain.providers.calls import ANY_TASK, AskedTask, UpstreamAnswer
from fermata.errors import ConfigurationError


class BlockingProvider:
    """The polling methods of a provider without tasks; `name` is the provider's name in messages."""

    blocking: Final = True

    def __init__(self, name: str) -> None:
        self._name = name

    def poll_call(self, task_id: str) -> NoReturn:
        """Raises `ConfigurationError`: there is no task to poll."""
        raise ConfigurationError(
            f"expected a provider with tasks to poll for '{task_id}', found {self._name}; correct the catalogue"
        )

    def read_poll(self, answer: UpstreamAnswer, asked: AskedTask = ANY_TASK) -> NoReturn:
        """Raises `ConfigurationError`: there is no task to poll."""
        raise ConfigurationError(
            f"expected a provider with tasks to poll for '{asked.task_id}', found {self._name} "
            f"(HTTP {answer.http_status}); correct the catalogue"
        )
