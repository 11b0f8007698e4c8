"""The promises in the calls that stores make of AWS, and the same calls without one of them."""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.signers import S3PostPresigner

from tests.support import direct_dynamodb
from tooling.conditions.expressions import placeholders, smaller_updates, weaker_conditions

ROOT: Final = Path(__file__).parents[2]
ADAPTERS: Final = ROOT / "layers" / "fermata" / "fermata" / "adapters"
_TESTS: Final = ROOT / "tests"

_ALWAYS: Final = "attribute_exists(pk) OR attribute_not_exists(pk)"
_EXPRESSIONS: Final = (
    "ConditionExpression",
    "UpdateExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
_SINGLE: Final = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
_KIND: Final = re.compile(r"[A-Z_]+(?:#[A-Z_]+(?=#))?")
"""The beginning of a key that does not depend on whose item it is."""
_CALL: Final = "_make_api_call"
_OF_UPDATES: Final = "update "
_REFUSED: Final = {"ConditionalCheckFailedException", "TransactionCanceledException"}
_PRECONDITIONS: Final = re.compile(r"(?:CopySource)?If[A-Z]\w+")

Call = dict[str, Any]


class Promise(NamedTuple):
    """What a call promises: where it comes from, what it writes and what is left out of it, in words.

    Updates are known by what they write alone: an addition that one method makes of zero is another's of something.
    """

    store: str
    write: str
    left_out: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.store, self.write, self.left_out)))


class Tap:
    """Between the stores and AWS: notes the promises that pass, or leaves one of them out."""

    def __init__(self) -> None:
        self.left_out: Promise | None = None
        self.seen: dict[Promise, str] = {}
        """By promise, the file and line from which it came first."""
        self.refused: set[Promise] = set()
        """Those of calls whose condition did not hold: tests of these are the first to notice when it is left out."""
        self.texts: set[str] = set()
        """Every expression that passed, as it was."""

    @contextmanager
    def open(self) -> Iterator["Tap"]:
        """Have the SDK's calls of DynamoDB and S3, also those without the wire, pass here."""
        # Before the SDK validates what it is given.
        called, direct = vars(BaseClient)[_CALL], direct_dynamodb.answer
        signed = S3PostPresigner.generate_presigned_post

        def make_api_call(client: BaseClient, operation: str, params: Call) -> Any:  # noqa: ANN401 - any answer
            with self._noting_refusals(operation, params):
                return called(client, operation, self.passed(operation, params))

        def answer(operation: str, params: Call, *region: str) -> Call:
            with self._noting_refusals(operation, params):
                return direct(operation, self.passed(operation, params), *region)

        def generate(signer: S3PostPresigner, **form: Any) -> Any:  # noqa: ANN401 - the SDK's own
            return signed(signer, **self.passed("PostForm", form))

        with (
            mock.patch.object(BaseClient, _CALL, make_api_call),
            mock.patch.object(direct_dynamodb, "answer", answer),
            mock.patch.object(S3PostPresigner, "generate_presigned_post", generate),
        ):
            yield self

    def passed(self, operation: str, params: Call) -> Call:
        """A call as it goes on."""
        caller = _caller()
        if caller is None:
            return params
        store, place = caller
        result = params
        self.texts |= set(_expressions_in(params))
        for write, left_out, without in promises_of(operation, params):
            promise = _promise(store, write, left_out)
            self.seen.setdefault(promise, place)
            # Several equal parts of a transaction lose the promise together.
            if promise == self.left_out:
                result = without(result)
        return result

    @contextmanager
    def _noting_refusals(self, operation: str, params: Call) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            caller = _caller()
            if caller is not None and error.response["Error"]["Code"] in _REFUSED:
                self.refused |= {_promise(caller[0], write, left) for write, left, _ in promises_of(operation, params)}
            raise


def _promise(store: str, write: str, left_out: str) -> Promise:
    return Promise("" if left_out.startswith(_OF_UPDATES) else store, write, left_out)


