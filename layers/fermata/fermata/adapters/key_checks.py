"""Free calls that show whether a provider's key works. MiniMax lists voices. The providers with tasks are asked for a
task that cannot exist: they refuse an unknown key (401), and find no task for a known one (404).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue

from fermata.adapters.providers import aimlapi, aimlapi_errors, apiinone, minimax, minimax_body
from fermata.adapters.providers.speech import minimax_speech
from fermata.adapters.providers.tasks.polled_task import told_status
from fermata.domain.providers.answers import Ruling, describe, describe_flaw, read_words
from fermata.domain.providers.calls import UpstreamAnswer, UpstreamCall
from fermata.domain.providers.failures import FailureClass
from fermata.domain.web.http_status import SUCCESSES
from fermata.ports.providers import KeyCheck, KeyVerdict

_NO_TASK: Final = "fermata-key-check"
_WANTED: Final = "an answer to a free call"
_REFUSALS: Final = frozenset({FailureClass.AUTH, FailureClass.OUT_OF_CREDIT, FailureClass.NOT_ENTITLED})
"""What an account is refused for; anything else says nothing about the key."""


@dataclass(frozen=True)
class _VoicesCheck:
    """MiniMax's list of its own voices."""

    call: UpstreamCall = minimax_speech.LIST_VOICES

    def read(self, answer: UpstreamAnswer) -> KeyVerdict:
        """Works with code 0; an account's code or HTTP status refuses it."""
        code = minimax_body.read_code(answer)
        if code == minimax_body.SUCCESS and answer.http_status in SUCCESSES:
            return KeyVerdict(works=True, found="MiniMax listed its voices")
        ruling = minimax.HTTP_STATUSES.get(answer.http_status) if code is None else minimax_body.ruling_on(code)
        told = None if code is None else str(code)
        return _not_working("MiniMax", answer, ruling, minimax_body.words_of(answer), told)


@dataclass(frozen=True)
class _NoTaskCheck:
    """The state of a task that cannot exist. `statuses` are the rulings on an order, by status."""

    name: str
    call: UpstreamCall
    statuses: Mapping[int, Ruling]

    def read(self, answer: UpstreamAnswer) -> KeyVerdict:
        """Works where the task is not found, or anything is told of it."""
        document = answer.document
        told = told_status(document)
        status = answer.http_status if told is None else told
        if isinstance(document, dict) and (status == HTTPStatus.NOT_FOUND or status in SUCCESSES):
            return KeyVerdict(works=True, found=f"{self.name} looked for a task that does not exist (HTTP {status})")
        return _not_working(self.name, answer, self.statuses.get(status), _words_of(document))


_CHECKS: Final[Mapping[str, Callable[[], KeyCheck]]] = {
    "minimax": _VoicesCheck,
    "apiinone": lambda: _NoTaskCheck("API in One", apiinone.PROVIDER.poll_call(_NO_TASK), apiinone.CREATE_STATUSES),
    "aimlapi": lambda: _NoTaskCheck("AIML API", aimlapi.PROVIDER.poll_call(_NO_TASK), aimlapi_errors.CREATE_STATUSES),
}
"""SkillBoss documents no free call."""


def key_check(provider: str) -> KeyCheck | None:
    """The free call of a provider that shows whether a key works, or None if its documents have none."""
    make = _CHECKS.get(provider)
    return None if make is None else make()


def _words_of(document: JsonValue) -> str:
    if not isinstance(document, dict):
        return ""
    error = document.get("error")
    inner = error.get("message") if isinstance(error, dict) else error
    return read_words(document.get("message"), inner, document.get("msg"))


def _not_working(
    name: str, answer: UpstreamAnswer, ruling: Ruling | None, said: str, code: str | None = None
) -> KeyVerdict:
    found = describe(name, answer, said, code, _WANTED) if answer.document is not None else describe_flaw(name, answer)
    if ruling is not None and ruling.failure_class in _REFUSALS:
        return KeyVerdict(works=False, found=found)
    return KeyVerdict(works=None, found=f"{found}; this says nothing about the key, so try again later")
