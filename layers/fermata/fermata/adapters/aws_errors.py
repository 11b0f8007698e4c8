"""The one place where what AWS refuses becomes an error of Fermata's, with AWS's own code in its message.

Only the code: AWS's messages may quote ARNs, parameters and what was sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from fermata.errors import FermataError, TransientError

Meaning = Callable[[str], FermataError | None]
"""What a code of AWS's means for one call, or None where it means that the call failed."""


def _nothing(_: str) -> None:
    return None


@contextmanager
def aws_errors(failed: str, meaning: Meaning = _nothing) -> Iterator[None]:
    """Raise `TransientError` for what AWS, or the way to it, refuses within the block: what `failed`, and the code.

    A refusal that is an answer is caught within the block by its name on the client's `exceptions`, or, where only the
    code tells, turned into the error that `meaning` gives for it.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        code = _code(error)
        raise meaning(code) or TransientError(failed, code) from error


def _code(error: ClientError | BotoCoreError) -> str:
    """AWS's code, with the codes of a cancelled transaction's parts; of a failure on the way its kind."""
    if isinstance(error, BotoCoreError):
        return type(error).__name__
    code = error.response.get("Error", {}).get("Code") or "unknown"
    reasons = (reason.get("Code") or "None" for reason in error.response.get("CancellationReasons", []))
    parts = set(reasons) - {"None"}
    return f"{code} ({', '.join(sorted(parts))})" if parts else code
