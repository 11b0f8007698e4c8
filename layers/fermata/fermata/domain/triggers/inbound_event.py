"""The event `Music Job Requested`, and the event of its refusal, which never quotes the request."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StrictStr, ValidationError

from fermata.domain.finish.events import JobEvent
from fermata.domain.orders.idempotency import is_idempotency_key
from fermata.domain.orders.job_id import derived_job_id
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.triggers.senders import source_of
from fermata.domain.web.problem import Problem
from fermata.errors import FieldError, InvalidRequestError

IDEMPOTENCY_KEY: Final = "idempotency_key"
_REFUSED: Final = "Music Job Refused"
_KNOWN: Final = frozenset({IDEMPOTENCY_KEY, *SongRequest.model_fields})

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Job ids cannot represent earlier times."""

Named = Annotated[StrictStr, Field(min_length=1, max_length=512)]


class Requested(BaseModel):
    """An event from EventBridge; `id` and `time` are the same in every delivery. IAM vouches for `account` and
    `source`; the sender wrote `detail`.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, hide_input_in_errors=True)

    id: Named
    time: Annotated[AwareDatetime, Field(ge=_FIRST)]
    account: Named
    source: Named
    detail: dict[str, JsonValue]

    @property
    def sender(self) -> str:
        """The sender's name, as `source_of` forms it."""
        return source_of(self.account, self.source)

    def key(self) -> str:
        """The request's idempotency key; raises `InvalidRequestError`. It differs from every key of an HTTP request,
        because those contain no spaces.
        """
        key = self.detail.get(IDEMPOTENCY_KEY)
        if key is None:
            raise InvalidRequestError([FieldError(f"/{IDEMPOTENCY_KEY}", "is required: events may come twice")])
        if not isinstance(key, str) or not is_idempotency_key(key):
            need = "must be 1 to 255 visible ASCII characters without spaces"
            raise InvalidRequestError([FieldError(f"/{IDEMPOTENCY_KEY}", need)])
        return f"event {key}"

    def job_id(self, tenant_id: str) -> str:
        """The id of the event's job, the same in every delivery of the event; raises as `key` does."""
        return derived_job_id(self.time, f"{self.key()} {self.id} {tenant_id}")

    def body(self) -> bytes:
        """The request as a body of `POST /v1/jobs`."""
        asked = {name: value for name, value in self.detail.items() if name != IDEMPOTENCY_KEY}
        return json.dumps(asked).encode()


@dataclass(frozen=True)
class Sender:
    """The sender of a refused event, as far as known."""

    event_id: str | None
    account: str | None
    source: str | None


def read_requested(event: object) -> Requested:
    """An event of the bus; raises `InvalidRequestError` naming every missing or wrong field of its envelope."""
    try:
        return Requested.model_validate(event)
    except ValidationError as error:
        parts = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = [FieldError("".join(f"/{step}" for step in part["loc"][:1]), part["msg"]) for part in parts]
        raise InvalidRequestError(wrong) from None


def sender_of(event: object) -> Sender:
    """The sender of an event, even of a malformed one."""
    found = event if isinstance(event, dict) else {}
    texts = (found.get(name) for name in ("id", "account", "source"))
    return Sender(*(text[:512] if isinstance(text, str) else None for text in texts))


def refusal_of(sender: Sender, tenant_id: str | None, problem: Problem) -> JobEvent:
    """The event that reports a refusal; its `event_id` is the same for every refusal of one event."""
    fields: list[JsonValue] = list(dict.fromkeys(_named(field.pointer) for field in problem.fields))
    return JobEvent(
        _REFUSED,
        {
            "event_id": f"{sender.event_id}.refused",
            "request_event_id": sender.event_id,
            "request_account": sender.account,
            "request_source": sender.source,
            "tenant_id": tenant_id,
            "problem": {
                "type": problem.type,
                "title": problem.title,
                "status": problem.status,
                "retryable": problem.retryable,
                "fields": fields,
            },
        },
    )


def _named(pointer: str) -> str:
    """The top-level field of a pointer. Unknown names are not quoted, because they may be text of the request."""
    name = pointer.removeprefix("/").partition("/")[0]
    return f"/{name}" if name in _KNOWN else "a field that does not exist"
