"""DynamoDB's deletion of items whose time to live has passed, which moto does not make.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html. AWS deletes within a few days and
usually within minutes, so an item that has ended may be read for a while; here it is deleted at a call to DynamoDB
between `DELAY_S` and `DELAY_S + EVERY_S` seconds after its end, or later where looking through the tables takes long.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from werkzeug.test import create_environ, run_wsgi_app

from local.deploy.deployment import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DELAY_S: Final = 60
EVERY_S: Final = 10
_REST: Final = 200
"""How much longer than a look through the tables the pause after it is, so that many items cost half a percent."""
_OLDEST_S: Final = 5 * 365 * 86_400
"""AWS takes an end before this long ago for a mistake and keeps the item."""
_AUTHORIZATION: Final = (
    f"AWS4-HMAC-SHA256 Credential=ttl/20260101/{REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=none"
)


@dataclass(frozen=True)
class Ended:
    """An item whose time to live has passed, in DynamoDB's wire format."""

    table: str
    key: dict[str, Any]
    attribute: str
    ends_at: str


Find = Callable[[float, float], Iterable[Ended]]
"""Returns the items that ended between two instants, in seconds since 1970."""


def ended_in_moto(after: float, before: float) -> Iterator[Ended]:
    """The ended items of all tables with a time to live. The copies let functions write meanwhile."""
    from moto.dynamodb.models import dynamodb_backends

    for table in list(dynamodb_backends[ACCOUNT_ID][REGION].tables.values()):
        if table.ttl["TimeToLiveStatus"] != "ENABLED":
            continue
        attribute = table.ttl["AttributeName"]
        for part in list(table.items.values()):
            records: list[Any] = list(part.values()) if table.has_range_key else [part]
            for item in records:
                end = item.attrs.get(attribute)
                if end is not None and end.type == "N" and after < float(end.value) < before:
                    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
                    key = {name: item.attrs[name].to_json() for name in names}
                    yield Ended(table.name, key, attribute, end.value)


class ExpiringItems:
    """DynamoDB that deletes what has ended; every other request passes. `clock` returns the current instant."""

    def __init__(self, aws: "WSGIApplication", clock: Callable[[], datetime], find: Find = ended_in_moto) -> None:
        self._aws, self._clock, self._find = aws, clock, find
        self._lock = Lock()
        self._next_at = 0.0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Delete what has ended if it is time to, and answer the request."""
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
            self._delete_in_time()
        return self._aws(environ, start_response)

    def _delete_in_time(self) -> None:
        now = self._clock().timestamp()
        with self._lock:
            if now < self._next_at:
                return
            self._next_at = now + EVERY_S
        begun = time.perf_counter()
        for item in list(self._find(now - _OLDEST_S, now - DELAY_S)):
            self._delete(item)
        self._next_at = now + max(EVERY_S, _REST * (time.perf_counter() - begun))

    def _delete(self, item: Ended) -> None:
        """Delete an item on condition that nothing has given it another end meanwhile."""
        request = {
            "TableName": item.table,
            "Key": item.key,
            "ConditionExpression": "#ttl = :end",
            "ExpressionAttributeNames": {"#ttl": item.attribute},
            "ExpressionAttributeValues": {":end": {"N": item.ends_at}},
        }
        headers = [("X-Amz-Target", "DynamoDB_20120810.DeleteItem"), ("Authorization", _AUTHORIZATION)]
        environ = create_environ(
            method="POST", data=json.dumps(request), headers=headers, content_type="application/x-amz-json-1.0"
        )
        run_wsgi_app(self._aws, environ, buffered=True)
