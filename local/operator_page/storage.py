"""The table's items and the buckets' objects, page by page."""

import base64
import json
from typing import Any, Final

from fermata.adapters.dynamodb.items import plain, typed
from local.operator_page.sources import Sources, UnknownError

PAGE: Final = 50
_LINK_TTL_S: Final = 900

Json = dict[str, Any]


def scan(sources: Sources, partition: str | None, after: str | None) -> Json:
    """A page of the table's items, or of those of one partition; `next` leads on."""
    client, asked = sources.clients("dynamodb"), {"TableName": sources.table, "Limit": PAGE}
    if after:
        asked["ExclusiveStartKey"] = typed(_key_in(after))
    if partition:
        of_one = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": typed({":pk": partition})}
        page = client.query(**asked, **of_one)
    else:
        page = client.scan(**asked)
    items = [_shown(plain(item)) for item in page["Items"]]
    last = page.get("LastEvaluatedKey")
    return {
        "table": sources.table,
        "partition": partition,
        "items": items,
        "next": _cursor(plain(last)) if last else None,
    }


def list_objects(sources: Sources, bucket: str | None, prefix: str, after: str | None) -> Json:
    """A page of a bucket's objects whose keys begin with a prefix, each with a link that opens it."""
    chosen = bucket or next(iter(sources.buckets))
    if chosen not in sources.buckets:
        raise UnknownError(f"expected a bucket, one of {', '.join(sources.buckets)}")
    client, name = sources.clients("s3"), sources.buckets[chosen]
    more = {"StartAfter": after} if after else {}
    page = client.list_objects_v2(Bucket=name, Prefix=prefix, MaxKeys=PAGE, **more)
    objects = [
        {
            "key": each["Key"],
            "bytes": each["Size"],
            "at": each["LastModified"].isoformat(),
            "url": client.generate_presigned_url(
                "get_object", Params={"Bucket": name, "Key": each["Key"]}, ExpiresIn=_LINK_TTL_S
            ),
        }
        for each in page.get("Contents", [])
    ]
    leads_on = objects[-1]["key"] if page.get("IsTruncated") else None
    return {"buckets": [*sources.buckets], "bucket": chosen, "prefix": prefix, "objects": objects, "next": leads_on}


def _cursor(key: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, default=str).encode()).decode()


def _key_in(cursor: str) -> Json:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
        return {"pk": str(key["pk"]), "sk": str(key["sk"])}
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownError("expected the `next` of an earlier page") from error


def _shown(item: Json) -> Json:
    """An item with its keys first."""
    return {name: item[name] for name in sorted(item, key=lambda name: (name not in {"pk", "sk"}, name))}
