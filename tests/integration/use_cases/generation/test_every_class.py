"""One job for every class of failure: what its caller receives, what the provider charged, and how often it was called.

The failures are spread over the providers, so that none has many in a row.
"""

import hashlib
from typing import NamedTuple

import pytest

from fermata.domain.providers.failures import FailureClass
from tests.integration.song import Cloud, request

AT_ONCE = 4
MODELS = {
    "minimax": "minimax/music-2.5",
    "skillboss": "skillboss/music-2.5",
    "apiinone": "apiinone/minimax-music",
    "aimlapi": "aimlapi/minimax/music-2.0",
}


class Row(NamedTuple):
    failure_class: str
    provider: str
    fault: str
    place: str
    charged: str
    posts: int = 1
    model: str | None = None

    @property
    def prompt(self) -> str:
        return f"a job that ends as {self.failure_class}"


ROWS = (
    Row("transient", "skillboss", "http:500:charged", "create", "unknown"),
    Row("rate_limited", "minimax", "http:429", "create", "no", posts=4),
    Row("auth", "apiinone", "http:401", "create", "no"),
    Row("out_of_credit", "aimlapi", "http:403", "create", "no"),
    Row("content_refused", "minimax", "code:1026", "create", "no"),
    Row("invalid_request", "skillboss", "code:400", "create", "no"),
    # No later row can order from this model, so it is one that no other row orders.
    Row("not_entitled", "minimax", "code:2061", "create", "no", model="minimax/music-2.0"),
    Row("not_found", "aimlapi", "http:404", "create", "no"),
    Row("incomplete", "skillboss", "status1", "create", "unknown"),
    Row("bad_audio", "minimax", "not_audio", "create", "yes"),
    Row("result_expired", "skillboss", "link_expired", "file", "yes"),
    Row("unknown_outcome", "apiinone", "html", "create", "unknown"),
    Row("provider_error", "aimlapi", "status_word:error", "poll", "unknown"),
)


@pytest.fixture(scope="module")
def submitted(cloud: Cloud) -> dict[str, str]:
    """Per class, the id of its job; a few at a time, so that a busy machine does not make an outcome unknown."""
    for row in ROWS:
        cloud.fault(row.provider, row.fault, row.place, row.prompt, times=9)
    ordered: dict[str, str] = {}
    for row in ROWS:
        for earlier in list(ordered.values())[: max(0, len(ordered) - AT_ONCE + 1)]:
            cloud.finished(earlier)
        ordered[row.failure_class] = cloud.submit(request(row.prompt, model=row.model or MODELS[row.provider]))["id"]
    return ordered


def test_every_class_has_its_row() -> None:
    assert [row.failure_class for row in ROWS] == [each.value for each in FailureClass]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.failure_class)
def test_a_job_ends_with_its_class_its_bill_and_no_order_too_many(
    cloud: Cloud, submitted: dict[str, str], row: Row
) -> None:
    job = cloud.finished(submitted[row.failure_class])

    assert (job["status"], job["tracks"], job["charged"]) == ("failed", [], "refunded")
    assert (job["error"]["class"], job["error"]["provider_charged"]) == (row.failure_class, row.charged)
    posts = cloud.posts(row.provider, hashlib.sha256(row.prompt.encode()).hexdigest())
    # Where the machine is too busy for a connection, nothing was ordered, and the order is repeated by right.
    reached = [attempt for attempt in cloud.attempts(job["id"]) if attempt["raw_code"] != "no_connection"]
    assert len(posts) == len(reached) == row.posts
    charged = [item["charged"] for item in posts]
    assert row.charged == "unknown" or charged == [row.charged == "yes"] * row.posts
