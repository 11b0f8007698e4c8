"""Job events on the default bus of EventBridge."""

import json
from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.domain.finish.events import JobEvent
from fermata.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE: Final = "fermata"


class EventBridgeJobEvents:
    """`JobEvents` over the account's default bus; each detail names the stack, because stacks share the bus."""

    def __init__(self, client: "EventBridgeClient", stack: str) -> None:
        self._client, self._stack = client, stack

    def publish(self, *events: JobEvent) -> None:
        """Put the events; raises `TransientError`.

        `PutEvents` succeeds even when the bus refuses an entry, so this method checks the result of every entry.
        """
        with aws_errors("the job's end could not be published"):
            answer = self._client.put_events(Entries=[_entry(event, self._stack) for event in events])
        if answer["FailedEntryCount"]:
            codes = {entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry}
            raise TransientError(f"the bus refused an event of the job's end: {', '.join(sorted(codes)) or 'unknown'}")


def _entry(event: JobEvent, stack: str) -> "PutEventsRequestEntryTypeDef":
    detail = {**event.detail, "stack": stack}
    return {"Source": SOURCE, "DetailType": event.detail_type, "Detail": json.dumps(detail)}
