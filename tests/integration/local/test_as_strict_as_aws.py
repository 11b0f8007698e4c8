"""What a browser notices on AWS it notices on the laptop: origins, links that end, forms, items that have ended."""

import re
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.integration.song import Cloud, request

PAGE = {"Origin": "https://player.example.com"}


@pytest.fixture(scope="module")
def link(cloud: Cloud) -> str:
    """The link to a finished song."""
    return str(cloud.made(request("strict as aws"))["tracks"][0]["url"])


def test_a_page_of_another_origin_plays_a_song_and_may_change_nothing(link: str) -> None:
    asked = {**PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    allowed = httpx.options(link, headers=asked, trust_env=False)
    refused = httpx.options(link, headers={**asked, "Access-Control-Request-Method": "PUT"}, trust_env=False)
    part = httpx.get(link, headers={**PAGE, "Range": "bytes=0-99"}, trust_env=False)
    assert (allowed.status_code, allowed.headers["access-control-allow-headers"]) == (200, "range")
    assert (refused.status_code, "This CORS request is not allowed" in refused.text) == (403, True)
    assert (part.status_code, len(part.content), part.headers["access-control-allow-origin"]) == (206, 100, "*")


def test_a_link_ends_and_a_page_can_read_that_it_did(link: str) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y%m%dT%H%M%SZ")
    ended = httpx.get(re.sub("X-Amz-Date=[^&]+", f"X-Amz-Date={long_ago}", link), headers=PAGE, trust_env=False)
    assert (ended.status_code, "<Message>Request has expired</Message>" in ended.text) == (403, True)
    assert ended.headers["access-control-allow-origin"] == "*"
    assert httpx.get(link, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("changes", "size", "found"),
    [
        ({}, 1000, None),
        ({"key": "requests/another/file.json"}, 1000, "Policy Condition failed"),
        ({"Content-Type": "text/html"}, 1000, "Policy Condition failed"),
        ({}, 1001, "EntityTooLarge"),
        ({"policy": None}, 1000, "AccessDenied"),
        ({"acl": "public-read"}, 1000, "Extra input fields"),
    ],
)
def test_a_form_takes_what_its_policy_allows(
    cloud: Cloud, changes: dict[str, str | None], size: int, found: str | None
) -> None:
    with cloud.http() as http:
        upload = (
            http.post("/v1/references", json={"content_type": "audio/mpeg", "bytes": 1000}).raise_for_status().json()
        )
    fields = {name: value for name, value in {**upload["upload"]["fields"], **changes}.items() if value is not None}
    answer = httpx.post(upload["upload"]["url"], data=fields, files={"file": bytes(size)}, trust_env=False)
    assert answer.is_success is (found is None)
    assert (found or "") in answer.text


def test_an_item_vanishes_after_its_end(cloud: Cloud) -> None:
    table, dynamodb = cloud.line["outputs"]["TableName"], cloud.aws("dynamodb")
    ends = {"ended": int(time.time()) - 3600, "lasting": int(time.time()) + 3600}
    for name, end in ends.items():
        item = {"pk": {"S": f"TEST#{name}"}, "sk": {"S": "a"}, "ttl": {"N": str(end)}}
        dynamodb.put_item(TableName=table, Item=item)

    def is_there(name: str) -> bool:
        key = {"pk": {"S": f"TEST#{name}"}, "sk": {"S": "a"}}
        return "Item" in dynamodb.get_item(TableName=table, Key=key)

    cloud.until(lambda: not is_there("ended"))
    assert is_there("lasting")
