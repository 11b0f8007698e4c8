"""The one place where what AWS refuses becomes an error of Fermata's, with AWS's own code in its message.

Only the code: AWS's messages may quote ARNs, parameters and what was sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, overload

from botocore.exceptions import BotoCoreError, ClientError

from fermata.errors import FermataError, TransientError

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
"""What DynamoDB answers where the condition of a single write does not hold."""
PART_CONDITION_FAILED: Final = "ConditionalCheckFailed"
"""What DynamoDB answers for each part of a transaction whose condition does not hold."""
PART_CONFLICTS: Final = "TransactionConflict"
"""What DynamoDB answers for each part of a transaction that another one is writing."""
NO_SUCH_KEY: Final = "NoSuchKey"
"""What S3 answers where there is no such object."""

_NO_MEANING: Final[Mapping[str, FermataError]] = {}


class Refusal:
    """What came with a refusal that is an answer, and nothing before there is one: the `item` that did not meet a
    condition, with DynamoDB's type marks, and for each part of a cancelled transaction one of the `reasons`.
    """

    item: Mapping[str, Any] = {}
    reasons: Sequence[Mapping[str, Any]] = ()


@overload
def aws_errors(
    failed: str, *, means: Mapping[str, FermataError] = ...
) -> AbstractContextManager[Refusal, bool | None]: ...


@overload
def aws_errors(
    failed: str, answer: str, /, *answers: str, means: Mapping[str, FermataError] = ...
) -> AbstractContextManager[Refusal, bool]: ...


def aws_errors(
    failed: str, *answers: str, means: Mapping[str, FermataError] = _NO_MEANING
) -> AbstractContextManager[Refusal, bool | None]:
    """Raise `TransientError` for what AWS, or the way to it, refuses within the block: what `failed`, and the code.

    A refusal whose code is one of the `answers` ends the block and raises nothing; the value of the block tells what
    came with it. A code that `means` another error of Fermata's raises that. The parts of a cancelled transaction have
    codes of their own, and each of them counts as the refusal's.
    """
    return _Block(failed, answers, means)


class _Block(AbstractContextManager[Refusal, bool]):
    def __init__(self, failed: str, answers: Sequence[str], means: Mapping[str, FermataError]) -> None:
        self._failed = failed
        self._answers = answers
        self._means = means
        self._refusal = Refusal()

    def __enter__(self) -> Refusal:
        return self._refusal

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, ClientError | BotoCoreError):
            return False
        code, *of_parts = _codes(error)
        if isinstance(error, ClientError) and not {code, *of_parts}.isdisjoint(self._answers):
            answer: Mapping[str, Any] = error.response
            self._refusal.item = answer.get("Item") or {}
            self._refusal.reasons = answer.get("CancellationReasons") or ()
            return True
        meant = next((self._means[each] for each in (code, *of_parts) if each in self._means), None)
        raise meant or TransientError(self._failed, f"{code} ({', '.join(of_parts)})" if of_parts else code) from error


def _codes(error: ClientError | BotoCoreError) -> Iterator[str]:
    """AWS's code, then the codes of a cancelled transaction's parts; of a failure on the way its kind."""
    if isinstance(error, BotoCoreError):
        yield type(error).__name__
        return
    yield error.response.get("Error", {}).get("Code") or "unknown"
    reasons = (reason.get("Code") or "None" for reason in error.response.get("CancellationReasons", []))
    yield from sorted(set(reasons) - {"None"})