def promises_of(operation: str, params: Call) -> Iterator[tuple[str, str, Callable[[Call], Call]]]:
    """What each part of a call writes, what can be left out of it, and how the call is without it."""
    if operation == "TransactWriteItems":
        yield from _promises_of_transaction(params)
    elif operation in _SINGLE:
        for left_out, part in _broken(_SINGLE[operation], params):
            yield f"{_SINGLE[operation]} {_item(params)}", left_out, _constantly(part)
    else:
        about = f"{operation} {str(params.get('Key', '')).partition('/')[0]}".strip()
        for name in filter(_PRECONDITIONS.fullmatch, params):
            without = {key: value for key, value in params.items() if key != name}
            yield about, f"without {name}", _constantly(without)
        conditions = params.get("conditions", ())
        for number, condition in enumerate(conditions):
            name = condition[0] if isinstance(condition, list) else next(iter(condition))
            others = [*conditions[:number], *conditions[number + 1 :]]
            yield about, f"without the condition {name}", _constantly({**params, "conditions": others})


def _promises_of_transaction(params: Call) -> Iterator[tuple[str, str, Callable[[Call], Call]]]:
    checks: dict[str, int] = {}
    for number, part in enumerate(params["TransactItems"]):
        ((kind, about),) = part.items()
        write = f"{kind} {_item(about)}"
        # Of several equal writes all lose their condition together; each check stands for something else.
        if kind == "ConditionCheck":
            checks[write] = checks.get(write, 0) + 1
            write = f"{write} ({checks[write]})"
        for left_out, broken in _broken(kind, about):
            yield write, left_out, _replaced(number, {kind: broken})


def _replaced(number: int, part: Call) -> Callable[[Call], Call]:
    def replaced(call: Call) -> Call:
        parts = call["TransactItems"]
        return {**call, "TransactItems": [*parts[:number], part, *parts[number + 1 :]]}

    return replaced


def _constantly(call: Call) -> Callable[[Call], Call]:
    return lambda _: call


def _broken(kind: str, part: Call) -> Iterator[tuple[str, Call]]:
    condition, update = part.get("ConditionExpression"), part.get("UpdateExpression")
    if condition is not None:
        # A check has to check something.
        always = _ALWAYS if kind == "ConditionCheck" else None
        yield "without its condition", _with(part, {"ConditionExpression": always})
        for left_out, weaker in weaker_conditions(condition):
            yield f"condition {left_out}", _with(part, {"ConditionExpression": weaker})
    if update is not None:
        for left_out, smaller in smaller_updates(update):
            yield f"{_OF_UPDATES}{left_out}", _with(part, {"UpdateExpression": smaller})


def _with(part: Call, changes: dict[str, str | None]) -> Call:
    """A part with other expressions, and without the names and values that none of them uses any more."""
    changed = {name: value for name, value in {**part, **changes}.items() if value is not None}
    used = placeholders(*(changed[name] for name in _EXPRESSIONS if name in changed))
    for about in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        left = {name: value for name, value in changed.pop(about, {}).items() if name in used}
        if left:
            changed[about] = left
    return changed


def _item(part: Call) -> str:
    key = part.get("Key") or part["Item"]
    kinds = (_KIND.match(key[name]["S"]) for name in ("pk", "sk"))
    return "/".join(kind.group() for kind in kinds if kind)


def _expressions_in(params: Call) -> Iterator[str]:
    parts = [next(iter(part.values())) for part in params.get("TransactItems", ())] or [params]
    yield from (part[name] for part in parts for name in _EXPRESSIONS if name in part)


def _caller() -> tuple[str, str] | None:
    """The method of a store that a call comes from, and its file and line; None where it comes from no store. What a
    test does amid another method's call is its own.
    """
    frame, found = inspect.currentframe(), None
    while frame is not None:
        if frame.f_code.co_filename.startswith(str(ADAPTERS)):
            found = frame
        elif found is not None and frame.f_code.co_filename.startswith(str(_TESTS)):
            break
        frame = frame.f_back
    if found is None:
        return None
    file = Path(found.f_code.co_filename).relative_to(ROOT)
    return found.f_code.co_qualname, f"{file}:{found.f_lineno}"
