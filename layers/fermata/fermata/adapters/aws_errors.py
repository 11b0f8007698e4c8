"""Maps botocore's errors to Fermata's, with the AWS error code in the message.

The message holds the code alone, because AWS's own messages may quote ARNs, parameters and the request.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, overload

from fermata.errors import FermataError, TransientError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
"""DynamoDB's code for a single write whose condition does not hold."""
PART_CONDITION_FAILED: Final = "ConditionalCheckFailed"
"""DynamoDB's code for a part of a transaction whose condition does not hold."""
PART_CONFLICTS: Final = "TransactionConflict"
"""DynamoDB's code for a part of a transaction whose item another transaction is writing."""
NO_SUCH_KEY: Final = "NoSuchKey"
"""S3's code for an object that does not exist."""

_NO_MEANING: Final[Mapping[str, FermataError]] = {}


class Refusal:
    """Details of an expected refusal, empty until one occurs: the `item` that failed a condition, with DynamoDB's type
    marks, and one of the `reasons` for each part of a cancelled transaction.
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
    """Raise `TransientError` for an AWS or network error within the block; its message is `failed` and the error code.

    A code among the `answers` is an expected refusal: it ends the block without an error, and the block's value holds
    its details. `means` maps codes to the errors to raise instead of `TransientError`. For a cancelled transaction, the
    codes of its parts count as well.
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
        if error is None:
            return False
        # Imported where there is an error: most blocks of a cold start end well.
        from botocore.exceptions import BotoCoreError, ClientError

        if not isinstance(error, ClientError | BotoCoreError):
            return False
        code, *part_codes = _codes(error) if isinstance(error, ClientError) else (type(error).__name__,)
        if isinstance(error, ClientError) and not {code, *part_codes}.isdisjoint(self._answers):
            answer: Mapping[str, Any] = error.response
            self._refusal.item = answer.get("Item") or {}
            self._refusal.reasons = answer.get("CancellationReasons") or ()
            return True
        mapped = next((self._means[each] for each in (code, *part_codes) if each in self._means), None)
        reported = f"{code} ({', '.join(part_codes)})" if part_codes else code
        raise mapped or TransientError(self._failed, reported) from error


def _codes(error: "ClientError") -> Iterator[str]:
    """The AWS code, then the codes of a cancelled transaction's parts."""
    yield error.response.get("Error", {}).get("Code") or "unknown"
    reasons = (reason.get("Code") or "None" for reason in error.response.get("CancellationReasons", []))
    yield from sorted(set(reasons) - {"None"})
