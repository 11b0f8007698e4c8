"""The ends of jobs as events on the default bus of EventBridge."""

import json
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from fermata.domain.job_events import JobEvent
from fermata.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE: Final = "fermata"


class EventBridgeJobEvents:
    """`JobEvents` over the account's default bus."""

    def __init__(self, client: "EventBridgeClient") -> None:
        self._client = client

    def publish(self, event: JobEvent) -> None:
        """Put one event; the call succeeds even where the entry was refused, so its own answer is looked at."""
        entry: PutEventsRequestEntryTypeDef = {
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": json.dumps(event.detail),
        }
        try:
            answer = self._client.put_events(Entries=[entry])
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the job's end could not be published: {type(error).__name__}") from error
        if answer["FailedEntryCount"]:
            code = answer["Entries"][0].get("ErrorCode", "unknown")
            raise TransientError(f"the bus refused the event of the job's end: {code}")
