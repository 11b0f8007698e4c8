"""Does what its event says, good or bad."""

import json
import os
import sys
import threading
from typing import Any, Protocol

import boto3


class TryAgainError(Exception):
    """The next try may succeed."""


class Context(Protocol):
    """What is used of Lambda's context."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is killed."""


def lambda_handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Carry out `event["do"]`, or that of an HTTP request's JSON body."""
    left = {"left_ms": context.get_remaining_time_in_millis()}
    if "requestContext" not in event:
        return _ORDERS[event["do"]]({**event, **left})
    order = {"do": "echo", **json.loads(event.get("body") or "{}"), **left}
    return {"statusCode": 200, "body": json.dumps(_ORDERS[order["do"]](order))}


def _echo(order: dict[str, Any]) -> dict[str, Any]:
    sys.stdout.write(f"echo of {order.get('text')}\n")
    return order


def _raise(order: dict[str, Any]) -> dict[str, Any]:
    raise TryAgainError(order.get("text", ""))


def _exit(order: dict[str, Any]) -> dict[str, Any]:
    os._exit(order["code"])


def _sleep(order: dict[str, Any]) -> dict[str, Any]:
    sys.stdout.write(f"sleeps {order['seconds']} s\n")
    sys.stdout.flush()
    threading.Event().wait(order["seconds"])
    return {"slept": order["seconds"]}


def _hold(order: dict[str, Any]) -> dict[str, Any]:
    sys.stdout.write(f"holds {order['name']}\n")
    sys.stdout.flush()
    table = boto3.client("dynamodb")
    while "Item" not in table.get_item(TableName=os.environ["TABLE_NAME"], Key={"pk": {"S": order["name"]}}):
        threading.Event().wait(0.05)
    sys.stdout.write(f"let go of {order['name']}\n")
    return {}


def _flaky(order: dict[str, Any]) -> dict[str, Any]:
    tries = _count(order)["tries"]
    if tries < order["succeeds_at"]:
        raise TryAgainError(str(tries))
    return {"tries": tries}


def _link(order: dict[str, Any]) -> dict[str, Any]:
    s3, name = boto3.client("s3"), {"Bucket": os.environ["BUCKET_NAME"], "Key": order["key"]}
    s3.put_object(**name, Body=order["text"].encode())
    return {"url": s3.generate_presigned_url("get_object", Params=name)}


def _describe(order: dict[str, Any]) -> dict[str, Any]:
    return {"environment": sorted(os.environ), "left_ms": order["left_ms"], "pid": os.getpid(), "parent": os.getppid()}


def _count(order: dict[str, Any]) -> dict[str, Any]:
    answer = boto3.client("dynamodb").update_item(
        TableName=os.environ["TABLE_NAME"],
        Key={"pk": {"S": order["name"]}},
        UpdateExpression="ADD tries :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )
    return {"tries": int(answer["Attributes"]["tries"]["N"])}


_ORDERS = {
    "echo": _echo,
    "raise": _raise,
    "exit": _exit,
    "sleep": _sleep,
    "hold": _hold,
    "flaky": _flaky,
    "link": _link,
    "describe": _describe,
    "count": _count,
}
