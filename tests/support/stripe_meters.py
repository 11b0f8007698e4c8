"""A consumer of `Usage Recorded` that reports usage to Stripe's billing meters, and a fake of Stripe on this machine.

The consumer is the recipe of docs/operations.md as code. Each event is billed once, however often and however late it
comes: a record under its id is written before Stripe is called, and Stripe is never called again once its own memory of
an identifier may be over.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import httpx

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REMEMBERED_FOR: Final = timedelta(hours=24)
"""How long Stripe remembers an identifier at least."""
TRIED_AGAIN_FOR: Final = timedelta(hours=23)
"""How long after the first try a call may be repeated: less than Stripe remembers, with time for the call itself."""
OLDEST: Final = timedelta(days=34)
"""Stripe accepts timestamps of the past 35 days."""


class Billed(StrEnum):
    """What became of an event."""

    NOW = "now"
    BEFORE = "before"
    NOTHING_TO_BILL = "nothing_to_bill"
    BY_HAND = "by_hand"


class NotBilledYetError(Exception):
    """Stripe could not be reached or has no time; deliver the event again."""


@dataclass(frozen=True)
class MeterConsumer:
    """Reports events of one bus. `table` has the string key `event_id`; `customers` are Stripe's ids by tenant."""

    records: "DynamoDBClient"
    table: str
    stripe_url: str
    secret_key: str
    customers: Mapping[str, str]
    clock: Callable[[], datetime]

    def consume(self, detail: Mapping[str, Any]) -> Billed:
        """Report the credits of one event. Raises `NotBilledYetError` where it has to come again."""
        if not detail["credits"]:
            return Billed.NOTHING_TO_BILL
        event_id, now = str(detail["event_id"]), self.clock()
        record = self._record(event_id, now)
        if record["state"] == "billed":
            return Billed.BEFORE
        ended = datetime.fromisoformat(detail["finished_at"])
        if now - datetime.fromisoformat(record["first_try"]) > TRIED_AGAIN_FOR or now - ended > OLDEST:
            return Billed.BY_HAND
        self._report(event_id, detail, ended)
        self._note_billed(event_id)
        return Billed.NOW

    def _record(self, event_id: str, now: datetime) -> dict[str, str]:
        """The record of an event, which is written with its first try."""
        key = {"event_id": {"S": event_id}}
        item: Any = {**key, "state": {"S": "tried"}, "first_try": {"S": now.isoformat()}}
        try:
            self.records.put_item(TableName=self.table, Item=item, ConditionExpression="attribute_not_exists(event_id)")
        except self.records.exceptions.ConditionalCheckFailedException:
            item = self.records.get_item(TableName=self.table, Key=key, ConsistentRead=True)["Item"]
        return {name: value["S"] for name, value in item.items()}

    def _report(self, event_id: str, detail: Mapping[str, Any], ended: datetime) -> None:
        form = {
            "event_name": "fermata_credits",
            "identifier": event_id,
            "timestamp": str(int(ended.timestamp())),
            "payload[stripe_customer_id]": self.customers[detail["tenant_id"]],
            "payload[value]": str(detail["credits"]),
        }
        try:
            answer = httpx.post(
                f"{self.stripe_url}/v1/billing/meter_events", data=form, auth=(self.secret_key, ""), timeout=10
            )
        except httpx.TransportError as error:
            raise NotBilledYetError(f"Stripe did not answer ({type(error).__name__})") from None
        if not answer.is_success and not _is_known_already(answer):
            raise NotBilledYetError(f"Stripe answered {answer.status_code}")

    def _note_billed(self, event_id: str) -> None:
        self.records.update_item(
            TableName=self.table,
            Key={"event_id": {"S": event_id}},
            UpdateExpression="SET #state = :billed",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":billed": {"S": "billed"}},
        )


def _is_known_already(answer: httpx.Response) -> bool:
    """Whether Stripe refuses a repetition: it has the event."""
    error = answer.json().get("error", {}) if answer.status_code == 400 else {}
    return str(error.get("message", "")).startswith("An event already exists with identifier")


@dataclass
class FakeStripe:
    """Stripe's meters: an identifier counts once within `REMEMBERED_FOR`. `trouble` names what befalls the next posts,
    in order: `lost` (accepted, and the connection breaks) or a status with which it is refused.
    """

    clock: Callable[[], datetime]
    url: str = ""
    trouble: list[str] = field(default_factory=list)
    posts: list[dict[str, str]] = field(default_factory=list)
    counted: list[tuple[str, int]] = field(default_factory=list)
    _seen: dict[str, datetime] = field(default_factory=dict)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def total(self, customer: str) -> int:
        """What a customer is billed for."""
        return sum(value for of, value in self.counted if of == customer)

    def take(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Count a post, and answer it."""
        with self._one_at_a_time:
            return self._take(form)

    def _take(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.posts.append(form)
        if self.trouble and self.trouble[0].isdigit():
            return int(self.trouble.pop(0)), {"error": {"type": "api_error", "message": "not now"}}
        identifier, now = form["identifier"], self.clock()
        if identifier in self._seen and now - self._seen[identifier] < REMEMBERED_FOR:
            said = f"An event already exists with identifier {identifier}."
            return 400, {"error": {"type": "invalid_request_error", "message": said}}
        self._seen[identifier] = now
        self.counted.append((form["payload[stripe_customer_id]"], int(form["payload[value]"])))
        return 200, {"object": "billing.meter_event", "identifier": identifier}


@contextmanager
def stripe_on_this_machine(clock: Callable[[], datetime]) -> Iterator[FakeStripe]:
    """Listen on a free port of this machine."""
    stripe = FakeStripe(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = stripe.take(dict(parse_qsl(body.decode())))
            if stripe.trouble[:1] == ["lost"] and status == 200:
                stripe.trouble.pop(0)
                self.close_connection = True
                return
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    stripe.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
