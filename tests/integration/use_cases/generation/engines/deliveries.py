"""What deliver_webhook answers on each way through its machine, and the states that the way goes through."""

from typing import Final

from fermata.domain.webhooks.delivery import SCHEDULE_S, Verdict
from tests.integration.use_cases.generation.engines.paths import Answer, Path, fails

_TRIES: Final = len(SCHEDULE_S)
_RETRIES: Final = 10
"""Of a function that fails, as the machine's file says."""


def _says(verdict: Verdict | str, number: int = 1, wait_seconds: int = 1) -> Answer:
    return {"payload": {"verdict": str(verdict), "number": number, "wait_seconds": wait_seconds}}


def _again(number: int) -> Answer:
    return _says(Verdict.RETRY, number + 1, SCHEDULE_S[number])


def _way(name: str, answers: list[Answer], states: str) -> Path:
    return Path(name, tuple(("DeliverWebhook", answer) for answer in answers), tuple(states.split()))


_TRY: Final = "DeliverWebhook DecideNext"
_FAILED: Final = f"{_TRY} WaitForNextTry"
_NOT_RUN: Final = fails("Lambda.TooManyRequestsException")

DELIVERIES: Final = (
    _way("a receiver that takes it", [_says(Verdict.DELIVERED)], f"{_TRY} Done"),
    _way("the second try", [_again(1), _says(Verdict.DELIVERED, 2)], f"{_FAILED} {_TRY} Done"),
    _way("a receiver that is gone", [_again(1), _says(Verdict.STOPPED, 2)], f"{_FAILED} {_TRY} Done"),
    _way(
        "ten tries in vain",
        [*(_again(number) for number in range(1, _TRIES)), _says(Verdict.GIVEN_UP, _TRIES)],
        f"{' '.join([_FAILED] * (_TRIES - 1))} {_TRY} NotDelivered",
    ),
    _way("a run that died is repeated", [fails("Runtime.ExitError"), _says(Verdict.DELIVERED)], f"{_TRY} Done"),
    _way("a busy account", [_NOT_RUN] * 5 + [_says(Verdict.DELIVERED)], f"{_TRY} Done"),
    _way("trying itself fails", [fails("TransientError")] * (_RETRIES + 1), "DeliverWebhook NotDelivered"),
    _way("a verdict that nobody knows", [_says("enchanted")], f"{_TRY} NotDelivered"),
)
"""Each is a job whose id is the name of its way."""
